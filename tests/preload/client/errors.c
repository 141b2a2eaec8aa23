/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a client is told of a socket file that it can't connect to. A rule leads each port to a file
 * of its own:
 *
 *     out,tcp,path=DIR/%p
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* Any user but root, whom no mode stops. */
#define NOBODY 65534

static const char *file(int port)
{
        char name[16];

        snprintf(name, sizeof(name), "%d", port);
        return in_directory(name);
}

static const char *target(int port)
{
        static char text[32];

        snprintf(text, sizeof(text), "127.0.0.1:%d", port);
        return text;
}

static void make_file(int port)
{
        const int fd = open(file(port), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

        need(fd >= 0 && write(fd, "text", 4) == 4, "a file");
        close(fd);
}

static void make_dead(int port)
{
        close(serve_unix(file(port), SOCK_STREAM, 1));
}

static void make_bound(int port)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        strcpy(un.sun_path, file(port));
        need(bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&un,
                  sizeof(un)) == 0,
             "bind");
}

static void make_dgram(int port)
{
        (void)serve_unix(file(port), SOCK_DGRAM, 0);
}

static void make_seqpacket(int port)
{
        (void)serve_unix(file(port), SOCK_SEQPACKET, 5);
}

static void make_directory(int port)
{
        need(mkdir(file(port), 0777) == 0, "mkdir");
}

static void make_fifo(int port)
{
        need(mkfifo(file(port), 0666) == 0, "mkfifo");
}

static void make_dangling(int port)
{
        need(symlink("/nonexistent/socket", file(port)) == 0, "symlink");
}

static void make_loop(int port)
{
        need(symlink(file(port), file(port)) == 0, "symlink");
}

/* The rule for these ports has one more component. */
static void make_not_a_directory(int port)
{
        make_file(port);
}

static void make_nothing(int port)
{
        (void)port;
}

static void make_denied(int port)
{
        (void)serve_unix(file(port), SOCK_STREAM, 5);
        need(chmod(file(port), 0) == 0, "chmod");
}

static void make_denied_directory(int port)
{
        char path[128];

        need(mkdir(file(port), 0700) == 0, "mkdir");
        snprintf(path, sizeof(path), "%s/s", file(port));
        (void)serve_unix(path, SOCK_STREAM, 5);
        need(chmod(file(port), 0) == 0, "chmod");
}

static const struct {
        int port;
        void (*make)(int port);
        int wanted;
        bool told; /* the log says why */
        const char *what;
} table[] = {
        {1001, make_nothing, ECONNREFUSED, false, "missing"},
        {1002, make_dead, ECONNREFUSED, false, "a dead socket"},
        {1003, make_bound, ECONNREFUSED, false, "bound but not listening"},
        {1004, make_file, ECONNREFUSED, false, "a regular file"},
        {1005, make_directory, ECONNREFUSED, false, "a directory"},
        {1006, make_dgram, ECONNREFUSED, false, "a datagram socket"},
        {1007, make_seqpacket, ECONNREFUSED, false, "a socket of packets"},
        {1008, make_fifo, ECONNREFUSED, false, "a pipe"},
        {1009, make_dangling, ECONNREFUSED, false, "a dangling link"},
        {1010, make_loop, ECONNREFUSED, false, "a link to itself"},
        {1011, make_denied, EACCES, true, "no permission"},
        {1101, make_not_a_directory, ECONNREFUSED, false, "a file as directory"},
        {1102, make_nothing, ECONNREFUSED, false, "a missing directory"},
        {1103, make_denied_directory, EACCES, true, "no permission for the directory"},
        {1200, make_nothing, ENAMETOOLONG, true, "too long a path"},
        {1300, make_nothing, ECONNREFUSED, false, "an abstract name of nobody"},
        {1400, make_nothing, ENAMETOOLONG, true, "too long an abstract name"},
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
        r = try_to_reach(fd, target(table[i].port));
        is(r > 0 ? strerrorname_np(r) : "", strerrorname_np(table[i].wanted), "%s", table[i].what);
        ok(is_quick(fd, target(table[i].port)), "%s: at once", table[i].what);
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
        same(try_to_reach(fd, target(1500)), 0, "%s: connect elsewhere", table[i].what);
        is(peer_name(fd), target(1500), "%s: with that peer", table[i].what);
        close(fd);
}

/* Bound, as some clients are, it stays what it is as well. */
static void check_bound(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        need(bind_to(fd, "127.0.0.1:0") == 0, "bind");
        same(connect_to(fd, target(1001)), ECONNREFUSED, "bound: refused");
        ok(port_in(local_name(fd)) >= 32768, "bound: it keeps its port");
        is(peer_name(fd), "ENOTCONN", "bound: and has no peer");
        same(connect_to(fd, target(1500)), 0, "bound: connect elsewhere");
        close(fd);
}

/* The file has to be still what it was. */
static void check_untouched(void)
{
        struct stat st;

        ok(lstat(file(1002), &st) == 0 && S_ISSOCK(st.st_mode), "the dead socket's file is there");
        ok(lstat(file(1004), &st) == 0 && st.st_size == 4, "the regular file as well");
        ok(lstat(file(1009), &st) == 0 && S_ISLNK(st.st_mode), "and the link");
        ok(lstat(file(1001), &st) < 0, "nothing was made");
}

static void check_link(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        need(symlink(file(1500), file(1012)) == 0, "symlink");
        same(connect_to(fd, target(1012)), 0, "a link to a socket is followed");
        close(fd);
}

int main(void)
{
        /* What the modes deny is the tables' business alone. */
        umask(0);
        need(chmod(in_directory("."), 0777) == 0, "chmod");
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                table[i].make(table[i].port);
        (void)serve_unix(file(1500), SOCK_STREAM, 200);
        need(chmod(file(1500), 0666) == 0, "chmod");
        need(chmod(getenv("TEST_STDERR"), 0666) == 0, "chmod");
        if (geteuid() == 0)
                need(setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "another user");

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                check(i, 0);
                check(i, SOCK_NONBLOCK);
        }
        check_bound();
        check_link();
        check_untouched();
        (void)chmod(file(1103), 0700);
        return tap_end();
}
