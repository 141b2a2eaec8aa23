/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The files of datagram servers: made, replaced, given rights, and removed by the last closer.
 * Rules, as root, each with path=@DIR@/web:
 *
 *     80 no options   81 mode=0600   83 mode=0660, user 1234, group 5678   84 noremove
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:80"

static const char *web;

/* Does who sends to the file reach the server, and is he answered? */
static void check_serves(int server, const char *what)
{
        const int client = udp_native_client(web);

        is(exchange(client, NULL, server), "both ways", "%s: it serves", what);
        close(client);
}

static int bound(const char *address)
{
        const int fd = udp_socket(address);

        same(bind_to(fd, address), 0, "bind to %s", address);
        return fd;
}

static void check_rights(void)
{
        static const struct {
                const char *address;
                mode_t mode;
                uid_t uid;
                gid_t gid;
        } wanted[] = {{ADDRESS, 0755, 0, 0},
                      {"127.0.0.1:81", 0600, 0, 0},
                      {"127.0.0.1:83", 0660, 1234, 5678}};

        umask(022);
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
                const int fd = bound(wanted[i].address);
                struct stat st = {0};

                ok(lstat(web, &st) == 0 && S_ISSOCK(st.st_mode), "a socket");
                same(st.st_mode & 07777, wanted[i].mode, "its mode");
                same(st.st_uid, wanted[i].uid, "its user");
                same(st.st_gid, wanted[i].gid, "its group");
                check_serves(fd, wanted[i].address);
                close(fd);
                is(kind_of(web), "none", "closed, it is gone");
        }
}

