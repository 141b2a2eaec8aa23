/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Remembers what was asked. See asked.h. */

#include <string.h>

#include "preload/asked.h"
#include "preload/bound-name.h"
#include "preload/pace.h"
#include "preload/peers.h"
#include "preload/tie.h"
#include "preload/words.h"

/* What comes from the name that the server has bound comes from the target, too. */
static void note_bound_name(const struct sock *sock, const union correspondent *target,
                            const struct endpoint *endpoint)
{
        struct target name;

        if (bound_name_of(&target->target, target->place, &name) && !bound_name_is_relative(&name))
                peers_note_target(&name, sock->family, endpoint);
}

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
        note_bound_name(sock, target, &endpoint);
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
 * An answer of the last target's, which is no target by its name. The name may be new, since the
 * last time that a server was there; and who is tied has no other correspondent.
 */
static bool is_of_last(int fd, const struct sock *sock, const struct target *source,
                       const union correspondent *last)
{
        struct target name;

        return (!bound_name_is_relative(source) &&
                bound_name_of(&last->target, last->place, &name) && target_equal(source, &name)) ||
               tie_is_to(fd, sock, source);
}

/* Paths in the directory of the last target, by the rule's name or the one that it is bound by. */
static bool is_beside(const union correspondent *last, const struct target *other)
{
        struct target name;

        return are_neighbours(&last->target, other) ||
               (bound_name_of(&last->target, last->place, &name) && are_neighbours(&name, other));
}

/* For who is heard by another name. Returns true. */
static bool heard_last(const struct target *source, const struct sock *sock,
                       const union correspondent *last, const struct endpoint *endpoint)
{
        if (!bound_name_is_relative(source))
                peers_note_target(source, sock->family, endpoint);
        pace_heard(peers_pace(last->place));
        return true;
}

/* As the target that the name belongs to. */
static bool find_target(const struct sock *sock, const struct target *source,
                        const union correspondent *last, struct endpoint *ret)
{
        struct peer_pace *pace;

        if (!peers_find_target(source, sock->family, ret, &pace))
                return false;

        pace_heard(pace);
        /* By the name that it is bound by: the target itself has another pace. */
        if (memcmp(&ret->address, &last->address, sizeof(ret->address)) == 0 &&
            ret->port == last->port)
                pace_heard(peers_pace(last->place));
        return true;
}

bool asked_find_source(int fd, const struct sock *sock, struct target *source, struct endpoint *ret)
{
        const struct datagram *datagram = datagram_of(sock);
        union correspondent last;
        bool is_last;

        if (!atomic_load_explicit(&datagram->has_sent, memory_order_relaxed) ||
            source->length <= sizeof(sa_family_t))
                return false;

        record_load(&datagram->last, last.words, RECORD_WORDS);
        ret->address = last.address;
        ret->port = (uint16_t)last.port;
        is_last = target_equal(source, &last.target);
        if ((is_last && pace_is_calm(datagram)) || find_target(sock, source, &last, ret) || is_last)
                return true;
        if (is_of_last(fd, sock, source, &last))
                return heard_last(source, sock, &last, ret);
        if (!datagram->automatic || !is_beside(&last, source))
                return false;

        ret->port = peers_endpoint(peers_add(fd, source), sock->family, false).port;
        return true;
}

void asked_note_peer(int fd, const struct sock *sock, const struct target *peer)
{
        struct datagram *datagram = datagram_of(sock);
        union correspondent last;

        tie_loosen(fd, sock, peer);
        if (!atomic_load_explicit(&datagram->automatic, memory_order_relaxed))
                return;
        record_load(&datagram->last, last.words, RECORD_WORDS);
        if (last.state == CORRESPONDENT_NONE || !is_beside(&last, peer))
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
               ret->length > 0 && is_beside(&last, ret);
}
