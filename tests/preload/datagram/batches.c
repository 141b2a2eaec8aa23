/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Several datagrams in one call, of which one can't be sent as it is; and more than the shim takes
 * at once, which are waited for all the same. argv: the address.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MANY    20
#define LONGEST 65507 /* of IPv4; of IPv6 it is 20 bytes more */
#define SEGMENT 100
#define CUT     250 /* in three */

static int server, peer;
static bool is_ipv6;
static struct sockaddr_storage to;
static socklen_t to_length;

static void put(struct mmsghdr *message, struct iovec *iovec)
{
        *message = (struct mmsghdr){
                {.msg_name = &to, .msg_namelen = to_length, .msg_iov = iovec, .msg_iovlen = 1}, 0};
}

static void hear_small(int n)
{
        for (int i = 0; i < n; i++)
                is(hear(peer), "small", "what goes before it arrives");
}

/* Some of the messages are sent, which is no error: errno is left alone. */
static void send_some(struct mmsghdr *batch, unsigned count, int most, const char *what)
{
        int n, error;

        errno = 0;
        n = sendmmsg(server, batch, count, 0);
        error = errno;
        same(n, most, "%s", what);
        same(error, 0, "it says nothing of why");
}

/* What is too long ends the call after those before it. At the head it is what the call says. */
static void check_long(void)
{
        static char bytes[LONGEST + 21];
        struct iovec small = {(char *)"small", 5}, large = {bytes, LONGEST + 1 + 20 * is_ipv6};
        struct mmsghdr batch[3];

        for (int i = 0; i < 3; i++)
                put(&batch[i], i == 2 ? &large : &small);
        send_some(batch, 3, 2, "the third of three is too long");
        hear_small(2);
        is(result(sendmmsg(server, batch + 2, 1, 0)), "EMSGSIZE", "by itself it is an error");
        put(&batch[1], &large);
        put(&batch[2], &small);
        send_some(batch, 3, 1, "the second is too long");
        hear_small(1);
        is(hear_soon(peer), "nothing", "and no more");
}

/* UDP cuts it in parts. A Unix socket can't: EIO, which ends the call after those before it. */
static void check_segmented(void)
{
        static char bytes[CUT];
        union {
                char bytes[CMSG_SPACE(sizeof(uint16_t))];
                struct cmsghdr align;
        } control = {0};
        const uint16_t size = SEGMENT;
        struct iovec small = {(char *)"small", 5}, middle = {bytes, CUT};
        struct mmsghdr batch[3];

        for (int i = 0; i < 3; i++)
                put(&batch[i], i == 2 ? &middle : &small);
        control.align = (struct cmsghdr){CMSG_LEN(sizeof(size)), SOL_UDP, UDP_SEGMENT};
        memcpy(CMSG_DATA(&control.align), &size, sizeof(size));
        batch[2].msg_hdr.msg_control = control.bytes;
        batch[2].msg_hdr.msg_controllen = sizeof(control.bytes);
        send_some(batch, 3, leads_to_unix() ? 2 : 3, "the third is to be cut");
        hear_small(2);
        for (int i = 0; i < CUT && !leads_to_unix(); i += SEGMENT)
                same(recv(peer, bytes, CUT, 0), CUT - i < SEGMENT ? CUT - i : SEGMENT, "a part");
        is(hear_soon(peer), "nothing", "and no more");
}

static int send_many(void)
{
        for (int i = 0; i < MANY; i++) {
                if (send(peer, &i, sizeof(i), 0) != sizeof(i))
                        return 1;
                usleep(2000);
        }
        return 0;
}

/* Without MSG_WAITFORONE it returns with all of them, however slowly they come. */
static void check_waiting(void)
{
        struct mmsghdr batch[MANY];
        struct iovec iovecs[MANY];
        int numbers[MANY], wrong = 0;
        pid_t pid;

        memset(numbers, -1, sizeof(numbers));
        for (int i = 0; i < MANY; i++) {
                iovecs[i] = (struct iovec){&numbers[i], sizeof(numbers[i])};
                batch[i] = (struct mmsghdr){{.msg_iov = &iovecs[i], .msg_iovlen = 1}, 0};
        }
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0)
                _exit(send_many());
        same(recvmmsg(server, batch, MANY, 0, NULL), MANY, "recvmmsg waits for %d", MANY);
        for (int i = 0; i < MANY; i++)
                wrong += batch[i].msg_len != sizeof(int) || numbers[i] != i;
        same(wrong, 0, "they are what was sent, in its order");
        same(reap(pid), 0, "all were sent");
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        is_ipv6 = *argv[1] == '[';
        server = udp_at(argv[1]);
        peer = udp_client(argv[1]);
        is(say(peer, NULL, "hello"), "sent", "a client");
        is(hear(server), "hello", "it is heard");
        to_length = address_of(heard_from(), &to);

        check_long();
        check_segmented();
        check_waiting();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
