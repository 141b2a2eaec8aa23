/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes with a message beside its data. See attached.h. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "preload/attached.h"
#include "preload/mark.h"
#include "preload/next.h"
#include "preload/sock.h"
#include "preload/table.h"

void attached_take(const struct cmsghdr *cmsg, bool close_them)
{
        const size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        for (size_t i = 0; i < count; i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
                table_forget(fd);
                if (close_them)
                        next.close(fd);
        }
}

static void forget_received(struct msghdr *msg)
{
        const int saved = errno;

        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
                if (attached_has_descriptors(cmsg)) {
                        attached_take(cmsg, false);
                        __atomic_store_n(&mark_may_be_inherited, true, __ATOMIC_RELAXED);
                }
        errno = saved;
}

static bool is_passed_ip(int fd)
{
        const word w = table_get(fd);

        return WORD_KIND(w) == WORD_SOCK && sock_at(WORD_INDEX(w))->kind == SOCK_PASSED_IP;
}

/*
 * ip(7): a datagram that came before IP_PKTINFO was set has no interface. That is the one that has
 * started the service, and servers that look at it (dnsmasq) would not answer. The loopback
 * addresses are on the loopback interface.
 */
static void complete_interface(struct msghdr *msg)
{
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
                struct in_pktinfo info;

                if (cmsg->cmsg_level != IPPROTO_IP || cmsg->cmsg_type != IP_PKTINFO ||
                    cmsg->cmsg_len < CMSG_LEN(sizeof(info)))
                        continue;
                memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
                if (info.ipi_ifindex != 0 || ntohl(info.ipi_addr.s_addr) >> 24 != IN_LOOPBACKNET)
                        continue;
                info.ipi_ifindex = 1;
                memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
        }
}

void attached_note(int fd, struct msghdr *msg)
{
        if (is_passed_ip(fd))
                complete_interface(msg);
        else
                forget_received(msg);
}

/* Close the descriptors that came with a message, and close the gap that their header leaves. */
static void drop_descriptors(struct msghdr *msg)
{
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

        while (cmsg) {
                struct cmsghdr *after = CMSG_NXTHDR(msg, cmsg);
                const size_t rest = after ? msg->msg_controllen - (size_t)((char *)after -
                                                                           (char *)msg->msg_control)
                                          : 0;

                if (!attached_has_descriptors(cmsg)) {
                        cmsg = after;
                        continue;
                }

                attached_take(cmsg, true);
                if (after)
                        memmove(cmsg, after, rest);
                msg->msg_controllen = (size_t)((char *)cmsg - (char *)msg->msg_control) + rest;
                cmsg = after ? cmsg : NULL;
        }
}

void attached_drop(struct msghdr *msg)
{
        const int saved = errno;

        msg->msg_namelen = 0;
        if (msg->msg_control && msg->msg_controllen > 0)
                drop_descriptors(msg);
        errno = saved;
}
