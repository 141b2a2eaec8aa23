/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors that a peer has sent to a socket of systemd's before the program has bound its own:
 * nobody could refuse them yet, so that with every kernel they are in the queue. The program gets
 * the bytes, by each call, and no descriptor.
 */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:80"
#define ROOM    512
#define FDS     2

static int server, before;
static char bytes[2][16];
static union {
        char bytes[ROOM];
        struct cmsghdr align;
} control[2];

static void give(int client)
{
        union {
                char bytes[CMSG_SPACE(FDS * sizeof(int))];
                struct cmsghdr align;
        } own = {0};
        const int fds[FDS] = {STDIN_FILENO, client};
        struct iovec iovec = {(char *)"secret", 6};
        struct msghdr msg = {.msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = own.bytes,
                             .msg_controllen = sizeof(own.bytes)};

        own.align = (struct cmsghdr){CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&own.align), fds, sizeof(fds));
        need(sendmsg(client, &msg, 0) == 6, "descriptors in the queue");
}

static void check_bytes(int i, const char *what)
{
        ok(memcmp(bytes[i], "secret", 6) == 0, "%s: the bytes", what);
        same(count_open(), before, "%s: no descriptor has come", what);
}

static void prepare(struct msghdr *msg, struct iovec *iovec, int i, size_t room)
{
        memset(bytes[i], 0, sizeof(bytes[i]));
        memset(&control[i], 0, sizeof(control[i]));
        *iovec = (struct iovec){bytes[i], sizeof(bytes[i])};
        *msg = (struct msghdr){.msg_iov = iovec,
                               .msg_iovlen = 1,
                               .msg_control = room > 0 ? control[i].bytes : NULL,
                               .msg_controllen = room};
}

static void check_message(const struct msghdr *msg, int i, const char *what)
{
        same((long long)msg->msg_controllen, 0, "%s: nothing comes along", what);
        same(msg->msg_flags, 0, "%s: and no flag says so", what);
        check_bytes(i, what);
}

static void check_recvmsg(size_t room, int flags, const char *what)
{
        struct msghdr msg;
        struct iovec iovec;

        prepare(&msg, &iovec, 0, room);
        same(recvmsg(server, &msg, flags), 6, "%s", what);
        check_message(&msg, 0, what);
}

static void check_recvmmsg(void)
{
        struct iovec iovecs[2];
        struct mmsghdr batch[2];

        for (int i = 0; i < 2; i++)
                prepare(&batch[i].msg_hdr, &iovecs[i], i, ROOM);
        same(recvmmsg(server, batch, 2, MSG_WAITFORONE, NULL), 2, "recvmmsg of two");
        check_message(&batch[0].msg_hdr, 0, "the first");
        check_message(&batch[1].msg_hdr, 1, "the second");
}

static void check_plain(void)
{
        static char big[ROOM];

        is(hear(server), "secret", "recvfrom");
        same(count_open(), before, "recvfrom: no descriptor has come");
        memset(bytes, 0, sizeof(bytes));
        same(read(server, bytes[0], sizeof(bytes[0])), 6, "read");
        check_bytes(0, "read");
        same(recv(server, big, sizeof(big), 0), 6, "recv");
        same(count_open(), before, "recv: no descriptor has come");
}

int main(void)
{
        const int client = udp_passed_client(0);

        for (int i = 0; i < 9; i++)
                give(client);
        server = udp_at(ADDRESS);
        before = count_open();

        check_recvmmsg();
        check_recvmsg(ROOM, MSG_PEEK, "recvmsg(MSG_PEEK)");
        check_recvmsg(ROOM, 0, "recvmsg");
        check_recvmsg(CMSG_SPACE(0), 0, "recvmsg with little room");
        check_recvmsg(CMSG_SPACE(sizeof(int)), 0, "recvmsg with room for one");
        check_recvmsg(0, 0, "recvmsg without room");
        check_plain();
        is(hear_soon(server), "nothing", "and no more");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
