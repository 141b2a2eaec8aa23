/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * socket(2), socketpair(2): notes which descriptors are IP sockets, and stands in for those that
 * the kernel refuses to make.
 */

#include <netinet/in.h>

#include "preload/hook.h"
#include "preload/rule-set.h"
#include "preload/sock.h"
#include "preload/waking.h"
#include "rules/address.h"

#define TYPE_MASK 0xf /* the rest is SOCK_CLOEXEC, SOCK_NONBLOCK: socket(2) */

/* The protocol that 0 stands for. */
static int protocol_of(int type, int protocol)
{
        if (protocol != 0)
                return protocol;

        return type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

/* Can a rule ever apply? */
static bool is_ours(int domain, int type, int protocol)
{
        if (domain != AF_INET && domain != AF_INET6)
                return false;

        return type == SOCK_STREAM || (type == SOCK_DGRAM && protocol_has_datagrams(protocol));
}

static void track(int fd, int domain, int type, int protocol, unsigned forks)
{
        /* Without a word, bind(2) asks the kernel: nothing is lost. */
        if (table_reserve(fd) < 0)
                return;

        table_put(fd, word_inet(WORD_INET, domain, type, protocol, 0));
        if (type == SOCK_DGRAM)
                waking_note_made(fd, forks);
}

/*
 * RestrictAddressFamilies=AF_UNIX makes the kernel refuse IP sockets. The program gets a Unix
 * socket that looks like what it asked for. A rule may make something of it; it can't reach
 * anything by itself.
 */
static int stand_in(int domain, int type, int protocol)
{
        const unsigned forks = waking_forks;
        struct sock *sock;
        int fd, r;

        /* A machine without IPv6 refuses it as well, and programs know how to live with IPv4. */
        if (domain == AF_INET6) {
                fd = next.socket(AF_INET, type, protocol);
                if (fd >= 0)
                        next.close(fd);
                if (fd >= 0)
                        return -EAFNOSUPPORT;
        }

        fd = next.socket(AF_UNIX, type, 0);
        if (fd < 0)
                return -EAFNOSUPPORT;

        r = table_reserve(fd);
        sock = r < 0 ? NULL : sock_new();
        if (!sock) {
                next.close(fd);
                return r < 0 ? r : -ENOBUFS;
        }

        sock->kind = SOCK_STANDIN;
        sock->family = (sa_family_t)domain;
        sock->type = type & TYPE_MASK;
        sock->protocol = protocol;
        if (domain == AF_INET)
                sock->local.address = rule_address_from_ipv4(&(struct in_addr){INADDR_ANY});
        option_defaults(&sock->options);
        table_put(fd, sock_word(sock));
        if (sock->type == SOCK_DGRAM)
                waking_note_made(fd, forks);
        return fd;
}

HOOK int socket(int domain, int type, int protocol)
{
        const int saved = errno;
        const int base = type & TYPE_MASK;
        const int wanted = protocol_of(base, protocol);
        const unsigned forks = waking_forks;
        int fd;

        next_need_sockets();
        fd = next.socket(domain, type, protocol);
        if (fd < 0 && errno == EAFNOSUPPORT && rule_set.loaded && is_ours(domain, base, wanted)) {
                fd = hook_result(stand_in(domain, type, wanted));
                if (fd >= 0)
                        errno = saved;
                return fd;
        }
        if (fd < 0)
                return fd;

        if (rule_set.loaded && is_ours(domain, base, wanted))
                track(fd, domain, base, wanted, forks);
        else
                table_forget(fd);
        errno = saved;
        return fd;
}

HOOK int socketpair(int domain, int type, int protocol, int fds[2])
{
        int r;

        next_need_sockets();
        r = next.socketpair(domain, type, protocol, fds);
        if (r == 0) {
                table_forget(fds[0]);
                table_forget(fds[1]);
        }
        return r;
}