static void check_in_the_way(void)
{
        int fd, other;

        close(unix_at(web, SOCK_DGRAM, -1));
        fd = bound(ADDRESS);
        check_serves(fd, "a dead datagram socket is replaced");
        close(fd);
        leave_dead(web);
        fd = bound(ADDRESS);
        check_serves(fd, "a dead stream socket is replaced");
        close(fd);

        other = unix_at(web, SOCK_DGRAM, -1);
        fd = udp_socket(ADDRESS);
        same(bind_to(fd, ADDRESS), EADDRINUSE, "a live datagram socket is in the way");
        is(local_name(fd), "0.0.0.0:0", "and nothing is bound");
        check_serves(other, "who was there");
        close(other);
        same(bind_to(fd, ADDRESS), 0, "when it is closed, bind works");
        check_serves(fd, "then");
        close(fd);

        other = unix_at(web, SOCK_STREAM, 5);
        fd = udp_socket(ADDRESS);
        same(bind_to(fd, ADDRESS), EADDRINUSE, "a live stream socket is in the way");
        close(other);
        (void)unlink(web);
        close(open(web, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        same(bind_to(fd, ADDRESS), EADDRINUSE, "a file is in the way");
        is(kind_of(web), "file", "and is left alone");
        (void)unlink(web);
        close(fd);
}

static void check_removal(void)
{
        int fd = bound(ADDRESS), copy = dup(fd);
        struct sockaddr unspec = {.sa_family = AF_UNSPEC};
        int client;
        pid_t pid;

        close(fd);
        is(kind_of(web), "socket", "a copy keeps it");
        check_serves(copy, "the copy");
        pid = fork();
        if (pid == 0) {
                close(copy);
                _exit(strcmp(kind_of(web), "socket") != 0);
        }
        same(reap(pid), 0, "a child that closes its copy removes nothing");
        check_serves(copy, "after the child");
        same(connect(copy, &unspec, sizeof(unspec)), 0, "connect(AF_UNSPEC)");
        is(kind_of(web), "socket", "removes nothing");
        check_serves(copy, "after connect(AF_UNSPEC)");

        client = udp_native_client(web);
        pid = fork();
        if (pid == 0) {
                /* The parent has closed before it sends this: the child is the last that has it. */
                const bool served = strcmp(hear(copy), "for the child") == 0;

                _exit(!served || strcmp(kind_of(web), "socket") != 0);
        }
        close(copy);
        is(say(client, NULL, "for the child"), "sent", "a client");
        same(reap(pid), 0, "a child has it last, and serves");
        is(kind_of(web), "none", "and removes it by ending");
        close(client);

        pid = fork();
        if (pid == 0) {
                fd = udp_at(ADDRESS);
                exit(strcmp(kind_of(web), "socket") != 0);
        }
        same(reap(pid), 0, "a child that binds and ends");
        is(kind_of(web), "none", "leaves nothing");

        fd = bound("127.0.0.1:84");
        close(fd);
        is(kind_of(web), "socket", "noremove: it stays");
        fd = bound(ADDRESS);
        check_serves(fd, "and is replaced");
        (void)unlink(web);
        copy = unix_at(web, SOCK_DGRAM, -1);
        close(fd);
        is(kind_of(web), "socket", "another's in its place is left alone");
        close(copy);
        (void)unlink(web);
}

/* Bound again and again, as programs do that are told to reload. */
static void check_again(void)
{
        int fd, other;

        for (int i = 0; i < 100; i++) {
                fd = udp_socket(ADDRESS);
                errno = bind_to(fd, ADDRESS);
                need(errno == 0, "bind again");
                need(close(fd) == 0, "close");
        }
        fd = bound(ADDRESS);
        check_serves(fd, "bound the 101st time");

        /* What was sent to one that is closed unread is lost, as UDP loses it. */
        other = udp_native_client(web);
        is(say(other, NULL, "unread"), "sent", "a datagram that nobody reads");
        close(fd);
        fd = bound(ADDRESS);
        is(hear_soon(fd), "nothing", "is lost");
        is(say(other, NULL, "x"), "ECONNREFUSED", "the native client is told");
        close(other);
        check_serves(fd, "and new ones are served");
        close(fd);
}

/* A second bind that leads to the same file hears nobody, and says so to nobody. */
static void check_twice(void)
{
        const int fd = bound(ADDRESS), second = bound("127.0.0.2:80");
        char byte;

        is(local_name(second), "127.0.0.2:80", "the second has its name");
        check_serves(fd, "the first");
        is(hear_soon(second), "nothing", "nobody comes to the second");
        is(events_of(second, 20), "OUT", "poll of the second");
        same(option(second, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, "SO_TYPE");
        is(result(recv(second, &byte, 1, MSG_DONTWAIT)), "EAGAIN", "recv");
        close(second);
        check_serves(fd, "the first, when the second is closed");
        same(bind_to(udp_socket(ADDRESS), ADDRESS), EADDRINUSE, "the same address again");
        close(fd);
        is(kind_of(web), "none", "and nothing is left");
}

static int shared(void)
{
        const int fd = udp_socket(ADDRESS);

        need(set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) == 0, "SO_REUSEPORT");
        same(bind_to(fd, ADDRESS), 0, "bind with SO_REUSEPORT");
        return fd;
}

static void check_reuseport(void)
{
        const int fds[3] = {shared(), shared(), shared()};
        const int client = udp_native_client(web);

        is(say(client, NULL, "for any"), "sent", "a datagram");
        ok(readable(fds[0], PATIENCE) && readable(fds[1], PATIENCE) && readable(fds[2], PATIENCE),
           "each could have it");
        is(hear(fds[1]), "for any", "one has it");
        is(answer(fds[2], "from another"), "sent", "another may answer");
        is(hear(client), "from another", "which arrives");
        is(hear_soon(fds[0]), "nothing", "it was one datagram");
        close(fds[0]);
        close(fds[1]);
        check_serves(fds[2], "the last of them");
        close(fds[2]);
        is(kind_of(web), "none", "and nothing is left");
        close(client);
}

int main(void)
{
        static char path[256];

        if (geteuid() != 0) {
                skip("owners of files", "needs root");
                return tap_end();
        }
        web = strcpy(path, path_of("web"));
        check_rights();
        check_in_the_way();
        check_removal();
        check_again();
        check_twice();
        check_reuseport();
        ok(strstr(messages(), "no socket is there") != NULL, "what was in the way is told");
        return tap_end();
}
