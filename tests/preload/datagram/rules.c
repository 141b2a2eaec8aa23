/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One socket, many targets: what rules lead elsewhere goes there, and all else where it always
 * went. In a network namespace of its own, with these rules:
 *
 *     out,udp,port=8080,path=@DIR@/udp-8080.sock    out,udp,port=8081,abstract=@DIR@-8081
 *     out,udp,port=9002,reject=EPERM                out,udp,port=9003,ignore
 *     out,udp,addr=239.0.0.0/8,path=@DIR@/udp-8080.sock
 *     out,udp,addr=255.255.255.255,path=@DIR@/udp-8080.sock
 *     in,udp,port=7000,path=@DIR@/bound             in,udp,port=7001,reject=EPERM
 *     in,udp,port=7002,blackhole
 *
 * Ports 9000 to 9003 are the kernel's.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define PATH     "127.0.0.1:8080"
#define ABSTRACT "127.0.0.1:8081"
#define PLAIN    "127.0.0.1:9000"
#define REFUSED  "127.0.0.1:9002"
#define IGNORED  "127.0.0.1:9003"

static int by_path, by_name, plain, ignored;

static int serve_abstract(void)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const char *name = getenv("TEST_DIR");
        const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        strcpy(un.sun_path + 1, name);
        strcat(un.sun_path + 1, "-8081");
        need(bind(fd, (struct sockaddr *)&un,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                              strlen(un.sun_path + 1))) == 0,
             "an abstract name");
        return fd;
}

/* The order in which a program sends to one and the other must not matter. */
static void check_mixed(const char *const order[], const char *what)
{
        const int fd = udp_socket(PATH);

        for (int i = 0; order[i]; i++) {
                const char *to = order[i];
                const int server = strcmp(to, PATH) == 0       ? by_path
                                   : strcmp(to, ABSTRACT) == 0 ? by_name
                                   : strcmp(to, PLAIN) == 0    ? plain
                                                               : ignored;

                is(say(fd, to, "mixed"), "sent", "%s: to %s", what, to);
                is(hear(server), "mixed", "%s: arrives at %s", what, to);
                if (server == by_path || server == by_name) {
                        is(answer(server, "reply"), "sent", "%s: and is answered", what);
                        is(hear(fd), "reply", "%s: which is heard", what);
                        is(heard_from(), to, "%s: from there", what);
                }
        }
        is(say(fd, REFUSED, "no"), "EPERM", "%s: and where it is forbidden", what);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "%s: SO_DOMAIN", what);
        close(fd);
}

/* A connect may lead from IP to Unix and back. */
static void check_connects(void)
{
        static const char *const order[] = {PATH, PLAIN, ABSTRACT, IGNORED, PATH, PLAIN};
        const int fd = udp_socket(PATH);

        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
                const char *to = order[i];
                const int server = strcmp(to, PATH) == 0       ? by_path
                                   : strcmp(to, ABSTRACT) == 0 ? by_name
                                   : strcmp(to, PLAIN) == 0    ? plain
                                                               : ignored;

                same(connect_to(fd, to), 0, "connect to %s", to);
                is(peer_name(fd), to, "getpeername");
                same(is_unix(fd), server == by_path || server == by_name, "what it is in truth");
                is(exchange(fd, NULL, server), "both ways", "they talk");
                same(connect_to(fd, REFUSED), EPERM, "connect to where it is forbidden");
                is(exchange(fd, NULL, server), "both ways", "they talk still");
        }
        close(fd);
}

static void check_refused(void)
{
        struct sockaddr_storage to;
        struct iovec iovec = {(char *)"x", 1};
        struct msghdr msg = {.msg_name = &to, .msg_iov = &iovec, .msg_iovlen = 1};
        struct mmsghdr batch[2];
        int fd = udp_socket(PATH);

        msg.msg_namelen = address_of(REFUSED, &to);
        batch[0] = batch[1] = (struct mmsghdr){msg, 0};
        is(say(fd, REFUSED, "x"), "EPERM", "sendto");
        is(result(sendmsg(fd, &msg, 0)), "EPERM", "sendmsg");
        is(result(sendmmsg(fd, batch, 2, 0)), "EPERM", "sendmmsg");
        same(connect_to(fd, REFUSED), EPERM, "connect");
        ok(!is_unix(fd), "it is the IP socket it was");
        is(local_name(fd), "0.0.0.0:0", "and not bound");
        need(connect_to(fd, PATH) == 0, "connect");
        is(say(fd, REFUSED, "x"), "EPERM", "connected: sendto");
        is(result(sendmsg(fd, &msg, 0)), "EPERM", "connected: sendmsg");
        is(exchange(fd, NULL, by_path), "both ways", "connected: and it talks");
        close(fd);

        fd = udp_socket(PATH);
        same(bind_to(fd, "127.0.0.1:7001"), EPERM, "bind");
        ok(!is_unix(fd), "it is the IP socket it was");
        is(exchange(fd, PATH, by_path), "both ways", "and may be a client");
        close(fd);
}

