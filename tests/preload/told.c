/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an administrator is told, and from which level on. argv: the level, "warning" to "debug".
 */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

enum level { WARNING, NOTICE, INFO, DEBUG };

static const char *const names[] = {"warning", "notice", "info", "debug"};

/* "@": the directory of the test. */
static const struct {
        enum level level;
        const char *text;
} told[] = {
        {WARNING, "ip2unix: @/web: cannot make a Unix socket: Too many open files (EMFILE)\n"},
        {WARNING,
         "ip2unix: @/no/web: cannot make the socket: No such file or directory (ENOENT)\n"},
        {WARNING, "ip2unix: @/file: something that is no socket is there, and is left\n"},
        {WARNING,
         "ip2unix: @/closed: there is a socket of somebody else's, who may listen there\n"},
        {WARNING, "ip2unix: port 97: socket 'v6' is of IPv6, and the program asked for IPv4: it "
                  "will see addresses that it may not understand (ListenDatagram=0.0.0.0:"},
        {WARNING,
         "ip2unix: port 98: socket 'v4' is of IPv4, and the program asked for IPv6: it will see "
         "addresses that it may not understand (ListenStream= with an address of IPv6 fits)\n"},
        {WARNING, "ip2unix: port 83: @/live is a stream socket: a datagram socket can't be there "
                  "too (%t in the path makes two)\n"},
        {WARNING,
         "ip2unix: port 104: @/tcp is a datagram socket: a stream socket can't be there too\n"},
        {NOTICE, "ip2unix: port 83: @/live is in use\n"},
        {NOTICE, "ip2unix: port 99: bound already by this process, without SO_REUSEADDR\n"},
        {NOTICE, "ip2unix: port 99: this process listens there already\n"},
        {NOTICE, "ip2unix: @/dgram is a datagram socket, and the program's is a stream socket\n"},
        {NOTICE,
         "ip2unix: @/packets is a seqpacket socket, and the program's is a stream socket\n"},
        {NOTICE, "ip2unix: @/live is a stream socket, and the program's is a datagram socket\n"},
        {NOTICE, "ip2unix: @/live: cannot send: it is a stream socket\n"},
        {INFO, "ip2unix: port 80: listening at @/web\n"},
        {INFO, "ip2unix: port 90: connected to @/live\n"},
        {INFO, "ip2unix: @/none: nobody is there: No such file or directory (ENOENT)\n"},
        {INFO, "ip2unix: @/dead: nobody listens there\n"},
        {INFO, "ip2unix: 127.0.0.1:81, stream: rejected: Operation not permitted (EPERM)\n"},
        {INFO, "ip2unix: port 82: bound to 127.0.0.9\n"},
        {INFO, "ip2unix: [::]:80, stream: @/web is taken, nobody can connect here\n"},
        {INFO, "ip2unix: [::]:80, datagram: @/web is taken, nothing comes in here\n"},
        {INFO, "ip2unix: [::]:94, stream: socket 'web' is taken, nobody can connect here\n"},
        {INFO, "ip2unix: [::]:94, datagram: socket 'dns' is taken, nothing comes in here\n"},
        {INFO, "ip2unix: [::]:95, stream: the sockets that no rule names are taken, nobody can "
               "connect here\n"},
        {INFO, "ip2unix: 127.0.0.1:96, stream: blackhole, nobody can connect\n"},
        {INFO, "ip2unix: [::1]:96, datagram: blackhole, nothing comes in\n"},
        {DEBUG, "ip2unix: bind to 127.0.0.1:80, stream: rule 1\n"},
        {DEBUG, "ip2unix: bind to 127.0.0.1:0, datagram: no rule\n"},
        {DEBUG, "ip2unix: connect to [::1]:91, stream: rule 9\n"},
        {DEBUG, "ip2unix: to 127.0.0.1:93, datagram: no rule\n"},
};

static void bind_at(const char *address, int type)
{
        const int fd = socket_for(address, type);

        (void)bind_to(fd, address);
        close(fd);
}

/* A server of both families. */
static void bind_twice(int port, int type)
{
        char first[32], second[32];
        int fd;

        snprintf(first, sizeof(first), "0.0.0.0:%d", port);
        snprintf(second, sizeof(second), "[::]:%d", port);
        fd = socket_for(first, type);
        need(bind_to(fd, first) == 0, first);
        bind_at(second, type);
        close(fd);
}

/* One address for two, without any option for that. */
static void bind_again(const char *address, int type)
{
        const int fd = socket_for(address, type);

        need(bind_to(fd, address) == 0, address);
        (void)listen(fd, 5);
        bind_at(address, type);
        close(fd);
}

static void connect_at(const char *address, int type)
{
        const int fd = socket_for(address, type);

        (void)connect_to(fd, address);
        close(fd);
}

static void send_to(const char *address)
{
        const int fd = socket_for(address, SOCK_DGRAM);

        (void)say(fd, address, "lost");
        close(fd);
}

