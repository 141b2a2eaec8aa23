/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds who is at an address. See datagram-find.h. */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "preload/asked.h"
#include "preload/claim.h"
#include "preload/datagram-client.h"
#include "preload/datagram-find.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/peers.h"
#include "preload/process.h"
#include "preload/rule-set.h"
#include "preload/serve.h"

/* So often it is looked what the socket is, of which other threads make others. */
#define TRIES 100

/* By a rule. Returns 1, 0 for none, or a negative errno. */
static int find_by_rule(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4,
                        struct target *ret)
{
        struct rule_query query;
        const struct rule *rule = rule_set_match(RULE_OUT, inet, asked, is_ipv4, &query);
        int r;

        if (!rule || rule->action == RULE_INET)
                return 0;
        if (rule->action == RULE_REJECT)
                return rule_set_reject(rule, &query);

        r = target_expand(rule, &query, ret);
        return r < 0 ? r : 1;
}

static void fill_in(union correspondent *ret, const struct endpoint *asked)
{
        ret->state = ret->target.length > 0 ? CORRESPONDENT_SOCKET : CORRESPONDENT_NAMELESS;
        ret->address = asked->address;
        ret->port = asked->port;
}

/* A rule that names the port knows better than the table whose it is. */
static bool names_port(const struct rule *rule)
{
        return rule->port_first != 0 || rule->port_last != UINT16_MAX;
}

/* A rule that leads an address elsewhere, or says to leave just that one alone. */
static bool has_a_say(const struct rule *rule)
{
        return names_port(rule) || rule->action == RULE_PATH || rule->action == RULE_ABSTRACT ||
               rule->action == RULE_INET;
}

/* The rule about an address, also when it says to ignore it. NULL: none. */
static const struct rule *find_rule(const struct inet_socket *inet, const struct endpoint *asked,
                                    bool is_ipv4)
{
        return rule_set.names_out ? rule_set_find(RULE_OUT, inet, asked, is_ipv4) : NULL;
}

/* Has the kernel a UDP socket there? The port of this one, if it has any, is not asked about. */
static bool is_of_kernel(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4)
{
        const sa_family_t family = is_ipv4 ? AF_INET : AF_INET6;
        const int saved = errno;
        struct endpoint buf;
        const struct endpoint *own = inet_socket_local(inet, &buf);
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);
        bool taken;
        int fd;

        if (own && own->port == asked->port)
                return false;
        /* Without IP there are no such sockets. */
        fd = kernel_socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
                errno = saved;
                return false;
        }

        endpoint_write(asked, family, (struct sockaddr *)&addr, &length);
        taken = kernel_bind(fd, &addr, length) < 0 && errno == EADDRINUSE;
        kernel_close(fd);
        errno = saved;
        return taken;
}

/* The same for a client, once for each peer that it sends to in turn. */
static bool is_checked_client(const struct inet_socket *inet, const struct endpoint *asked,
                              bool is_ipv4, uint64_t number)
{
        struct datagram *datagram = datagram_of(inet->sock);

        if (atomic_load_explicit(&datagram->checked, memory_order_relaxed) == number)
                return true;
        if (is_of_kernel(inet, asked, is_ipv4))
                return false;
        atomic_store_explicit(&datagram->checked, number, memory_order_relaxed);
        return true;
}

bool datagram_find_peer(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4,
                        struct target *ret, uint64_t *ret_number)
{
        const struct rule *rule;

        if (!peers_find(asked, ret, ret_number))
                return false;

        rule = find_rule(inet, asked, is_ipv4);
        if (rule && (atomic_load_explicit(&datagram_of(inet->sock)->asks, memory_order_relaxed)
                             ? has_a_say(rule)
                             : names_port(rule)))
                return false;

        return inet->sock->kind != SOCK_CLIENT ||
               is_checked_client(inet, asked, is_ipv4, *ret_number);
}

int datagram_find(int fd, const struct sock *sock, const struct endpoint *asked, bool is_ipv4,
                  union correspondent *ret, uint64_t *ret_number)
{
        const struct inet_socket inet = inet_socket_of(fd, sock_word(sock));
        int r;

