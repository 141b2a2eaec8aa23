/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client's connection in other programs: inherited over exec, as standard input of a child, made
 * by posix_spawn and vfork, and sent in a message. All see an IP connection with the same
 * addresses. Run bare too. argv: the address; or what a child is to look at.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define SELF "/proc/self/exe"

extern char **environ;

static const char *address;
static int listener;

/* All that a program can find out of a connection. */
static void describe(int fd, char *ret, size_t size)
{
        snprintf(ret, size, "%s -> %s domain %d type %d protocol %d nodelay %d keepidle %d",
                 local_name(fd), peer_name(fd), option(fd, SOL_SOCKET, SO_DOMAIN),
                 option(fd, SOL_SOCKET, SO_TYPE), option(fd, SOL_SOCKET, SO_PROTOCOL),
                 option(fd, IPPROTO_TCP, TCP_NODELAY) >= 0, option(fd, IPPROTO_TCP, TCP_KEEPIDLE));
}

/* The child's part: tell what the descriptor is, and say a byte on it. */
static int look(const char *number)
{
        const int fd = atoi(number);
        char text[512];

        describe(fd, text, sizeof(text));
        printf("%s\n", text);
        return write(fd, "k", 1) == 1 ? 0 : 1;
}

/* A socket that is inherited without a connection, and connected by who inherits it. */
static int connect_inherited(const char *number, const char *where)
{
        const int fd = atoi(number);

        if (connect_to(fd, where) != 0 || write(fd, "k", 1) != 1)
                return 1;
        printf("%s\n", peer_name(fd));
        return 0;
}

typedef pid_t start_fn(char **argv, int fd, int output);

static pid_t start_by_fork(char **argv, int fd, int output)
{
        const pid_t pid = fork();

        if (pid != 0)
                return pid;
        fcntl(fd, F_SETFD, 0);
        dup2(output, STDOUT_FILENO);
        execv(SELF, argv);
        _exit(127);
}

static pid_t start_by_vfork(char **argv, int fd, int output)
{
        const pid_t pid = vfork();

        (void)fd;
        if (pid != 0)
                return pid;
        dup2(output, STDOUT_FILENO);
        execv(SELF, argv);
        _exit(127);
}

static pid_t start_by_spawn(char **argv, int fd, int output)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
        need(posix_spawn(&pid, SELF, &actions, NULL, argv, environ) == 0, "posix_spawn");
        posix_spawn_file_actions_destroy(&actions);
        return pid;
}

/* As inetd starts its servers: the connection is their standard input. */
static pid_t start_with_input(char **argv, int fd, int output)
{
        const pid_t pid = fork();

        if (pid != 0)
                return pid;
        dup2(output, STDOUT_FILENO);
        dup2(fd, STDIN_FILENO);
        execv(SELF, argv);
        _exit(127);
}

static const char *run(start_fn *start, char **argv, int fd)
{
        int output[2];
        pid_t pid;

        need(pipe2(output, O_CLOEXEC) == 0, "pipe");
        pid = start(argv, fd, output[1]);
        need(pid > 0, "a child");
        close(output[1]);
        return reap_output(pid, output[0]);
}

static void check(const char *what, start_fn *start, bool as_input, int flags)
{
        char number[16], wanted[512], byte = 0;
        char *argv[] = {(char *)"client-exec", (char *)"look", number, NULL};
        const int ours = socket(*address == '[' ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);
        int theirs;

        need(ours > 2, "socket");
        need(connect_to(ours, address) == 0, "connect");
        theirs = take(listener);
        set_option(ours, IPPROTO_TCP, TCP_KEEPIDLE, 7200);
        describe(ours, wanted, sizeof(wanted));
        snprintf(number, sizeof(number), "%d", as_input ? 0 : ours);
        is(run(start, argv, ours), wanted, "%s", what);
        ok(recv(theirs, &byte, 1, 0) == 1 && byte == 'k', "%s: the child has talked", what);
        is(peer_name(ours), address, "%s: the parent has it still", what);
        ok(talks(ours, theirs), "%s: and talks", what);
        close(ours);
        same(recv(theirs, &byte, 1, 0), 0, "%s: nobody else has it", what);
        close(theirs);
}

