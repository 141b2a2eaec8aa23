/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread waits for datagrams on a client's socket before another one sends the first, as programs
 * do that have one thread for each direction. Run bare too. argv: the address of the server.
 */

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

static char heard[64];
static struct sockaddr_storage from;
static socklen_t from_length;

static ssize_t by_recv(int fd)
{
        return recv(fd, heard, sizeof(heard), 0);
}

static ssize_t by_recvfrom(int fd)
{
        return recvfrom(fd, heard, sizeof(heard), 0, (struct sockaddr *)&from, &from_length);
}

static ssize_t by_recvmsg(int fd)
{
        struct iovec iov = {heard, sizeof(heard)};
        struct msghdr msg = {
                .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
        const ssize_t n = recvmsg(fd, &msg, 0);

        from_length = msg.msg_namelen;
        return n;
}

/* Only what has come is told of: nothing empty from nobody before it. */
static ssize_t by_recvmmsg(int fd)
{
        struct iovec iov = {heard, sizeof(heard)};
        struct mmsghdr messages[4] = {0};
        int n;

        for (int i = 0; i < 4; i++)
                messages[i].msg_hdr = (struct msghdr){.msg_name = &from,
                                                      .msg_namelen = sizeof(from),
                                                      .msg_iov = &iov,
                                                      .msg_iovlen = 1};
        n = recvmmsg(fd, messages, 4, MSG_WAITFORONE, NULL);
        from_length = messages[0].msg_hdr.msg_namelen;
        return n == 1 ? (ssize_t)messages[0].msg_len : -3 - n;
}

static ssize_t by_read(int fd)
{
        return read(fd, heard, sizeof(heard));
}

static ssize_t by_readv(int fd)
{
        struct iovec iov[] = {{heard, 1}, {heard + 1, sizeof(heard) - 1}};

        return readv(fd, iov, 2);
}

static ssize_t by_poll(int fd)
{
        struct pollfd event = {.fd = fd, .events = POLLIN};

        return poll(&event, 1, PATIENCE) == 1 ? by_recvfrom(fd) : -2;
}

static ssize_t by_select(int fd)
{
        struct timeval patience = {.tv_sec = PATIENCE / 1000};
        fd_set set;

        FD_ZERO(&set);
        FD_SET(fd, &set);
        return select(fd + 1, &set, NULL, NULL, &patience) == 1 ? by_recvfrom(fd) : -2;
}

static const struct way {
        const char *name;
        ssize_t (*receive)(int fd);
        bool tells_source;
} ways[] = {
        {"recvfrom", by_recvfrom, true}, /* the first that is heard at all has its address, too */
        {"recv", by_recv, false},
        {"recvmsg", by_recvmsg, true},
        {"recvmmsg", by_recvmmsg, true},
        {"read", by_read, false},
        {"readv", by_readv, false},
        {"poll and recvfrom", by_poll, true},
        {"select and recvfrom", by_select, true},
};

static int ours;

static void *wait_for_answer(void *argument)
{
        const struct way *way = argument;
        struct timeval patience = {.tv_sec = PATIENCE / 1000};

        need(setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0,
             "a timeout");
        return (void *)(way->receive(ours) + 10);
}

static void check(const struct way *way, const char *address, bool bound)
{
        const int theirs = udp_server(address);
        const char *how = bound ? "bound before" : "not bound";
        pthread_t thread;
        void *result;

        ours = udp_socket(address);
        need(!bound || bind_to(ours, strchr(address, '[') ? "[::1]:0" : "127.0.0.1:0") == 0,
             "bind");
        memset(heard, 0, sizeof(heard));
        from_length = sizeof(from);

        need(pthread_create(&thread, NULL, wait_for_answer, (void *)way) == 0, "a thread");
        until_threads_wait(1);
        is(say(ours, address, "question"), "sent", "%s, %s: another thread sends", way->name, how);
        is(hear(theirs), "question", "and is heard");
        is(answer(theirs, "answer"), "sent", "it is answered");
        pthread_join(thread, &result);

        same((ssize_t)result - 10, 6, "who waits hears of it");
        is(heard, "answer", "and what it is");
        if (way->tells_source) {
                is(address_text((struct sockaddr *)&from), address, "and from whom");
                ok(from_length == (strchr(address, '[') ? 28 : 16), "an address of that length");
        }
        close(ours);
        close(theirs);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                check(&ways[i], argv[1], false);
                check(&ways[i], argv[1], true);
        }
        return tap_end();
}
