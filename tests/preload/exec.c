/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a program inherits from one that executed it, by every call that executes. The program runs
 * itself again: "show" prints the names of standard input, "serve" binds and serves, "kept" tells
 * which descriptors beyond standard error are open.
 */

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

#define SELF    "/proc/self/exe"
#define ADDRESS "127.0.0.1:80"

static char *show_argv[] = {(char *)"exec", (char *)"show", NULL};
static char *empty[] = {NULL};

static int show(void)
{
        char local[64], peer[64];

        strcpy(local, local_name(0));
        strcpy(peer, peer_name(0));
        printf("%s %s %d\n", local, peer, option(0, SOL_SOCKET, SO_DOMAIN));
        return 0;
}

static int serve(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int r = bind_to(fd, ADDRESS);

        if (r) {
                printf("bind: %s\n", strerrorname_np(r));
                return 1;
        }
        printf("%s\n", listen(fd, 5) == 0 && serves(0, fd) ? "serves" : "does not serve");
        return 0;
}

static int show_kept(void)
{
        DIR *directory = opendir("/proc/self/fd");
        int n = 0;

        for (struct dirent *entry; (entry = readdir(directory));)
                n += atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(directory);
        closedir(directory);
        printf("%d\n", n);
        return 0;
}

static void by_execve(void)
{
        execve(SELF, show_argv, environ);
}

static void by_execve_empty(void)
{
        execve(SELF, show_argv, empty);
}

static void by_execve_null(void)
{
        /* Linux takes it as empty. */
        char **volatile nothing = NULL;

        execve(SELF, show_argv, nothing);
}

static void by_execv(void)
{
        execv(SELF, show_argv);
}

static void by_execv_cleared(void)
{
        clearenv();
        execv(SELF, show_argv);
}

static void by_execvp(void)
{
        execvp(SELF, show_argv);
}

static void by_execvpe(void)
{
        execvpe(SELF, show_argv, empty);
}

static void by_execl(void)
{
        execl(SELF, "exec", "show", (char *)NULL);
}

static void by_execlp(void)
{
        execlp(SELF, "exec", "show", (char *)NULL);
}

static void by_execle(void)
{
        execle(SELF, "exec", "show", (char *)NULL, empty);
}

static void by_fexecve(void)
{
        fexecve(open(SELF, O_RDONLY | O_CLOEXEC), show_argv, empty);
}

static void by_execveat(void)
{
        execveat(AT_FDCWD, SELF, show_argv, empty, 0);
}

/* A shell is not instrumented: clang's runtime is in programs that are, and nowhere else. */
#if !INSTRUMENTED_ALONE
static void by_system(void)
{
        char command[4200], path[4096];
        const ssize_t n = readlink(SELF, path, sizeof(path) - 1);

        snprintf(command, sizeof(command), "%.*s show", (int)n, path);
        _exit(system(command));
}

static void by_system_cleared(void)
{
        clearenv();
        by_system();
}

/* Its standard input is ours; what it writes goes through us. */
static void by_popen(void)
{
        char command[4200], path[4096], line[256] = "";
        const ssize_t n = readlink(SELF, path, sizeof(path) - 1);
        FILE *stream;

        snprintf(command, sizeof(command), "%.*s show", (int)n, path);
        stream = popen(command, "r");
        if (stream && fgets(line, sizeof(line), stream))
                (void)!write(1, line, strlen(line));
        _exit(0);
}
#endif

static void by_spawn(void)
{
        pid_t pid;

        if (posix_spawn(&pid, SELF, NULL, NULL, show_argv, empty) == 0)
                _exit(reap(pid));
}

#ifndef SANITIZED
/* A child that cleans its environment but for one variable that it sets for its successor. */
static void by_own_environment(void)
{
        char *environment[] = {(char *)"NGINX=6;7;", (char *)"LD_PRELOAD=libc.so.6", NULL};

        execve(SELF, show_argv, environment);
}
#endif

static const struct {
        const char *name;
        void (*execute)(void);
} ways[] = {
#ifndef SANITIZED /* its runtime has to come first in LD_PRELOAD */
        {"execve, environment of its own", by_own_environment},
#endif
        {"execve", by_execve},
        {"execve, empty environment", by_execve_empty},
        {"execve, no environment", by_execve_null},
        {"execv", by_execv},
        {"execv, cleared environment", by_execv_cleared},
        {"execvp", by_execvp},
        {"execvpe", by_execvpe},
        {"execl", by_execl},
        {"execlp", by_execlp},
        {"execle", by_execle},
        {"fexecve", by_fexecve},
        {"execveat", by_execveat},
        {"posix_spawn", by_spawn},
#if !INSTRUMENTED_ALONE
        {"system", by_system},
        {"system, cleared environment", by_system_cleared},
        {"popen", by_popen},
#endif
};

static pid_t start(int input, int *ret_output, void (*execute)(void))
{
        int fds[2];
        pid_t pid;

        need(pipe2(fds, O_CLOEXEC) == 0, "pipe");
        pid = fork();
        if (pid == 0) {
                if (input >= 0)
                        dup2(input, 0);
                dup2(fds[1], 1);
                execute();
                _exit(127);
        }
        close(fds[1]);
        *ret_output = fds[0];
        return pid;
}