/* To nobody: each send tries again. */
static void connect_and_send(const char *address)
{
        const int fd = socket_for(address, SOCK_DGRAM);

        (void)connect_to(fd, address);
        for (int i = 0; i < 4; i++)
                (void)say(fd, NULL, "lost");
        close(fd);
}

static void bind_without_descriptors(void)
{
        const int fd = socket_for("127.0.0.1:80", SOCK_STREAM);
        struct rlimit limit, none;

        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
        need(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");
        (void)bind_to(fd, "127.0.0.1:80");
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        close(fd);
}

/* A dead one of root's, who alone could know that it is. */
static void bind_over_closed(void)
{
        const char *path = path_of("closed");

        leave_dead(path);
        need(chmod(path, 0755) == 0 && chmod(path_of("."), 0777) == 0 &&
                     chmod(path_of(".."), 0755) == 0,
             "chmod");
        need(seteuid(65534) == 0, "seteuid");
        bind_at("127.0.0.1:86", SOCK_STREAM);
        need(seteuid(0) == 0, "seteuid");
}

static void do_all(void)
{
        const int live = unix_at(path_of("live"), SOCK_STREAM, 5);
        const int dgram = unix_at(path_of("dgram"), SOCK_DGRAM, -1);
        const int packets = unix_at(path_of("packets"), SOCK_SEQPACKET, 5);
        const int misnamed = unix_at(path_of("tcp"), SOCK_DGRAM, -1);
        FILE *file = fopen(path_of("file"), "we");

        need(file && fclose(file) == 0, "a file");
        leave_dead(path_of("dead"));
        bind_without_descriptors();
        bind_at("127.0.0.1:80", SOCK_STREAM);
        bind_at("127.0.0.1:81", SOCK_STREAM);
        bind_at("127.0.0.1:82", SOCK_STREAM);
        bind_at("127.0.0.1:83", SOCK_STREAM);
        bind_at("127.0.0.1:83", SOCK_DGRAM);
        bind_at("127.0.0.1:84", SOCK_STREAM);
        bind_at("127.0.0.1:85", SOCK_STREAM);
        bind_over_closed();
        bind_at("127.0.0.1:0", SOCK_DGRAM);
        bind_again("127.0.0.1:99", SOCK_STREAM);
        bind_again("127.0.0.1:99", SOCK_DGRAM);
        bind_at("127.0.0.1:104", SOCK_STREAM);
        bind_twice(80, SOCK_STREAM);
        bind_twice(80, SOCK_DGRAM);
        bind_twice(94, SOCK_STREAM);
        bind_twice(94, SOCK_DGRAM);
        bind_twice(95, SOCK_STREAM);
        bind_at("127.0.0.1:96", SOCK_STREAM);
        bind_at("[::1]:96", SOCK_DGRAM);
        bind_at("0.0.0.0:97", SOCK_DGRAM);
        bind_at("[::]:98", SOCK_STREAM);
        connect_at("127.0.0.1:90", SOCK_STREAM);
        connect_at("[::1]:91", SOCK_STREAM);
        connect_at("127.0.0.1:92", SOCK_STREAM);
        send_to("127.0.0.1:93");
        connect_at("127.0.0.1:101", SOCK_STREAM);
        connect_at("127.0.0.1:102", SOCK_STREAM);
        connect_at("127.0.0.1:90", SOCK_DGRAM);
        send_to("127.0.0.1:90");
        connect_and_send("127.0.0.1:91");
        close(live);
        close(dgram);
        close(packets);
        close(misnamed);
}

/* The text with the directory filled in. Overwritten by the next call. */
static const char *fill_in(const char *text)
{
        static char filled[512];
        const char *at = strchr(text, '@');
        const char *directory = path_of("");

        if (!at)
                return text;
        snprintf(filled, sizeof(filled), "%.*s%.*s%s", (int)(at - text), text,
                 (int)strlen(directory) - 1, directory, at + 1);
        return filled;
}

static int count_told(const char *text)
{
        int n = 0;

        for (const char *at = messages(); (at = strstr(at, text)); at++)
                n++;
        return n;
}

int main(int argc, char **argv)
{
        enum level level = WARNING;

        need(argc == 2, "a level");
        while (level < DEBUG && strcmp(argv[1], names[level]) != 0)
                level++;

        do_all();
        for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
                const char *text = fill_in(told[i].text);

                same(strstr(messages(), text) != NULL, told[i].level <= level, "%s at %s: %.*s",
                     told[i].level <= level ? "told" : "not told", argv[1],
                     (int)strcspn(text, "\n"), text);
        }
        same(count_told("port 84"), 0, "nothing is told besides of what is no socket");
        same(count_told("port 86"), 0, "nor of a socket of somebody else's");
        same(count_told(fill_in("@/none: nobody is there")), level >= INFO ? 2 : 0,
             "that nobody is there is told once of each socket");
        return tap_end();
}
