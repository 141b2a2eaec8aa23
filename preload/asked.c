/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Remembers what was asked. See asked.h. */

#include <string.h>

#include "preload/asked.h"
#include "preload/pace.h"
#include "preload/peers.h"
#include "preload/tie.h"
#include "preload/words.h"

void asked_note(const struct sock *sock, union correspondent *target)
{
        struct datagram *datagram = datagram_of(sock);
        const struct endpoint endpoint = {target->address, (uint16_t)target->port};
        union correspondent last;

        record_load(&datagram->last, last.words, RECORD_WORDS);
        target->place = last.place;
        if (memcmp(last.words, target->words, sizeof(last.words)) == 0)
                return;

        target->place =
                (uint32_t)(peers_note_target(&target->target, sock->family, &endpoint) % PEERS_MAX);
        (void)record_store(&datagram->last, target->words);
        atomic_store(&datagram->has_sent, true);
}

/* Paths in one directory. */
static bool are_neighbours(const struct target *a, const struct target *b)
{
        const char *path = a->address.sun_path, *slash;
        size_t length;

        if (!target_is_file(a) || !target_is_file(b))
                return false;

        slash = word_last(path, '/');
        length = (size_t)(slash - path) + 1;
        slash = word_last(b->address.sun_path, '/');
        return (size_t)(slash - b->address.sun_path) + 1 == length &&
               memcmp(path, b->address.sun_path, length) == 0;
}

/*
 * Servers may have bound their socket by another path than the rule has: /var/run is a link to
 * /run, or they have a root directory of their own. Then it is the tie that shows who it is.
 */
static bool is_tied_to(int fd, const struct target *source)
{
        struct target peer;

        return target_of_peer(fd, &peer) && target_equal(source, &peer);
}

bool asked_find_source(int fd, const struct sock *sock, struct target *source, struct endpoint *ret)
{
        const struct datagram *datagram = datagram_of(sock);
        union correspondent last;
        struct peer_pace *pace;
        bool is_last;

        if (!atomic_load_explicit(&datagram->has_sent, memory_order_relaxed) ||
            source->length <= sizeof(sa_family_t))
                return false;

        record_load(&datagram->last, last.words, RECORD_WORDS);
        ret->address = last.address;
        ret->port = (uint16_t)last.port;
        is_last = target_equal(source, &last.target);
        if (is_last && pace_is_calm(datagram))
                return true;
        if (peers_find_target(source, sock->family, ret, &pace)) {
                pace_heard(pace);
                return true;
        }
        if (is_last)
                return true;
        if (is_tied_to(fd, source)) {
                peers_note_target(source, sock->family, ret);
                return true;
        }
        if (!datagram->automatic || !are_neighbours(&last.target, source))
                return false;

        ret->port = peers_endpoint(peers_add(fd, source), sock->family, false).port;
        return true;
}

void asked_note_peer(int fd, const struct sock *sock, const struct target *peer)
{
        struct datagram *datagram = datagram_of(sock);
        union correspondent last;

        if (!atomic_load_explicit(&datagram->automatic, memory_order_relaxed))
                return;
        tie_loosen(fd, sock);
        record_load(&datagram->last, last.words, RECORD_WORDS);
        if (last.state == CORRESPONDENT_NONE || !are_neighbours(&last.target, peer))
                atomic_store(&datagram->automatic, false);
}

bool asked_find_other(const struct sock *sock, const struct endpoint *asked, struct target *ret,
                      uint64_t *ret_number)
{
        const struct datagram *datagram = datagram_of(sock);
        union correspondent last;

        if (!atomic_load_explicit(&datagram->has_sent, memory_order_relaxed))
                return false;

        record_load(&datagram->last, last.words, RECORD_WORDS);
        return memcmp(&last.address, &asked->address, sizeof(last.address)) == 0 &&
               asked->port != last.port && peers_find_port(asked->port, ret, ret_number) &&
               ret->length > 0 && are_neighbours(&last.target, ret);
}
