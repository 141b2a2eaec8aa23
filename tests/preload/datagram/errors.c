/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a client is told of a file that it can't send to. UDP tells of nobody but by the next call;
 * what is not allowed is told at once. A rule leads each port to a file of its own:
 *
 *     out,udp,path=DIR/%p
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* Any user but root, whom no mode stops. */
#define NOBODY 65534

static int live;

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

static void make_nothing(int port)
{
        (void)port;
}

static void make_dead(int port)
{
        close(serve_unix(file(port), SOCK_DGRAM, 0));
}

static void make_stream(int port)
{
        (void)serve_unix(file(port), SOCK_STREAM, 5);
}

static void make_seqpacket(int port)
{
        (void)serve_unix(file(port), SOCK_SEQPACKET, 5);
}

static void make_file(int port)
{
        const int fd = open(file(port), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

        need(fd >= 0 && write(fd, "text", 4) == 4, "a file");
        close(fd);
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

static void make_denied(int port)
{
        (void)serve_unix(file(port), SOCK_DGRAM, 0);
        need(chmod(file(port), 0) == 0, "chmod");
}

static void make_denied_directory(int port)
{
        char path[128];

        need(mkdir(file(port), 0700) == 0, "mkdir");
        snprintf(path, sizeof(path), "%s/s", file(port));
        (void)serve_unix(path, SOCK_DGRAM, 0);
        need(chmod(file(port), 0) == 0, "chmod");
}

/* Somebody else's already: only he may send there. */
static void make_connected(int port)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const int fd = serve_unix(file(port), SOCK_DGRAM, 0);

        strcpy(un.sun_path, file(1500));
        need(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0, "connect");
}

static const struct {
        int port;
        void (*make)(int port);
        int wanted; /* 0: nobody is there, which is told by a later call */
        const char *what;
} table[] = {
        {1001, make_nothing, 0, "missing"},
        {1002, make_dead, 0, "a dead socket"},
        {1003, make_stream, 0, "a stream socket"},
        {1004, make_seqpacket, 0, "a socket of packets"},
        {1005, make_file, 0, "a regular file"},
        {1006, make_directory, 0, "a directory"},
        {1007, make_fifo, 0, "a pipe"},
        {1008, make_dangling, 0, "a dangling link"},
        {1009, make_loop, 0, "a link to itself"},
        {1010, make_denied, EACCES, "no permission"},
        {1101, make_file, 0, "a file as directory"},
        {1102, make_nothing, 0, "a missing directory"},
        {1103, make_denied_directory, EACCES, "no permission for the directory"},
        {1200, make_nothing, ENAMETOOLONG, "too long a path"},
        {1300, make_nothing, 0, "an abstract name of nobody"},
        {1400, make_nothing, ENAMETOOLONG, "too long an abstract name"},
};

static const char *told(int wanted)
{
        return wanted ? strerrorname_np(wanted) : "sent";
}

static const char *error_name(int r)
{
        return r ? strerrorname_np(r) : "0";
}

/* The socket is none the worse: it reaches who is there. */
static void check_alive(int fd, const char *what)
{
        is(exchange(fd, target(1500), live), "both ways", "%s: then elsewhere", what);
}

static void check_unconnected(size_t i, int flags)
{
        const int fd = socket(AF_INET, SOCK_DGRAM | flags, 0), before = count_open();
        const int port = table[i].port;

        need(fd >= 0, "socket");
        for (int j = 0; j < 3; j++)
                is(say(fd, target(port), "lost"), told(table[i].wanted), "%s: sendto, %d",
                   table[i].what, j);
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "%s: SO_ERROR", table[i].what);
        is(peer_name(fd), "ENOTCONN", "%s: getpeername", table[i].what);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "%s: SO_DOMAIN", table[i].what);
        check_alive(fd, table[i].what);
        close(fd);
        same(count_open(), before - 1, "%s: no descriptor is left", table[i].what);
}

static void check_connected(size_t i, int flags)
{
        const int fd = socket(AF_INET, SOCK_DGRAM | flags, 0), before = count_open();
        const int port = table[i].port;

        need(fd >= 0, "socket");
        is(error_name(connect_to(fd, target(port))), error_name(table[i].wanted), "%s: connect",
           table[i].what);
        if (table[i].wanted) {
                is(peer_name(fd), "ENOTCONN", "%s: getpeername", table[i].what);
        } else {
                is(peer_name(fd), target(port), "%s: getpeername", table[i].what);
                is(say(fd, NULL, "lost"), "sent", "%s: send", table[i].what);
                is(say(fd, NULL, "lost"), "ECONNREFUSED", "%s: the next send", table[i].what);
                is(say(fd, NULL, "lost"), "sent", "%s: and again", table[i].what);
                same(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "%s: SO_ERROR", table[i].what);
                is(say(fd, target(1500), "hello"), "sent", "%s: elsewhere", table[i].what);
                is(hear(live), "hello", "%s: arrives", table[i].what);
        }
        same(connect_to(fd, target(1500)), 0, "%s: connect elsewhere", table[i].what);
        is(exchange(fd, NULL, live), "both ways", "%s: which talks", table[i].what);
        close(fd);
        same(count_open(), before - 1, "%s: no descriptor is left", table[i].what);
}

/* What may not be done is logged, what UDP would not tell is not. */
static void check_messages(void)
{
        ok(strstr(messages(), file(1010)) != NULL, "no permission: is logged");
        ok(strstr(messages(), file(1103)) != NULL, "no permission for the directory: is logged");
        ok(strstr(messages(), file(1001)) == NULL, "missing: is not logged");
        ok(strstr(messages(), file(1002)) == NULL, "a dead socket: is not logged");
}

/* A connected Unix socket lets its peer alone send: EPERM, of which UDP knows nothing. */
static void check_taken(void)
{
        const int fd = socket(AF_INET, SOCK_DGRAM, 0);

        is(say(fd, target(1011), "lost"), "sent", "connected to another: a send is lost");
        check_alive(fd, "connected to another");
        same(connect_to(fd, target(1011)), 0, "connected to another: connect");
        is(say(fd, NULL, "lost"), "sent", "connected to another: a send is lost then too");
        close(fd);
}

static void check_untouched(void)
{
        struct stat st;

        ok(lstat(file(1002), &st) == 0 && S_ISSOCK(st.st_mode), "the dead socket's file is there");
        ok(lstat(file(1005), &st) == 0 && st.st_size == 4, "the regular file as well");
        ok(lstat(file(1008), &st) == 0 && S_ISLNK(st.st_mode), "and the link");
        ok(lstat(file(1001), &st) < 0, "nothing was made");
}

int main(void)
{
        umask(0);
        need(chmod(in_directory("."), 0777) == 0, "chmod");
        live = serve_unix(file(1500), SOCK_DGRAM, 0);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                table[i].make(table[i].port);
        make_connected(1011);
        need(chmod(getenv("TEST_STDERR"), 0666) == 0, "chmod");
        if (geteuid() == 0)
                need(setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "another user");

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                check_unconnected(i, 0);
                check_unconnected(i, SOCK_NONBLOCK);
                check_connected(i, 0);
                check_connected(i, SOCK_NONBLOCK);
        }
        check_taken();
        check_untouched();
        check_messages();
        (void)chmod(file(1103), 0700);
        return tap_end();
}
