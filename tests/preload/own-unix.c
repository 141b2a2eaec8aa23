/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unix sockets of the program's own. A rule without from-unix= or from-abstract= has no say in
 * them ("untouched", run bare too); with one it moves, refuses, silences or passes them ("moved").
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* "@" begins an abstract name. */
static socklen_t unix_name(const char *name, struct sockaddr_un *ret)
{
        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
        need(strlen(name) < sizeof(ret->sun_path), name);
        strcpy(ret->sun_path, name);
        if (*name != '@')
                return sizeof(*ret);

        ret->sun_path[0] = 0;
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
}

static int bind_name(int fd, const char *name)
{
        struct sockaddr_un un;
        const socklen_t length = unix_name(name, &un);

        return bind(fd, (struct sockaddr *)&un, length) < 0 ? errno : 0;
}

static int connect_name(int fd, const char *name)
{
        struct sockaddr_un un;
        const socklen_t length = unix_name(name, &un);

        return connect(fd, (struct sockaddr *)&un, length) < 0 ? errno : 0;
}

typedef int name_fn(int fd, struct sockaddr *addr, socklen_t *length);

/* What the call tells, "@" for the NUL of an abstract name. */
static const char *name_by(name_fn *call, int fd)
{
        static __thread char texts[4][128];
        static __thread unsigned turn;
        char *text = texts[turn++ % 4];
        struct sockaddr_un un = {0};
        socklen_t length = sizeof(un), n;

        if (call(fd, (struct sockaddr *)&un, &length) < 0)
                return strerrorname_np(errno);
        if (un.sun_family != AF_UNIX)
                return "not a Unix socket";

        n = length - (socklen_t)offsetof(struct sockaddr_un, sun_path);
        if (n == 0)
                return "unnamed";
        if (un.sun_path[0] == 0)
                un.sun_path[0] = '@';
        snprintf(text, sizeof(texts[0]), "%.*s", (int)n, un.sun_path);
        return text;
}

static int unix_socket(int type)
{
        const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        return fd;
}

static int listen_name(int type, const char *name)
{
        const int fd = unix_socket(type);

        same(bind_name(fd, name), 0, "%s: bind", name);
        same(listen(fd, 5), 0, "%s: listen", name);
        return fd;
}

/* A client of the program itself, by that name. */
static void check_serves(int fd, int type, const char *name)
{
        const int theirs = unix_socket(type);
        int ours;

        same(connect_name(theirs, name), 0, "%s: connect", name);
        is(name_by(getpeername, theirs), name, "%s: the client's peer", name);
        is(name_by(getsockname, theirs), "unnamed", "%s: the client has no name", name);
        if (!ok(readable(fd, PATIENCE), "%s: a client waits", name))
                return;
        ours = accept(fd, NULL, NULL);
        is(name_by(getsockname, ours), name, "%s: the connection's name", name);
        is(name_by(getpeername, ours), "unnamed", "%s: its peer has none", name);
        same(option(ours, SOL_SOCKET, SO_DOMAIN), AF_UNIX, "%s: SO_DOMAIN", name);
        ok(send(theirs, "a", 1, 0) == 1 && recv(ours, (char[1]){0}, 1, 0) == 1, "%s: data", name);
        close(ours);
        close(theirs);
}

static void check_plain(int type, const char *name)
{
        const int fd = listen_name(type, name);
        int other = unix_socket(type);

        is(name_by(getsockname, fd), name, "%s: name", name);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_UNIX, "%s: SO_DOMAIN", name);
        same(option(fd, SOL_SOCKET, SO_PROTOCOL), 0, "%s: SO_PROTOCOL", name);
        if (*name != '@')
                is(kind_of(name), "socket", "%s: is there", name);
        check_serves(fd, type, name);
        same(bind_name(other, name), EADDRINUSE, "%s: taken", name);
        close(other);
        close(fd);
        if (*name == '@')
                return;

        /* The kernel leaves the file, and never replaces it. */
        is(kind_of(name), "socket", "%s: closed, the file is left", name);
        other = unix_socket(type);
        same(bind_name(other, name), EADDRINUSE, "%s: and in the way", name);
        same(connect_name(other, name), ECONNREFUSED, "%s: nobody listens", name);
        close(other);
        unlink(name);
        other = unix_socket(type);
        same(connect_name(other, name), ENOENT, "%s: gone, ENOENT", name);
        close(other);
}

