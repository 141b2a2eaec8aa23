/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A connected client whose server goes for a while, at a time when the process has no descriptor
 * left: others can send to the client then, and it hears its server alone all the same, however it
 * receives. Under rules alone, to a Unix socket: strangers can't reach one of IP. argv: the address
 * of the server.
 */

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static char heard[64]; /* with room for a NUL after what comes */

static ssize_t by_recv(int fd)
{
        return recv(fd, heard, sizeof(heard) - 1, 0);
}

static ssize_t by_read(int fd)
{
        return read(fd, heard, sizeof(heard) - 1);
}

static ssize_t by_recvfrom(int fd)
{
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        const ssize_t n =
                recvfrom(fd, heard, sizeof(heard) - 1, 0, (struct sockaddr *)&from, &length);

        is(address_text((struct sockaddr *)&from), address, "from the server");
        return n;
}

/* There is room for two. */
static ssize_t by_recvmmsg(int fd)
{
        char second[sizeof(heard)];
        struct iovec iovecs[] = {{heard, sizeof(heard) - 1}, {second, sizeof(second)}};
        struct mmsghdr messages[2] = {0};

        for (int i = 0; i < 2; i++)
                messages[i].msg_hdr = (struct msghdr){.msg_iov = &iovecs[i], .msg_iovlen = 1};
        same(recvmmsg(fd, messages, 2, MSG_WAITFORONE, NULL), 1, "one is heard");
        return messages[0].msg_len;
}

static const struct way {
        const char *name;
        ssize_t (*receive)(int fd);
} ways[] = {
        {"recv", by_recv},
        {"read", by_read},
        {"recvfrom", by_recvfrom},
        {"recvmmsg", by_recvmmsg},
};

/* Nothing new can be opened from now on. Returns the limit of before. */
static rlim_t use_up_descriptors(void)
{
        const int lowest = dup(STDERR_FILENO);
        struct rlimit limit;
        rlim_t before;

        need(lowest >= 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0, "a limit");
        close(lowest);
        before = limit.rlim_cur;
        limit.rlim_cur = (rlim_t)lowest;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        return before;
}

static void allow_descriptors(rlim_t most)
{
        struct rlimit limit;

        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "a limit");
        limit.rlim_cur = most;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static void check(const struct way *way)
{
        const int stranger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int server = udp_server(address);
        const int fd = udp_to(address);
        struct sockaddr_un name;
        socklen_t length;
        rlim_t before;
        ssize_t n;

        need(stranger >= 0, "a stranger's socket");
        is(exchange(fd, NULL, server), "both ways", "%s: the server is there", way->name);
        need(udp_real_name(fd, &name, &length), "the client's name");
        close(server);

        before = use_up_descriptors();
        is(say(fd, NULL, "lost"), "sent", "the server has gone");
        allow_descriptors(before);
        is(result(sendto(stranger, "stranger", 8, 0, (struct sockaddr *)&name, length)), "8",
           "a stranger can send");

        server = udp_server(address);
        is(say(fd, NULL, "question"), "sent", "the server is back");
        is(hear(server), "question", "and hears the client");
        is(answer(server, "answer"), "sent", "it answers");
        n = way->receive(fd);
        need(n >= 0, way->name);
        heard[n] = 0;
        is(heard, "answer", "%s hears the answer", way->name);
        is(hear_soon(fd), "nothing", "and nothing else");
        is(exchange(fd, NULL, server), "both ways", "they go on");
        close(server);
        close(fd);
        close(stranger);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
                check(&ways[i]);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