        memset(ret, 0, sizeof(*ret));
        if (datagram_find_peer(&inet, asked, is_ipv4, &ret->target, ret_number) ||
            asked_find_other(sock, asked, &ret->target, ret_number)) {
                fill_in(ret, asked);
                asked_note_peer(fd, sock, &ret->target);
                return DATAGRAM_TO_PEER;
        }

        r = rule_set.concerns_out ? find_by_rule(&inet, asked, is_ipv4, &ret->target) : 0;
        if (r > 0) {
                fill_in(ret, asked);
                asked_note(sock, ret);
                *ret_number = ret->place;
                return DATAGRAM_TO_TARGET;
        }
        if (r == 0 && datagram_find_own(asked, sock->family, &ret->target)) {
                fill_in(ret, asked);
                asked_note_peer(fd, sock, &ret->target);
                *ret_number = PEER_NAMELESS;
                return DATAGRAM_TO_PEER;
        }
        return r;
}

/* Of a socket that a peer was heard by, another may be sent to it: TFTP's servers do that. */
static bool may_know_peers(const struct inet_socket *inet)
{
        return peers_exist() &&
               (inet->sock || WORD_KIND(inet->word) == WORD_INET || inet->word & WORD_ANY_PORT);
}

static bool find_peer(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4,
                      struct target *ret)
{
        const struct rule *rule;
        uint64_t number;

        if (!may_know_peers(inet) || !peers_find(asked, ret, &number))
                return false;

        rule = find_rule(inet, asked, is_ipv4);
        return !(rule && has_a_say(rule)) && !is_of_kernel(inet, asked, is_ipv4);
}

/* A rule has led it there, and does so also where a peer has the address. */
static void note_asks(int fd)
{
        const word w = table_hold(fd);
        const struct sock *sock = datagram_sock(w);

        if (sock)
                atomic_store(&datagram_of(sock)->asks, true);
        table_drop(w);
}

static bool has_kernel_peer(const struct inet_socket *inet)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);

        return !inet->sock && WORD_KIND(inet->word) != WORD_INET &&
               next.getpeername(inet->fd, (struct sockaddr *)&addr, &length) == 0;
}

static int convert_once(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4,
                        struct target *ret_aside)
{
        struct target target = {.length = offsetof(struct sockaddr_un, sun_path)};
        const bool serves = find_peer(inet, asked, is_ipv4, &target);
        int r;

        if (!serves) {
                r = rule_set.concerns_out ? find_by_rule(inet, asked, is_ipv4, &target) : 0;
                if (r <= 0)
                        return r;
        }
        if (ret_aside && has_kernel_peer(inet)) {
                *ret_aside = target;
                return DATAGRAM_GOES_ASIDE;
        }
        /* Its parent's records are all there are. */
        if (process_is_borrowed()) {
                log_message(LOG_ERR, "port ", LOG_NUMBER(asked->port),
                            ": cannot send in a child of vfork");
                return -EACCES;
        }

        r = serve_unbound(inet);
        if (r == 0)
                r = datagram_make_client(inet, &target, serves);
        if (r >= 0 && !serves)
                note_asks(inet->fd);
        return r < 0 ? r : DATAGRAM_IS_CONVERTED;
}

/* Other threads may be faster, that send for the first time as well, or elsewhere. */
int datagram_convert(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4,
                     struct target *ret_aside)
{
        struct inet_socket now = *inet;
        int r, tries = 0;

        do {
                r = convert_once(&now, asked, is_ipv4, ret_aside);
                if (r >= 0)
                        return r;
                claim_await(inet->fd);
                if (datagram_sock(table_get(inet->fd)))
                        return DATAGRAM_IS_CONVERTED;
        } while (r == -EBADF && ++tries < TRIES && inet_socket_find(inet->fd, &now));
        return datagram_sock(table_get(inet->fd)) ? DATAGRAM_IS_CONVERTED : r;
}
