/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a client is told of a file that it can't send to. UDP tells of nobody but by the next call;
 * what is not allowed is told at once. A rule leads each port to a file of its own:
 *
 *     out,udp,path=DIR/%p
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/obstacles.h"
#include "tests/preload/tap.h"

static int live;

/* Somebody else's already: only he may send there. */
static void make_connected(int port)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const int fd = serve_unix(obstacle_file(port), SOCK_DGRAM, 0);

        strcpy(un.sun_path, obstacle_file(1500));
        need(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0, "connect");
}

static const struct {
        int port;
        void (*make)(int port, int type);
        int wanted; /* 0: nobody is there, which is told by a later call */
        const char *what;
} table[] = {
        {1001, obstacle_nothing, 0, "missing"},
        {1002, obstacle_dead, 0, "a dead socket"},
        {1003, obstacle_other, 0, "a stream socket"},
        {1004, obstacle_seqpacket, 0, "a socket of packets"},
        {1005, obstacle_file_of_text, 0, "a regular file"},
        {1006, obstacle_directory, 0, "a directory"},
        {1007, obstacle_pipe, 0, "a pipe"},
        {1008, obstacle_dangling, 0, "a dangling link"},
        {1009, obstacle_loop, 0, "a link to itself"},
        {1010, obstacle_denied, EACCES, "no permission"},
        {1101, obstacle_file_of_text, 0, "a file as directory"},
        {1102, obstacle_nothing, 0, "a missing directory"},
        {1103, obstacle_denied_directory, EACCES, "no permission for the directory"},
        {1200, obstacle_nothing, ENAMETOOLONG, "too long a path"},
        {1300, obstacle_nothing, 0, "an abstract name of nobody"},
        {1400, obstacle_nothing, ENAMETOOLONG, "too long an abstract name"},
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
        is(exchange(fd, obstacle_address(1500), live), "both ways", "%s: then elsewhere", what);
}

static void check_unconnected(size_t i, int flags)
{
        const int fd = socket(AF_INET, SOCK_DGRAM | flags, 0), before = count_open();
        const int port = table[i].port;

        need(fd >= 0, "socket");
        for (int j = 0; j < 3; j++)
                is(say(fd, obstacle_address(port), "lost"), told(table[i].wanted), "%s: sendto, %d",
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
        is(error_name(connect_to(fd, obstacle_address(port))), error_name(table[i].wanted),
           "%s: connect", table[i].what);
        if (table[i].wanted) {
                is(peer_name(fd), "ENOTCONN", "%s: getpeername", table[i].what);
        } else {
                is(peer_name(fd), obstacle_address(port), "%s: getpeername", table[i].what);
                is(say(fd, NULL, "lost"), "sent", "%s: send", table[i].what);
                is(say(fd, NULL, "lost"), "ECONNREFUSED", "%s: the next send", table[i].what);
                is(say(fd, NULL, "lost"), "sent", "%s: and again", table[i].what);
                same(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "%s: SO_ERROR", table[i].what);
                is(say(fd, obstacle_address(1500), "hello"), "sent", "%s: elsewhere",
                   table[i].what);
                is(hear(live), "hello", "%s: arrives", table[i].what);
        }
        same(connect_to(fd, obstacle_address(1500)), 0, "%s: connect elsewhere", table[i].what);
        is(exchange(fd, NULL, live), "both ways", "%s: which talks", table[i].what);
        close(fd);
        same(count_open(), before - 1, "%s: no descriptor is left", table[i].what);
}

/* What may not be done is logged, what UDP would not tell is not. */
static void check_messages(void)
{
        ok(strstr(messages(), obstacle_file(1010)) != NULL, "no permission: is logged");
        ok(strstr(messages(), obstacle_file(1103)) != NULL,
           "no permission for the directory: is logged");
        ok(strstr(messages(), obstacle_file(1001)) == NULL, "missing: is not logged");
        ok(strstr(messages(), obstacle_file(1002)) == NULL, "a dead socket: is not logged");
}

static int count_told(const char *path)
{
        int n = 0;

        for (const char *at = messages(); (at = strstr(at, path)); at++)
                n++;
        return n;
}

/* Who forwards a log would go on to log that for ever. */
static void check_told_once(void)
{
        const int fd = socket(AF_INET, SOCK_DGRAM, 0);
        const int before = count_told(obstacle_file(1010));

        for (int i = 0; i < 3; i++)
                is(say(fd, obstacle_address(1010), "lost"), "EACCES", "no permission, %d", i);
        same(count_told(obstacle_file(1010)) - before, 1, "no permission: is logged once");
        close(fd);
}

/* A connected Unix socket lets its peer alone send: EPERM, of which UDP knows nothing. */
static void check_taken(void)
{
        const int fd = socket(AF_INET, SOCK_DGRAM, 0);

        is(say(fd, obstacle_address(1011), "lost"), "sent", "connected to another: a send is lost");
        check_alive(fd, "connected to another");
        same(connect_to(fd, obstacle_address(1011)), 0, "connected to another: connect");
        is(say(fd, NULL, "lost"), "sent", "connected to another: a send is lost then too");
        close(fd);
}

int main(void)
{
        umask(0);
        live = serve_unix(obstacle_file(1500), SOCK_DGRAM, 0);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                table[i].make(table[i].port, SOCK_DGRAM);
        make_connected(1011);
        obstacles_become_nobody();

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                check_unconnected(i, 0);
                check_unconnected(i, SOCK_NONBLOCK);
                check_connected(i, 0);
                check_connected(i, SOCK_NONBLOCK);
        }
        check_taken();
        check_told_once();
        obstacles_are_untouched(1001, 1002, 1005, 1008);
        check_messages();
        (void)chmod(obstacle_file(1103), 0700);
        return tap_end();
}
