/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What arrives on a connection, and what must not: no address of the sender, as for TCP, and no
 * descriptors, which Unix peers can send. Run bare too, where peers have none to send. argv: where
 * to bind.
 */

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static int ours, theirs;

/* Two bytes, and with the first of them descriptors when there is a way to send any. */
static void send_descriptors(void)
{
        union {
                char bytes[CMSG_SPACE(3 * sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        struct iovec iovec = {(char *)"de", 2};
        struct msghdr msg = {.msg_iov = &iovec, .msg_iovlen = 1};
        const int fds[3] = {0, 1, 2};
        struct cmsghdr *cmsg;

        if (under_rules()) {
                msg.msg_control = control.bytes;
                msg.msg_controllen = sizeof(control.bytes);
                cmsg = CMSG_FIRSTHDR(&msg);
                cmsg->cmsg_level = SOL_SOCKET;
                cmsg->cmsg_type = SCM_RIGHTS;
                cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
                memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
        }
        need(sendmsg(theirs, &msg, 0) == 2, "sendmsg of the client");
}

static void check_no_sender(void)
{
        struct sockaddr_storage storage = {0};
        struct iovec iovec;
        struct mmsghdr messages = {0};
        struct msghdr *msg = &messages.msg_hdr;
        socklen_t length = sizeof(storage);
        char bytes[16];

        iovec = (struct iovec){bytes, 1};
        msg->msg_iov = &iovec;
        msg->msg_iovlen = 1;
        need(write(theirs, "abcdef", 6) == 6, "write");
        same(recvfrom(ours, bytes, 1, 0, (struct sockaddr *)&storage, &length), 1, "recvfrom");
        same(length, 0, "tells an address of no length");
        same(storage.ss_family, 0, "and fills in none");
        same(recvfrom(ours, bytes, 1, 0, NULL, NULL), 1, "recvfrom without an address");
        msg->msg_name = &storage;
        msg->msg_namelen = sizeof(storage);
        same(recvmsg(ours, msg, 0), 1, "recvmsg");
        same(msg->msg_namelen, 0, "tells an address of no length");
        ok(msg->msg_name == &storage, "and leaves the pointer");
        msg->msg_namelen = sizeof(storage);
        same(recvmmsg(ours, &messages, 1, 0, NULL), 1, "recvmmsg");
        same(msg->msg_namelen, 0, "tells an address of no length");
        same(read(ours, bytes, sizeof(bytes)), 2, "read takes the rest");
        errno = 0;
        same(recvfrom(ours, bytes, 1, MSG_DONTWAIT, (struct sockaddr *)&storage, &length), -1,
             "recvfrom when there is nothing");
        same(errno, EAGAIN, "says EAGAIN");
}

static void __attribute__((nonnull)) check_no_descriptors(const char *call)
{
        union {
                char bytes[256];
                struct cmsghdr align;
        } control = {0};
        char bytes[2] = "";
        struct iovec iovec = {bytes, 2};
        struct mmsghdr messages = {{.msg_iov = &iovec,
                                    .msg_iovlen = 1,
                                    .msg_control = control.bytes,
                                    .msg_controllen = sizeof(control.bytes)},
                                   0};
        const int before = count_open();
        ssize_t n = 0;

        send_descriptors();
        if (strcmp(call, "recvmsg") == 0)
                n = recvmsg(ours, &messages.msg_hdr, 0);
        else if (strcmp(call, "recvmmsg") == 0)
                n = recvmmsg(ours, &messages, 1, 0, NULL) == 1 ? messages.msg_len : 0;
        else if (strcmp(call, "read") == 0)
                n = read(ours, bytes, 2);
        else
                n = recvfrom(ours, bytes, 2, 0, NULL, NULL);

        same(n, 2, "%s: the bytes arrive", call);
        ok(memcmp(bytes, "de", 2) == 0, "%s: as they were sent", call);
        if (strstr(call, "msg"))
                ok(CMSG_FIRSTHDR(&messages.msg_hdr) == NULL, "%s: no control message", call);
        same(count_open(), before, "%s: no descriptor is left", call);
}

/* TCP ignores an address that is given with data on a connection. */
static void check_addressed(void)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of("192.0.2.1:9", &storage);
        struct iovec iovec = {(char *)"x", 1};
        struct mmsghdr messages = {
                {.msg_name = &storage, .msg_namelen = length, .msg_iov = &iovec, .msg_iovlen = 1},
                0};
        char bytes[8];

        same(sendto(ours, "x", 1, 0, (struct sockaddr *)&storage, length), 1,
             "sendto with an address");
        same(sendmsg(ours, &messages.msg_hdr, 0), 1, "sendmsg with an address");
        same(sendmmsg(ours, &messages, 1, 0), 1, "sendmmsg with an address");
        same(recv(theirs, bytes, sizeof(bytes), MSG_WAITALL | MSG_DONTWAIT), 3, "all arrive");
        same(connect_to(ours, "127.0.0.1:9"), EISCONN, "connect says EISCONN");
}

/* TCP has nothing to tell; the data stay where they are. */
static void check_no_errors(void)
{
        char byte;
        struct iovec iov = {&byte, 1};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        need(write(theirs, "e", 1) == 1, "write");
        same(recvmsg(ours, &msg, MSG_ERRQUEUE | MSG_DONTWAIT), -1, "recvmsg of errors");
        same(errno, EAGAIN, "there are none");
        same(recvfrom(ours, &byte, 1, MSG_ERRQUEUE | MSG_DONTWAIT, NULL, NULL), -1,
             "recvfrom of errors");
        same(errno, EAGAIN, "there are none");
        same(recv(ours, &byte, 1, MSG_ERRQUEUE | MSG_DONTWAIT), -1, "recv of errors");
        same(errno, EAGAIN, "there are none");
        ok(read(ours, &byte, 1) == 1 && byte == 'e', "the data are there");
}

int main(int argc, char **argv)
{
        const char *calls[] = {"recvmsg", "recvmmsg", "read", "recvfrom"};
        int fd;

        need(argc == 2, "an address");
        fd = listen_at(argv[1]);
        ours = accept_client(0, fd, &theirs);
        check_no_sender();
        check_no_errors();
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
                check_no_descriptors(calls[i]);
        check_addressed();
        return tap_end();
}
