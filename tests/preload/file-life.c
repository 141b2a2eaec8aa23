/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file of a socket lives as long as the socket: whoever closes it last removes it, be it by
 * close(2) or by ending, and nobody else does. The rule is in,path=@DIR@/web. The program runs
 * itself: "close FD", "exit FD", "again FD" (closes after it has executed itself once more), "hold
 * FD" (until standard input ends). argv otherwise: "none", or "socket" with noremove: what is there
 * when the socket is gone.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

#define ADDRESS "127.0.0.1:80"
#define SELF    "/proc/self/exe"

static const char *web, *afterwards;

static void check_gone(const char *what)
{
        is(kind_of(web), afterwards, "%s: what is left", what);
}

static void check_there(const char *what, int listener)
{
        ok(file_serves(web, listener), "%s: the socket is there and serves", what);
}

static void end_by_close(int fd)
{
        same(close(fd), 0, "close");
}

static void end_by_dup2(int fd)
{
        same(dup2(STDERR_FILENO, fd), fd, "dup2");
        close(fd);
}

static void end_by_dup3(int fd)
{
        same(dup3(STDERR_FILENO, fd, O_CLOEXEC), fd, "dup3");
        close(fd);
}

static void end_by_range(int fd)
{
        same(close_range((unsigned)fd, (unsigned)fd, 0), 0, "close_range");
}

static void end_by_closefrom(int fd)
{
        closefrom(fd);
}

static void end_by_stream(int fd)
{
        FILE *stream = fdopen(fd, "r");

        need(stream != NULL, "fdopen");
        (void)fclose(stream);
}

static void end_by_shutdown(int fd)
{
        same(shutdown(fd, SHUT_RDWR), 0, "shutdown");
        close(fd);
}

static void end_by_nobody(int fd)
{
        const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

        same(connect(fd, &nobody, sizeof(nobody)), 0, "connect to nobody");
        close(fd);
}

static void *close_in_thread(void *fd)
{
        close(*(int *)fd);
        return NULL;
}

static void end_by_thread(int fd)
{
        pthread_t thread;

        need(pthread_create(&thread, NULL, close_in_thread, &fd) == 0, "pthread_create");
        pthread_join(thread, NULL);
}

static const struct {
        const char *name;
        void (*end)(int fd);
} ends[] = {
        {"close", end_by_close},         {"dup2 over it", end_by_dup2},
        {"dup3 over it", end_by_dup3},   {"close_range", end_by_range},
        {"closefrom", end_by_closefrom}, {"fclose", end_by_stream},
        {"shutdown", end_by_shutdown},   {"connect to nobody", end_by_nobody},
        {"a thread", end_by_thread},
};

static void check_ends(void)
{
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
                const int fd = listen_at(ADDRESS);

                check_there(ends[i].name, fd);
                ends[i].end(fd);
                check_gone(ends[i].name);
        }
}

static void check_copies(void)
{
        int fd = listen_at(ADDRESS), copy = dup(fd), connection = accept_client(0, fd, NULL);

        close(fd);
        check_there("a duplicate is left", copy);
        close(copy);
        check_gone("the last duplicate is closed");
        is(local_name(connection), ADDRESS, "its connection has its address");
        close(connection);

        fd = socket(AF_INET, SOCK_STREAM, 0);
        need(bind_to(fd, ADDRESS) == 0, "bind");
        is(kind_of(web), "socket", "bound, it is there");
        close(fd);
        check_gone("closed before it listened");
}

static int listener;

static int close_listener(void)
{
        return close(listener);
}

static int do_nothing(void)
{
        return 0;
}

static int exit_with_it(void)
{
        exit(0);
}

static int execute_true(void)
{
        execl("/bin/true", "true", (char *)NULL);
        return 127;
}