static const char *run(int input, void (*execute)(void))
{
        int output;
        const pid_t pid = start(input, &output, execute);

        return reap_output(pid, output);
}

/* The peer that the parent knew and the one that the program sees are the same one. */
static void check_inherited(int listener, bool promoted)
{
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                int theirs, ours = accept_client(0, listener, &theirs);
                char expected[160];

                if (promoted)
                        set_option(ours, IPPROTO_IP, IP_TTL, 3);
                snprintf(expected, sizeof(expected), "%s %s %d", local_name(ours), peer_name(ours),
                         AF_INET);
                is(run(ours, ways[i].execute), expected, "%s: an inherited connection%s",
                   ways[i].name, promoted ? " with options" : "");
                close(ours);
                close(theirs);
        }
}

static void execute_kept(void)
{
        execl(SELF, "exec", "kept", (char *)NULL);
}

static int listener_fd;

static void close_and_execute_kept(void)
{
        close(listener_fd);
        execl(SELF, "exec", "kept", (char *)NULL);
}

static void execute_serve(void)
{
        execl(SELF, "exec", "serve", (char *)NULL);
}

static void bind_close_and_serve(void)
{
        close(listen_at(ADDRESS));
        execle(SELF, "exec", "serve", (char *)NULL, environ);
}

/* The kernel closes the listener at the exec, and the program binds as it did the first time. */
static void bind_and_serve(void)
{
        (void)listen_at(ADDRESS);
        execute_serve();
}

static void bind_fail_and_serve(void)
{
        (void)listen_at(ADDRESS);
        execl("/nonexistent", "exec", (char *)NULL);
        execute_serve();
}

/*
 * The process that bound the socket has ended when its child closes it and executes itself. That is
 * so before it has been waited for, too: as long as anything has the pipe, nobody does. Who waits
 * then is told of the grandchild as well, whose socket must be closed before the next is bound.
 */
static void daemonize_and_serve(void)
{
        int fds[2], fd;
        pid_t pid, parent;
        char byte;

        need(pipe(fds) == 0, "pipe");
        need(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
        pid = fork();
        if (pid > 0) {
                close(fds[1]);
                (void)!read(fds[0], &byte, 1);
                while (wait(NULL) > 0)
                        ;
                _exit(0);
        }
        close(fds[0]);
        fd = listen_at(ADDRESS);
        parent = getpid();
        if (fork() > 0)
                _exit(0);
        until_orphaned(parent);
        close(fd);
        execute_serve();
}

static void shell_serve(void)
{
        char command[4200], path[4096];
        const ssize_t n = readlink(SELF, path, sizeof(path) - 1);

        snprintf(command, sizeof(command), "true; %.*s serve & wait", (int)n, path);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
}

static void close_all_and_serve(void)
{
        for (int fd = 3; fd < 1100; fd++)
                close(fd);
        execute_serve();
}

static void check_binding(void)
{
        is(run(-1, execute_serve), "serves", "a program that is executed binds and serves");
        if (INSTRUMENTED_ALONE)
                skip("one behind a shell", "its runtime is in instrumented programs alone");
        else
                is(run(-1, shell_serve), "serves", "and one behind a shell");
        is(run(-1, close_all_and_serve), "serves", "and one whose parent closes all it can");
        is(run(-1, bind_close_and_serve), "serves", "bound, closed, executed: it binds again");
        is(run(-1, bind_and_serve), "serves",
           "executed with the listener open, which exec closes: it binds again");
        is(run(-1, bind_fail_and_serve), "serves", "the same after an exec that failed");
        is(run(-1, daemonize_and_serve), "serves",
           "bound, forked, the parent gone, closed and executed: it binds again");
}

/* What a server's children inherit: no listener, be it the server's own or the one behind it. */
static void check_not_inherited(int listener)
{
        listener_fd = listener;
        is(run(-1, execute_kept), "0", "a child that executes inherits no listener");
        is(run(-1, close_and_execute_kept), "0", "nor does one that closes its copy first");
}

/* Without FD_CLOEXEC a listener is handed on, as node and nginx do. */
static void check_handed_on(int listener)
{
        int copy = dup(listener);
        char expected[160];

        snprintf(expected, sizeof(expected), "%s ENOTCONN %d", ADDRESS, AF_INET);
        is(run(copy, by_execve_empty), expected, "an inherited listener");
        close(copy);
}

int main(int argc, char **argv)
{
        int listener;

        if (argc > 1 && strcmp(argv[1], "show") == 0)
                return show();
        if (argc > 1 && strcmp(argv[1], "serve") == 0)
                return serve();
        if (argc > 1 && strcmp(argv[1], "kept") == 0)
                return show_kept();

        check_binding();
        listener = listen_at(ADDRESS);
        check_inherited(listener, false);
        check_inherited(listener, true);
        check_not_inherited(listener);
        check_handed_on(listener);
        ok(serves(0, listener), "the listener serves throughout");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