static void check_plain_datagrams(const char *name)
{
        const int receiver = unix_socket(SOCK_DGRAM), sender = unix_socket(SOCK_DGRAM);
        struct sockaddr_un un;
        socklen_t length = unix_name(name, &un);
        char byte;

        same(bind_name(receiver, name), 0, "%s: bind, datagrams", name);
        same(sendto(sender, "x", 1, 0, (struct sockaddr *)&un, length), 1, "%s: sendto", name);
        same(connect_name(sender, name), 0, "%s: connect", name);
        same(send(sender, "y", 1, 0), 1, "%s: send", name);
        same(recv(receiver, &byte, 1, MSG_DONTWAIT), 1, "%s: one arrives", name);
        length = sizeof(un);
        same(recvfrom(receiver, &byte, 1, MSG_DONTWAIT, (struct sockaddr *)&un, &length), 1,
             "%s: and the other", name);
        same(length, 0, "%s: from nobody", name);
        close(receiver);
        close(sender);
        unlink(name);
}

static void check_untouched(void)
{
        const char *abstract = "@ip2unix-own-unix";
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int fd = unix_socket(SOCK_STREAM), pair[2];

        check_plain(SOCK_STREAM, path_of("own"));
        check_plain(SOCK_SEQPACKET, path_of("own"));
        check_plain(SOCK_STREAM, abstract);
        check_plain_datagrams(path_of("own"));
        is(name_by(getsockname, fd), "unnamed", "unbound, it has no name");
        same(bind(fd, (struct sockaddr *)&un, sizeof(un.sun_family)), 0, "autobind");
        ok(*name_by(getsockname, fd) == '@' && strlen(name_by(getsockname, fd)) == 6,
           "gives an abstract name");
        close(fd);
        need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        is(name_by(getsockname, pair[0]), "unnamed", "a pair has no names");
        is(name_by(getpeername, pair[0]), "unnamed", "on neither side");
        close(pair[0]);
        close(pair[1]);
        same(count_files(), 0, "nothing is left");
}

/* from-unix=@DIR@/old/?,path=@DIR@/new and from-unix=@DIR@/old/[x-z]*,abstract=@DIR@ and
 * from-abstract=app-*,path=@DIR@/app */
static void check_targets(void)
{
        int fd;

        fd = listen_name(SOCK_STREAM, path_of("old/a"));
        is(name_by(getsockname, fd), path_of("old/a"), "moved to a path: the name is the old one");
        is(kind_of(path_of("old/a")), "none", "and nothing is there");
        is(kind_of(path_of("new")), "socket", "but at the new one");
        ok(file_serves(path_of("new"), fd), "which serves others");
        check_serves(fd, SOCK_STREAM, path_of("old/a"));
        close(fd);
        is(kind_of(path_of("new")), "none", "closed, it is removed");

        fd = listen_name(SOCK_STREAM, path_of("old/x-long"));
        is(name_by(getsockname, fd), path_of("old/x-long"), "moved to an abstract name");
        check_serves(fd, SOCK_STREAM, path_of("old/x-long"));
        same(count_files(), 1, "there is no file");
        close(fd);

        fd = listen_name(SOCK_STREAM, "@app-1");
        is(name_by(getsockname, fd), "@app-1", "an abstract one moved to a path");
        is(kind_of(path_of("app")), "socket", "is there");
        check_serves(fd, SOCK_STREAM, "@app-1");
        close(fd);
        is(kind_of(path_of("app")), "none", "and is removed");
}