/* What children do with their copies is no business of the file's. */
static void check_children(void)
{
        listener = listen_at(ADDRESS);
        same(in_child(close_listener), 0, "a child closes its copy");
        check_there("a child has closed its copy", listener);
        same(in_child(do_nothing), 0, "a child ends by _exit");
        check_there("a child has ended by _exit", listener);
        same(in_child(exit_with_it), 0, "a child ends by exit");
        check_there("a child has ended by exit", listener);
        same(in_child(execute_true), 0, "a child executes");
        check_there("a child has executed", listener);
        fcntl(listener, F_SETFD, 0);
        same(in_child(execute_true), 0, "a child executes and inherits it");
        check_there("a child has inherited it", listener);
        close(listener);
        check_gone("closed after all of them");
}

static int listen_and_exit(void)
{
        (void)listen_at(ADDRESS);
        exit(0);
}

static int listen_and_leave(void)
{
        (void)listen_at(ADDRESS);
        return 0;
}

static int listen_and_quit(void)
{
        (void)listen_at(ADDRESS);
        quick_exit(0);
}

static int listen_and_die(void)
{
        (void)listen_at(ADDRESS);
        raise(SIGTERM);
        return 0;
}

static int listen_and_hand_on(void)
{
        const int fd = listen_at(ADDRESS);
        const pid_t parent = getpid(), pid = fork();

        /* The parent is gone when its child closes. */
        if (pid == 0) {
                until_orphaned(parent);
                _exit(file_serves(web, fd) && close(fd) == 0 ? 0 : 1);
        }
        return pid > 0 ? 0 : 1;
}

/* The child of a child is nobody's to wait for: it is gone when its end of a pipe is. */
static void check_orphan(void)
{
        int fds[2];
        char byte;

        need(pipe(fds) == 0, "pipe");
        same(in_child(listen_and_hand_on), 0, "a server leaves its socket to a child");
        close(fds[1]);
        (void)!read(fds[0], &byte, 1);
        close(fds[0]);
        check_gone("closed by a child that its parent left it to");
        unlink(web);
}

static void check_processes(void)
{
        same(in_child(listen_and_exit), 0, "a server ends by exit");
        check_gone("exit");
        same(in_child(listen_and_leave), 0, "a server ends by _exit");
        check_gone("_exit");
        same(in_child(listen_and_quit), 0, "a server ends by quick_exit");
        check_gone("quick_exit");
        same(in_child(listen_and_die), 1000 + SIGTERM, "a server is ended by a signal");
        is(kind_of(web), "socket", "a signal leaves the file");
        same(try_file(web), ECONNREFUSED, "a dead one");
}

static char number[16], *arguments[] = {(char *)"file-life", NULL, number, NULL};
static char *nothing[] = {NULL};

/* Execute this program with the listener. An environment that is empty is what nginx hands on. */
static void __attribute__((noreturn)) execute(const char *what, int fd, bool empty)
{
        snprintf(number, sizeof(number), "%d", fd);
        arguments[1] = (char *)what;
        fcntl(fd, F_SETFD, 0);
        execve(SELF, arguments, empty ? nothing : environ);
        _exit(127);
}

static void check_executed(const char *what, bool empty)
{
        const pid_t pid = fork();

        if (pid == 0)
                execute(what, listen_at(ADDRESS), empty);
        same(reap(pid), 0, "a server executes itself, environment %s, then: %s",
             empty ? "empty" : "whole", what);
        check_gone(what);
        unlink(web);
}

/* The program that was executed: it has inherited a listener. */
static int executed(const char *what, int fd)
{
        char byte;

        if (strcmp(local_name(fd), ADDRESS) != 0)
                return 3;
        if (strcmp(what, "exit") == 0)
                return 0;
        if (strcmp(what, "again") == 0)
                execute("close", fd, true);
        if (strcmp(what, "hold") == 0)
                (void)!read(0, &byte, 1);
        return close(fd) == 0 ? 0 : 4;
}

/* The program runs on standard input's mercy. Returns the end that stops it. */
static pid_t start_holder(int fd, int *ret_end, bool spawn)
{
        posix_spawn_file_actions_t actions;
        int fds[2];
        pid_t pid;

        need(pipe2(fds, O_CLOEXEC) == 0, "pipe");
        snprintf(number, sizeof(number), "%d", fd);
        arguments[1] = (char *)"hold";
        if (spawn) {
                fcntl(fd, F_SETFD, 0);
                posix_spawn_file_actions_init(&actions);
                posix_spawn_file_actions_adddup2(&actions, fds[0], 0);
                need(posix_spawn(&pid, SELF, &actions, NULL, arguments, environ) == 0, "spawn");
                posix_spawn_file_actions_destroy(&actions);
        } else {
                pid = fork();
                if (pid == 0) {
                        dup2(fds[0], 0);
                        execute("hold", fd, true);
                }
        }
        close(fds[0]);
        *ret_end = fds[1];
        return pid;
}

