/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a client is told of a socket file that it can't connect to. A rule leads each port to a file
 * of its own:
 *
 *     out,tcp,path=DIR/%p
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/obstacles.h"
#include "tests/preload/tap.h"

/* So it is until it listens. */
static void make_bound(int port, int type)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        strcpy(un.sun_path, obstacle_file(port));
        need(bind(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), (struct sockaddr *)&un, sizeof(un)) == 0,
             "bind");
}

static const struct {
        int port;
        void (*make)(int port, int type);
        int wanted;
        bool told; /* the log says why */
        const char *what;
} table[] = {
        {1001, obstacle_nothing, ECONNREFUSED, false, "missing"},
        {1002, obstacle_dead, ECONNREFUSED, false, "a dead socket"},
        {1003, make_bound, ECONNREFUSED, false, "bound but not listening"},
        {1004, obstacle_file_of_text, ECONNREFUSED, false, "a regular file"},
        {1005, obstacle_directory, ECONNREFUSED, false, "a directory"},
        {1006, obstacle_other, ECONNREFUSED, false, "a datagram socket"},
        {1007, obstacle_seqpacket, ECONNREFUSED, false, "a socket of packets"},
        {1008, obstacle_pipe, ECONNREFUSED, false, "a pipe"},
        {1009, obstacle_dangling, ECONNREFUSED, false, "a dangling link"},
        {1010, obstacle_loop, ECONNREFUSED, false, "a link to itself"},
        {1011, obstacle_denied, EACCES, true, "no permission"},
        {1101, obstacle_file_of_text, ECONNREFUSED, false, "a file as directory"},
        {1102, obstacle_nothing, ECONNREFUSED, false, "a missing directory"},
        {1103, obstacle_denied_directory, EACCES, true, "no permission for the directory"},
        {1200, obstacle_nothing, ENAMETOOLONG, true, "too long a path"},
        {1300, obstacle_nothing, ECONNREFUSED, false, "an abstract name of nobody"},
        {1400, obstacle_nothing, ENAMETOOLONG, true, "too long an abstract name"},
};

/* On a machine that is busy with other things one try may take longer than it should. */
static bool is_quick(int fd, const char *where)
{
        for (int i = 0; i < 10; i++) {
                const double start = milliseconds();

                (void)try_to_reach(fd, where);
                if (milliseconds() - start < 50)
                        return true;
        }
        return false;
}

static void check(size_t i, int flags)
{
        const int fd = socket(AF_INET, SOCK_STREAM | flags, 0), before = count_open();
        struct stat st_before, st;
        size_t said;
        int r;

        need(fd >= 0 && fstat(fd, &st_before) == 0, "socket");
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 66);
        said = strlen(messages());
        r = try_to_reach(fd, obstacle_address(table[i].port));
        is(r > 0 ? strerrorname_np(r) : "", strerrorname_np(table[i].wanted), "%s", table[i].what);
        ok(is_quick(fd, obstacle_address(table[i].port)), "%s: at once", table[i].what);
        need(fstat(fd, &st) == 0, "fstat");
        if (!(flags & SOCK_NONBLOCK))
                ok(st.st_ino == st_before.st_ino, "%s: the socket is the one it was",
                   table[i].what);
        is(local_name(fd), "0.0.0.0:0", "%s: with no address", table[i].what);
        is(peer_name(fd), "ENOTCONN", "%s: and no peer", table[i].what);
        same(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 66, "%s: its options hold", table[i].what);
        same(count_open(), before, "%s: no descriptor is left", table[i].what);
        same(strlen(messages()) > said, table[i].told, "%s: %s", table[i].what,
             table[i].told ? "the reason is logged" : "nothing is logged");
        /* Where the way is free, the same socket gets through. */
        same(try_to_reach(fd, obstacle_address(1500)), 0, "%s: connect elsewhere", table[i].what);
        is(peer_name(fd), obstacle_address(1500), "%s: with that peer", table[i].what);
        close(fd);
}

/* Bound, as some clients are, it stays what it is as well. */
static void check_bound(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        need(bind_to(fd, "127.0.0.1:0") == 0, "bind");
        same(connect_to(fd, obstacle_address(1001)), ECONNREFUSED, "bound: refused");
        ok(port_in(local_name(fd)) >= 32768, "bound: it keeps its port");
        is(peer_name(fd), "ENOTCONN", "bound: and has no peer");
        same(connect_to(fd, obstacle_address(1500)), 0, "bound: connect elsewhere");
        close(fd);
}

static void check_link(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        need(symlink(obstacle_file(1500), obstacle_file(1012)) == 0, "symlink");
        same(connect_to(fd, obstacle_address(1012)), 0, "a link to a socket is followed");
        close(fd);
}

int main(void)
{
        /* What the modes deny is the tables' business alone. */
        umask(0);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                table[i].make(table[i].port, SOCK_STREAM);
        (void)serve_unix(obstacle_file(1500), SOCK_STREAM, 200);
        need(chmod(obstacle_file(1500), 0666) == 0, "chmod");
        obstacles_become_nobody();

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                check(i, 0);
                check(i, SOCK_NONBLOCK);
        }
        check_bound();
        check_link();
        obstacles_are_untouched(1001, 1002, 1004, 1009);
        (void)chmod(obstacle_file(1103), 0700);
        return tap_end();
}