/* Datagrams: a server and a client that is connected to it, by names that are moved. */
static void check_datagrams(void)
{
        const int receiver = unix_socket(SOCK_DGRAM), sender = unix_socket(SOCK_DGRAM);
        char byte = 0;

        same(bind_name(receiver, path_of("old/d")), 0, "datagrams: bind");
        is(name_by(getsockname, receiver), path_of("old/d"), "datagrams: name");
        is(kind_of(path_of("old/d")), "none", "datagrams: nothing is there");
        is(kind_of(path_of("new")), "socket", "datagrams: but at the new path");
        same(connect_name(sender, path_of("old/d")), 0, "datagrams: connect");
        is(name_by(getpeername, sender), path_of("old/d"), "datagrams: the peer's name");
        same(send(sender, "d", 1, 0), 1, "datagrams: send");
        ok(readable(receiver, PATIENCE) && recv(receiver, &byte, 1, 0) == 1 && byte == 'd',
           "datagrams: one arrives");
        same(option(receiver, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, "datagrams: SO_TYPE");
        close(receiver);
        is(kind_of(path_of("new")), "none", "datagrams: closed, it is removed");
        same(send(sender, "d", 1, 0), -1, "datagrams: nobody receives");
        close(sender);
}

/* Before them: from-unix=@DIR@/old/i,ignore and …/old/r,reject=EPERM and …/old/b,in,blackhole */
static void check_others(void)
{
        int fd = unix_socket(SOCK_STREAM), other;

        same(bind_name(fd, path_of("old/r")), EPERM, "bind is rejected");
        same(connect_name(fd, path_of("old/r")), EPERM, "connect too");
        is(name_by(getsockname, fd), "unnamed", "the socket is as it was");
        same(bind_name(fd, path_of("mine")), 0, "and can be bound elsewhere");
        is(kind_of(path_of("mine")), "socket", "where no rule is about it");
        close(fd);
        unlink(path_of("mine"));

        check_plain(SOCK_STREAM, path_of("old/i"));
        check_plain(SOCK_STREAM, path_of("old/no-glob-matches"));
        check_plain(SOCK_STREAM, path_of("old/deeper/a"));
        check_plain(SOCK_STREAM, "@other");
        check_plain(SOCK_SEQPACKET, path_of("old/a"));

        fd = listen_name(SOCK_STREAM, path_of("old/b"));
        is(name_by(getsockname, fd), path_of("old/b"), "blackhole: name");
        ok(!readable(fd, 10), "blackhole: nobody comes");
        is(kind_of(path_of("old/b")), "none", "blackhole: nothing is there");
        other = unix_socket(SOCK_STREAM);
        same(connect_name(other, path_of("old/b")), ENOENT, "blackhole: for binds alone");
        close(other);
        close(fd);
}

/* in,from-unix=@DIR@/passed,systemd=web */
static void check_passed(void)
{
        const int fd = listen_name(SOCK_STREAM, path_of("passed"));

        is(name_by(getsockname, fd), path_of("passed"), "passed by systemd: name");
        is(kind_of(path_of("passed")), "none", "nothing is made");
        ok(serves(0, fd), "it serves");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_UNIX, "SO_DOMAIN");
        close(fd);
}

static void check_moved(void)
{
        need(mkdir(path_of("old"), 0755) == 0 && mkdir(path_of("old/deeper"), 0755) == 0, "mkdir");
        check_targets();
        check_datagrams();
        check_others();
        check_passed();
        rmdir(path_of("old/deeper"));
        rmdir(path_of("old"));
        same(count_files(), 0, "nothing is left");
        is(messages(), "", "nothing is printed");
}

int main(int argc, char **argv)
{
        need(argc == 2, "untouched or moved");
        if (strcmp(argv[1], "moved") == 0)
                check_moved();
        else
                check_untouched();
        return tap_end();
}