/* Two programs with one socket, as while nginx is being replaced (USR2). */
static void check_upgrade(bool spawn)
{
        const char *how = spawn ? "spawned" : "executed";
        int fd = listen_at(ADDRESS), end;
        pid_t pid = start_holder(fd, &end, spawn);

        close(end);
        same(reap(pid), 0, "a program that was %s closes it first", how);
        check_there("closed by the one that inherited it", fd);

        pid = start_holder(fd, &end, spawn);
        /* The other has got as far as to hold it when nothing but that keeps it. */
        until_process_reads(pid, STDIN_FILENO);
        close(fd);
        same(try_file(web), 0, "closed by the one that bound it, the %s one listens", how);
        close(end);
        same(reap(pid), 0, "the %s one closes it last", how);
        check_gone("closed by the one that inherited it, last");
        unlink(web);
}

/* A process that has got the socket by a message, and closes it when the sender has. */
static void check_passed(bool first)
{
        int pair[2], fd;
        pid_t pid;
        char byte;

        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        pid = fork();
        if (pid == 0) {
                fd = receive_descriptor(pair[1]);
                if (!first)
                        (void)!read(pair[1], &byte, 1);
                _exit(strcmp(local_name(fd), ADDRESS) == 0 && close(fd) == 0 ? 0 : 1);
        }
        fd = listen_at(ADDRESS);
        send_descriptor(pair[0], fd);
        if (first) {
                same(reap(pid), 0, "a process that has got it by a message closes it first");
                check_there("it has been closed by a receiver", fd);
                close(fd);
        } else {
                close(fd);
                same(try_file(web), 0, "a process that has got it by a message listens");
                need(write(pair[0], "x", 1) == 1, "write");
                same(reap(pid), 0, "and closes it last");
        }
        check_gone(first ? "closed by the sender, last" : "closed by the receiver, last");
        unlink(web);
        close(pair[0]);
        close(pair[1]);
}

static void check_replaced(void)
{
        int fd = listen_at(ADDRESS), other;

        unlink(web);
        same(close(fd), 0, "close when the file has been removed");
        is(kind_of(web), "none", "nothing is there");

        fd = listen_at(ADDRESS);
        unlink(web);
        other = unix_at(web, SOCK_STREAM, 5);
        close(fd);
        check_there("the file is another's by now", other);
        close(other);
        unlink(web);

        /* Dead by then: it is not this socket's file either. */
        fd = listen_at(ADDRESS);
        unlink(web);
        leave_dead(web);
        close(fd);
        is(kind_of(web), "socket", "another's dead file is left alone");
        unlink(web);

        fd = listen_at(ADDRESS);
        unlink(web);
        close(open(web, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        close(fd);
        is(kind_of(web), "file", "a file in its place is left alone");
        unlink(web);

        fd = listen_at(ADDRESS);
        need(rename(web, path_of("renamed")) == 0, "rename");
        close(fd);
        is(kind_of(path_of("renamed")), "socket", "renamed, it is found no more");
        unlink(path_of("renamed"));
}

int main(int argc, char **argv)
{
        static char path[256];

        web = strcpy(path, argc > 2 ? "" : path_of("web"));
        if (argc == 3)
                return executed(argv[1], atoi(argv[2]));

        need(argc == 2, "what is left");
        afterwards = argv[1];
        check_ends();
        check_copies();
        check_children();
        check_processes();
        check_orphan();
        check_executed("close", false);
        check_executed("close", true);
        check_executed("exit", false);
        check_executed("exit", true);
        check_executed("again", false);
        check_upgrade(false);
        check_upgrade(true);
        check_passed(true);
        check_passed(false);
        check_replaced();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
