/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Answers of servers that have bound their sockets by other names than the rules have. argv: how,
 * and one server or two.
 *
 *     link      rules lead to DIR/link/udp-PORT.sock, a link to DIR/real
 *     mounted   to DIR/real/udp-PORT.sock, which the server has bound in a mount namespace of its
 *               own, where the directory is elsewhere
 *     relative  to DIR/real/udp-PORT.sock, which the server has bound as "udp-PORT.sock"
 *     bare      the kernel's UDP
 */

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FIRST  "127.0.0.1:8080"
#define SECOND "127.0.0.1:8081"

/* Longer than under rules a socket is kept for one who does not answer, and between two looks. */
#define PAUSE 350000

static const char *how;

static const char *file_in(const char *directory, const char *address)
{
        char name[64];

        snprintf(name, sizeof(name), "%s/udp-%d.sock", directory, port_in(address));
        return path_of(name);
}

static int bind_by_name(int fd, const char *path)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        strcpy(un.sun_path, path);
        return bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ? 0 : errno;
}

/* The names of a process that has another view of the files. Returns 0 or an errno. */
static int bind_elsewhere(int fd, const char *directory, const char *address)
{
        const char *real = path_of("real");

        if (strcmp(how, "relative") == 0)
                return chdir(real) < 0
                               ? errno
                               : bind_by_name(fd, file_in("", address) + strlen(path_of("/")));
        if (strcmp(how, "link") == 0)
                return bind_by_name(fd, file_in(directory, address));
        if ((unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(real, path_of(directory), NULL, MS_BIND, NULL) < 0)
                return EPERM;
        return bind_by_name(fd, file_in(directory, address));
}

/* directory: there it is to the server. Returns -1 where that can't be made. */
static int serve_from(const char *directory, const char *address)
{
        int fd, status;
        pid_t pid;

        if (!under_rules())
                return udp_at(address);
        (void)unlink(file_in("real", address));
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        need(fd >= 0, "a server's socket");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0)
                _exit(bind_elsewhere(fd, directory, address));
        status = reap(pid);
        need(status == 0 || status == EPERM, "the server's name");
        if (status == 0)
                return fd;
        close(fd);
        return -1;
}

static void take_answer(int fd, const char *address)
{
        is(hear(fd), "answer", "the client hears it");
        is(heard_from(), address, "from %s", address);
}

static void check_answers(int fd, const char *address, int server)
{
        is(exchange(fd, address, server), "both ways", "asked and answered");
        is(say(fd, address, "again"), "sent", "asked once more");
        is(hear(server), "again", "and heard");
        is(answer(server, "answer"), "sent", "and answered");
        take_answer(fd, address);
}

/* The client asks again and again before it has an answer. */
static void check_slow(int server)
{
        const int fd = udp_socket(FIRST);

        for (int i = 0; i < 4; i++) {
                is(say(fd, FIRST, "question"), "sent", "question %d", i + 1);
                is(hear(server), "question", "is not answered");
                usleep(PAUSE);
        }
        is(answer(server, "answer"), "sent", "until now");
        take_answer(fd, FIRST);
        check_answers(fd, FIRST, server);
        close(fd);
}

/* The second question throws nothing away that came for the first. */
static void check_both(int one, int other)
{
        const int fd = udp_socket(FIRST);

        is(say(fd, FIRST, "question"), "sent", "the first is asked");
        is(hear(one), "question", "and hears it");
        is(answer(one, "answer"), "sent", "and answers");
        is(say(fd, SECOND, "question"), "sent", "the second is asked");
        is(hear(other), "question", "and hears it");
        is(answer(other, "answer"), "sent", "and answers");
        take_answer(fd, FIRST);
        take_answer(fd, SECOND);
        check_answers(fd, FIRST, one);
        close(fd);
}

/* A server may answer from another socket, which the client goes on with. */
static void check_another_socket(int server)
{
        const int fd = udp_socket(FIRST);
        int other;
        char address[64];

        is(say(fd, FIRST, "question"), "sent", "the server is asked");
        is(hear(server), "question", "and hears it");
        other = under_rules() ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
                              : udp_at("127.0.0.1:8090");
        if (under_rules())
                need(bind_by_name(other, path_of("real/another")) == 0, "another socket");
        is(answer(other, "answer"), "sent", "it answers from another socket");
        is(hear(fd), "answer", "which the client hears");
        strcpy(address, heard_from());
        ok(strncmp(address, "127.0.0.1:", 10) == 0 && strcmp(address, FIRST) != 0,
           "with a port of its own: %s", address);
        is(answer(fd, "thanks"), "sent", "the client answers");
        is(hear(other), "thanks", "and is heard there");
        is(answer(other, "bye"), "sent", "once more");
        is(hear(fd), "bye", "and back");
        is(heard_from(), address, "from there");
        close(other);
        close(fd);
}

/* Somebody has that name as well, but not that file. */
static void check_stranger(int fd)
{
        const char *name = file_in("strange", FIRST);
        const int stranger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un client;
        socklen_t length;

        need(stranger >= 0 && mkdir(path_of("strange"), 0755) == 0 &&
                     chdir(path_of("strange")) == 0,
             "a stranger's directory");
        need(bind_by_name(stranger, strrchr(name, '/') + 1) == 0, "a stranger's name");
        need(udp_real_name(fd, &client, &length), "a client's name");
        (void)sendto(stranger, "forged", 6, MSG_DONTWAIT, (struct sockaddr *)&client, length);
        is(hear_soon(fd), "nothing", "a stranger of the same name is not heard");
        need(unlink(name) == 0 && rmdir(path_of("strange")) == 0 && chdir("/") == 0, "go back");
        close(stranger);
}

static void check_renamed(int server, int fd)
{
        close(server);
        usleep(PAUSE);
        server = serve_from("third", FIRST);
        check_answers(fd, FIRST, server);
        close(server);
}

int main(int argc, char **argv)
{
        int server, other, fd;

        need(argc == 3, "how, and how many servers");
        how = argv[1];
        need(mkdir(path_of("real"), 0755) == 0 && mkdir(path_of("other"), 0755) == 0 &&
                     mkdir(path_of("third"), 0755) == 0 && symlink("real", path_of("link")) == 0,
             "directories");
        if (strcmp(how, "link") == 0)
                need(rmdir(path_of("third")) == 0 && symlink("real", path_of("third")) == 0,
                     "another link");
        server = serve_from(strcmp(how, "link") == 0 ? "real" : "other", FIRST);
        if (server < 0) {
                skip("all", "no mount namespace can be made here");
                return tap_end();
        }
        other = serve_from(strcmp(how, "link") == 0 ? "real" : "other", SECOND);

        check_slow(server);
        if (strcmp(argv[2], "two") == 0 && strcmp(how, "relative") != 0)
                check_both(server, other);
        if (strcmp(argv[2], "two") == 0 && (strcmp(how, "link") == 0 || !under_rules()))
                check_another_socket(server);
        fd = udp_socket(FIRST);
        check_answers(fd, FIRST, server);
        if (under_rules())
                check_stranger(fd);
        check_renamed(server, fd);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
