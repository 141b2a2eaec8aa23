/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Control messages of datagrams. See control.h. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "preload/attached.h"
#include "preload/connection.h"
#include "preload/control.h"
#include "preload/datagram.h"
#include "preload/endpoint.h"
#include "preload/next.h"
#include "preload/option-table.h"
#include "preload/table.h"
#include "rules/address.h"

/* Younger than the headers that distributions build with. */
#ifndef SCM_SECURITY
#define SCM_SECURITY 3
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

#define LOOPBACK_INTERFACE 1 /* in every network namespace */
#define LOCAL_HOPS         64

/* What the program's buffer has yet room for, and what is in it. */
struct buffer {
        struct msghdr *msg;
        size_t size, used;
};

/* As the kernel does it: what does not fit is cut, and the program told. */
static void put(struct buffer *buffer, int level, int type, const void *data, size_t size)
{
        const size_t rest = buffer->size - buffer->used, length = CMSG_LEN(size),
                     space = CMSG_SPACE(size);
        struct cmsghdr header = {
                .cmsg_len = length < rest ? length : rest, .cmsg_level = level, .cmsg_type = type};
        char *to = (char *)buffer->msg->msg_control + buffer->used;

        if (length > rest)
                buffer->msg->msg_flags |= MSG_CTRUNC;
        if (rest < sizeof(header))
                return;

        memcpy(to, &header, sizeof(header));
        memcpy(to + CMSG_LEN(0), data, header.cmsg_len - CMSG_LEN(0));
        buffer->used += space < rest ? space : rest;
}

static bool has_descriptors(const struct cmsghdr *cmsg)
{
        return attached_has_descriptors(cmsg) ||
               (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_PIDFD);
}

/* Of Unix sockets alone, and not for the program. */
static bool is_foreign(const struct cmsghdr *cmsg)
{
        return has_descriptors(cmsg) ||
               (cmsg->cmsg_level == SOL_SOCKET &&
                (cmsg->cmsg_type == SCM_CREDENTIALS || cmsg->cmsg_type == SCM_SECURITY));
}

void control_discard(struct msghdr *kernel)
{
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(kernel); cmsg; cmsg = CMSG_NXTHDR(kernel, cmsg))
                if (has_descriptors(cmsg))
                        attached_take(cmsg, true);
}

static void pass_on(struct buffer *buffer, struct msghdr *kernel)
{
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(kernel); cmsg; cmsg = CMSG_NXTHDR(kernel, cmsg))
                if (!is_foreign(cmsg))
                        put(buffer, cmsg->cmsg_level, cmsg->cmsg_type, CMSG_DATA(cmsg),
                            cmsg->cmsg_len - CMSG_LEN(0));
}

static bool is_on(const struct sock *sock, int place)
{
        return __atomic_load_n(&sock->options.value[place], __ATOMIC_RELAXED) != 0;
}

static void put_ipv4(struct buffer *buffer, const struct sock *sock, const struct endpoint *local)
{
        const int hops = LOCAL_HOPS;
        const uint8_t tos = 0;
        struct in_pktinfo info = {.ipi_ifindex = LOOPBACK_INTERFACE};
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(local->port)};

        memcpy(&info.ipi_addr, local->address.bytes + 12, sizeof(info.ipi_addr));
        info.ipi_spec_dst = in.sin_addr = info.ipi_addr;

        if (is_on(sock, OPTION_PKTINFO))
                put(buffer, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        if (is_on(sock, OPTION_RECVTTL))
                put(buffer, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
        if (is_on(sock, OPTION_RECVTOS))
                put(buffer, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
        if (is_on(sock, OPTION_RECVORIGDSTADDR))
                put(buffer, IPPROTO_IP, IP_RECVORIGDSTADDR, &in, sizeof(in));
}

static void put_ipv6(struct buffer *buffer, const struct sock *sock, const struct endpoint *local)
{
        const int hops = LOCAL_HOPS, tclass = 0;
        const bool mapped = rule_address_is_mapped(&local->address);
        struct in6_pktinfo info = {.ipi6_ifindex = LOOPBACK_INTERFACE};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(local->port)};

        memcpy(&info.ipi6_addr, local->address.bytes, sizeof(info.ipi6_addr));
        in6.sin6_addr = info.ipi6_addr;
        if (is_on(sock, OPTION_RECVPKTINFO6))
                put(buffer, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
        if (!mapped && is_on(sock, OPTION_RECVHOPLIMIT6))
                put(buffer, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
        if (!mapped && is_on(sock, OPTION_RECVTCLASS6))
                put(buffer, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof(tclass));
        if (!mapped && is_on(sock, OPTION_RECVORIGDSTADDR6))
                put(buffer, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &in6, sizeof(in6));
        if (mapped)
                put_ipv4(buffer, sock, local);
}

void control_merge(const struct sock *sock, struct msghdr *kernel, struct msghdr *ret)
{
        struct buffer buffer = {.msg = ret, .size = ret->msg_control ? ret->msg_controllen : 0};
        const struct endpoint own = datagram_local(sock);
        const struct endpoint local = connection_local(&own, sock->family);
        const int saved = errno;

        ret->msg_flags = kernel->msg_flags & ~(MSG_CTRUNC | MSG_CMSG_CLOEXEC);
        control_discard(kernel);
        pass_on(&buffer, kernel);
        if (sock->family == AF_INET6)
                put_ipv6(&buffer, sock, &local);
        else
                put_ipv4(&buffer, sock, &local);
        ret->msg_controllen = buffer.used;
        errno = saved;
}
