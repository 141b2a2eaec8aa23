/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Send every datagram back to where it comes from.
 *
 *     answer WHERE one|many|control
 *
 * WHERE: the path of a Unix socket, or a port, which a rule leads to one. Datagrams are taken and
 * sent one by one, as many as there are by recvmmsg(2) and sendmmsg(2), or one by one by recvmsg(2)
 * and sendmsg(2) with the address that was asked, as name servers do (IP_PKTINFO of ip(7), which a
 * Unix socket doesn't have: there is no control message there).
 */

#include <stdbool.h>

#include "tests/bench/datagram.h"

#define MANY 32

static struct datagram_address here;
static int fd;

static void __attribute__((noreturn)) answer_one_by_one(void)
{
        struct datagram_address from;
        char bytes[2 * DATAGRAM_SIZE];

        for (;;) {
                ssize_t n;

                from.length = here.length;
                n = recvfrom(fd, bytes, sizeof bytes, 0, &from.any, &from.length);
                need(n >= 0, "recvfrom");
                /* Who has asked may be gone. */
                (void)!sendto(fd, bytes, n, 0, &from.any, from.length);
        }
}

static void __attribute__((noreturn)) answer_many(void)
{
        static struct datagram_address from[MANY];
        static char bytes[MANY][2 * DATAGRAM_SIZE];
        struct iovec iovecs[MANY];
        struct mmsghdr messages[MANY];

        for (int i = 0; i < MANY; i++) {
                iovecs[i].iov_base = bytes[i];
                messages[i].msg_hdr = (struct msghdr){
                        .msg_name = &from[i].any, .msg_iov = &iovecs[i], .msg_iovlen = 1};
        }
        for (;;) {
                int n;

                for (int i = 0; i < MANY; i++) {
                        iovecs[i].iov_len = sizeof bytes[i];
                        messages[i].msg_hdr.msg_namelen = here.length;
                }
                n = recvmmsg(fd, messages, MANY, MSG_WAITFORONE, NULL);
                need(n > 0, "recvmmsg");
                for (int i = 0; i < n; i++)
                        iovecs[i].iov_len = messages[i].msg_len;
                for (int i = 0, sent; i<n; i += sent> 0 ? sent : 1)
                        sent = sendmmsg(fd, messages + i, n - i, 0);
        }
}

static void __attribute__((noreturn)) answer_from_where_it_was_asked(void)
{
        const bool in = here.any.sa_family == AF_INET;
        struct datagram_address from;
        char bytes[2 * DATAGRAM_SIZE];
        union {
                char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
                struct cmsghdr first;
        } control;

        need(!in || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){1}, sizeof(int)) == 0,
             "IP_PKTINFO");
        for (;;) {
                struct iovec iovec = {bytes, sizeof bytes};
                struct msghdr message = {
                        .msg_name = &from.any,
                        .msg_namelen = here.length,
                        .msg_iov = &iovec,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof control,
                };
                ssize_t n = recvmsg(fd, &message, 0);

                need(n >= 0, "recvmsg");
                need(!in || (message.msg_controllen > 0 && control.first.cmsg_type == IP_PKTINFO),
                     "a control message");
                iovec.iov_len = n;
                (void)!sendmsg(fd, &message, 0);
        }
}

int main(int argc, char **argv)
{
        if (argc != 3)
                return EXIT_FAILURE;
        here = datagram_address(argv[1]);
        fd = datagram_socket(&here);
        need(bind(fd, &here.any, here.length) == 0, argv[1]);
        if (strcmp(argv[2], "many") == 0)
                answer_many();
        if (strcmp(argv[2], "control") == 0)
                answer_from_where_it_was_asked();
        answer_one_by_one();
}