/* sendmmsg(2) with several targets; the first that fails ends it. */
static void check_batch(void)
{
        static const char *const targets[] = {PATH, PLAIN, ABSTRACT, REFUSED, PATH};
        struct sockaddr_storage to[5];
        struct iovec iovec = {(char *)"batch", 5};
        struct mmsghdr batch[5];
        const int fd = udp_socket(PATH);

        for (int i = 0; i < 5; i++)
                batch[i] = (struct mmsghdr){{.msg_name = &to[i],
                                             .msg_namelen = address_of(targets[i], &to[i]),
                                             .msg_iov = &iovec,
                                             .msg_iovlen = 1},
                                            0};
        same(sendmmsg(fd, batch, 5, 0), 3, "sendmmsg: those before the one that is forbidden");
        is(hear(by_path), "batch", "the first");
        is(hear(plain), "batch", "the second");
        is(hear(by_name), "batch", "the third");
        is(hear_soon(by_path), "nothing", "and no more");
        same(batch[2].msg_len, 5, "with its length");
        close(fd);
}

/* What a rule has bound is a Unix socket for good: there is no way from it to IP. */
static void check_bound(void)
{
        const int fd = udp_at("0.0.0.0:7000");
        struct sockaddr unspec = {.sa_family = AF_UNSPEC};

        is(say(fd, PLAIN, "no"), "ENETUNREACH", "bound: a send to where no rule leads");
        is(say(fd, IGNORED, "no"), "ENETUNREACH", "bound: and where one ignores");
        is(say(fd, REFUSED, "no"), "EPERM", "bound: and where it is forbidden");
        is(exchange(fd, PATH, by_path), "both ways", "bound: by a rule it goes");
        is(exchange(fd, ABSTRACT, by_name), "both ways", "bound: by the other, too");
        same(connect_to(fd, PLAIN), ENETUNREACH, "bound: connect to where no rule leads");
        same(connect_to(fd, PATH), 0, "bound: connect by a rule");
        is(exchange(fd, NULL, by_path), "both ways", "bound: it talks");
        is(local_name(fd), "127.0.0.1:7000", "bound: its name");
        same(connect(fd, &unspec, sizeof(unspec)), 0, "bound: connect(AF_UNSPEC)");
        is(kind_of(path_of("bound")), "socket", "bound: the file stays");
        close(fd);
        is(kind_of(path_of("bound")), "none", "bound: and goes in the end");
}

/* Discovery: to many or to all, which here is one. */
static void check_many(void)
{
        int fd = udp_socket(PATH);
        struct ip_mreq mreq = {{inet_addr("239.1.2.3")}, {htonl(INADDR_ANY)}};

        is(say(fd, "239.1.2.3:1900", "search"), "sent", "multicast");
        is(hear(by_path), "search", "arrives");
        is(answer(by_path, "here"), "sent", "is answered");
        is(hear(fd), "here", "which is heard");
        same(set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 4), 0, "IP_MULTICAST_TTL");
        same(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)), 0,
             "IP_ADD_MEMBERSHIP");
        is(say(fd, "239.200.2.3:5353", "again"), "sent", "to another group");
        is(hear(by_path), "again", "arrives");
        close(fd);

        fd = udp_socket(PATH);
        same(set_option(fd, SOL_SOCKET, SO_BROADCAST, 1), 0, "SO_BROADCAST");
        is(say(fd, "255.255.255.255:67", "all"), "sent", "broadcast");
        is(hear(by_path), "all", "arrives");
        is(answer(by_path, "offer"), "sent", "is answered");
        is(hear(fd), "offer", "which is heard");
        close(fd);
}

static void check_blackhole(void)
{
        const int fd = udp_socket(PATH);
        const struct timeval timeout = {0, 50000};
        char byte;
        double start;

        same(bind_to(fd, "0.0.0.0:7002"), 0, "blackhole: bind");
        is(local_name(fd), "0.0.0.0:7002", "blackhole: getsockname");
        is(peer_name(fd), "ENOTCONN", "blackhole: getpeername");
        is(events_of(fd, 20), "OUT", "blackhole: poll");
        is(result(recv(fd, &byte, 1, MSG_DONTWAIT)), "EAGAIN", "blackhole: recv");
        need(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0, "timeout");
        start = milliseconds();
        is(result(recv(fd, &byte, 1, 0)), "EAGAIN", "blackhole: recv waits");
        ok(milliseconds() - start >= 40, "blackhole: as long as it should");
        is(result(listen(fd, 5)), "EOPNOTSUPP", "blackhole: listen");
        same(bind_to(fd, "0.0.0.0:7005"), EINVAL, "blackhole: bind again");
        same(option(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, "blackhole: SO_TYPE");
        same(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP, "blackhole: SO_PROTOCOL");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "blackhole: SO_ERROR");
        is(say(fd, PLAIN, "no"), "ENETUNREACH", "blackhole: a send to where no rule leads");
        is(say(fd, NULL, "no"), "EDESTADDRREQ", "blackhole: send without an address");
        close(fd);
}

int main(void)
{
        static const char *const orders[][5] = {{PATH, ABSTRACT, PATH, NULL},
                                                {PLAIN, PATH, IGNORED, ABSTRACT, NULL},
                                                {PATH, PLAIN, PATH, IGNORED, NULL},
                                                {IGNORED, ABSTRACT, PLAIN, PATH, NULL}};

        by_path = serve_unix(udp_file(PATH), SOCK_DGRAM, 0);
        by_name = serve_abstract();
        plain = udp_at(PLAIN);
        ignored = udp_at(IGNORED);
        check_refused();
        for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
                check_mixed(orders[i], (const char *[]){"first", "second", "third", "fourth"}[i]);
        check_connects();
        check_batch();
        check_bound();
        check_many();
        check_blackhole();
        is(hear_soon(plain), "nothing", "nothing is left at the kernel's");
        is(hear_soon(by_path), "nothing", "nor at the other");
        return tap_end();
}