static void check_connect_inherited(void)
{
        char number[16], byte;
        char *argv[] = {(char *)"client-exec", (char *)"connect", number, (char *)address, NULL};
        const int ours = socket(*address == '[' ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
        int theirs;

        snprintf(number, sizeof(number), "%d", ours);
        is(run(start_by_fork, argv, ours), address, "a child connects what it inherited");
        theirs = take(listener);
        same(recv(theirs, &byte, 1, 0), 1, "it has talked");
        close(ours);
        close(theirs);
}

/* The whole program is executed anew, with the connection open. */
static void check_whole(void)
{
        char number[16], wanted[512];
        int theirs, output[2];
        const int ours = reach(address);
        char byte = 0;
        pid_t pid;

        theirs = take(listener);
        describe(ours, wanted, sizeof(wanted));
        snprintf(number, sizeof(number), "%d", ours);
        need(pipe2(output, 0) == 0, "pipe");
        pid = fork();
        if (pid == 0) {
                char *again[] = {(char *)"client-exec", (char *)"again", number, NULL};

                fcntl(ours, F_SETFD, 0);
                dup2(output[1], STDOUT_FILENO);
                execv(SELF, again);
                _exit(127);
        }
        close(output[1]);
        is(reap_output(pid, output[0]), wanted, "executed twice");
        ok(recv(theirs, &byte, 1, 0) == 1 && byte == 'k', "executed twice: it has talked");
        close(ours);
        close(theirs);
}

/* To a process that was there before the connection, and knows of it by the message alone. */
static void check_message(void)
{
        int pair[2], theirs, ours;
        char wanted[512], got[512] = "";
        pid_t pid;

        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        pid = fork();
        if (pid == 0) {
                const int fd = receive_descriptor(pair[1]);
                char text[512];

                describe(fd, text, sizeof(text));
                (void)!write(pair[1], text, strlen(text));
                _exit(fd >= 0 && write(fd, "k", 1) == 1 ? 0 : 1);
        }
        ours = join(listener, address, &theirs);
        describe(ours, wanted, sizeof(wanted));
        send_descriptor(pair[0], ours);
        need(read(pair[0], got, sizeof(got) - 1) > 0, "read");
        same(reap(pid), 0, "sent in a message: the receiver talks");
        is(got, wanted, "sent in a message: it sees the same");
        same(recv(theirs, got, 1, 0), 1, "sent in a message: its byte arrives");
        close(ours);
        close(theirs);
        close(pair[0]);
        close(pair[1]);
}

static void check_popen(void)
{
        int theirs;
        const int ours = join(listener, address, &theirs);
        FILE *stream;

        stream = popen("exit 3", "re");
        need(stream != NULL, "popen");
        same(pclose(stream) >> 8, 3, "popen");
        same(system("exit 4") >> 8, 4, "system");
        is(peer_name(ours), address, "the connection is there after popen and system");
        ok(talks(ours, theirs), "they talk");
        close(ours);
        close(theirs);
}

int main(int argc, char **argv)
{
        if (argc == 3 && strcmp(argv[1], "look") == 0)
                return look(argv[2]);
        if (argc == 3 && strcmp(argv[1], "again") == 0) {
                argv[1] = (char *)"look";
                execv(SELF, argv);
                return 127;
        }
        if (argc == 4)
                return connect_inherited(argv[2], argv[3]);

        need(argc == 2, "an address");
        address = argv[1];
        listener = serve_at(address, 20);
        check("fork and exec", start_by_fork, false, 0);
        check("fork and exec, close-on-exec taken off", start_by_fork, false, SOCK_CLOEXEC);
        check("vfork and exec", start_by_vfork, false, 0);
        check("posix_spawn", start_by_spawn, false, 0);
        check("posix_spawn, standard input", start_by_spawn, true, SOCK_CLOEXEC);
        check("standard input", start_with_input, true, SOCK_CLOEXEC);
        check_connect_inherited();
        check_whole();
        check_message();
        check_popen();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
