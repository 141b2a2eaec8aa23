/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tracks accepted connections. See connection.h. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "preload/connection.h"
#include "preload/next.h"
#include "preload/option.h"
#include "preload/process.h"
#include "preload/table.h"
#include "rules/address.h"

/*
 * IPv4 has room for the low 24 bits of the user and the low 16 of the process: 127.U.U.U port P.
 * IPv6 has room for all of both, behind a prefix of a unique local address (RFC 4193) that spells
 * the name of the product.
 */
static struct endpoint credentials_endpoint(const struct ucred *cred, bool ipv4, uint16_t port)
{
        static const uint8_t prefix[8] = {0xfd, 'i', 'p', '2', 'u', 'n', 'i', 'x'};
        struct endpoint endpoint = {.port = port};

        if (ipv4) {
                const uint32_t in = htonl(UINT32_C(127) << 24 | (cred->uid & 0xffffff));

                endpoint.address = rule_address_from_ipv4(&in);
                endpoint.port = (uint16_t)cred->pid;
        } else {
                const uint32_t words[2] = {htonl(cred->uid), htonl((uint32_t)cred->pid)};

                memcpy(endpoint.address.bytes, prefix, sizeof(prefix));
                memcpy(endpoint.address.bytes + sizeof(prefix), words, sizeof(words));
        }

        return endpoint;
}

struct endpoint connection_peer(int fd, const struct sock *sock, uint16_t port)
{
        struct ucred cred;
        socklen_t length = sizeof(cred);

        if (sock->peer_credentials &&
            next.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) == 0)
                return credentials_endpoint(&cred, rule_address_is_mapped(&sock->local.address),
                                            port);

        return endpoint_opposite(&sock->local, sock->family, port);
}

struct endpoint connection_local(const struct endpoint *listener, sa_family_t family)
{
        return endpoint_is_wildcard(listener, family)
                       ? endpoint_opposite(listener, family, listener->port)
                       : *listener;
}

int connection_track(int fd, word w, uint16_t port)
{
        const struct sock *listener = sock_at(WORD_INDEX(w));
        word flags = 0;
        int r;

        r = table_reserve(fd);
        if (r < 0)
                return r;

        if (listener->options.value[OPTION_NODELAY])
                flags |= WORD_NODELAY;
        if (listener->options.value[OPTION_CORK])
                flags |= WORD_CORK;
        table_put(fd, WORD_ACCEPTED_MAKE(listener->index, flags, port));
        return 0;
}

static struct sock *promote(const struct sock *listener, word w)
{
        struct sock *sock;

        sock = sock_new();
        if (!sock)
                return NULL;

        sock->kind = SOCK_CONNECTION;
        sock->family = listener->family;
        sock->type = SOCK_STREAM;
        sock->protocol = listener->protocol;
        sock->peer_credentials = listener->peer_credentials;
        sock->stamped = w & WORD_STAMPED;
        sock->local = listener->local;
        sock->peer.port = WORD_PEER_PORT(w);
        sock->options = listener->options;
        sock->options.value[OPTION_NODELAY] = w & WORD_NODELAY ? 1 : 0;
        sock->options.value[OPTION_CORK] = w & WORD_CORK ? 1 : 0;
        return sock;
}

word connection_promote(int fd)
{
        for (;;) {
                const word w = table_hold(fd);
                struct sock *sock;

                if (WORD_KIND(w) != WORD_ACCEPTED || process_is_borrowed())
                        return w;
                sock = promote(sock_at(WORD_INDEX(w)), w);
                if (!sock)
                        return w;

                if (!table_replace(fd, w, sock_word(sock))) {
                        sock_unref(sock);
                        table_drop(w);
                        continue;
                }

                /* The word's reference to the listener, and ours. */
                table_drop(w);
                table_drop(w);
        }
}
