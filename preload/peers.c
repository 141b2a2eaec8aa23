/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Peers by their names, their numbers and their addresses. See peers.h. */

#include <netinet/in.h>
#include <string.h>

#include "preload/peer-table.h"
#include "rules/address.h"

static uint64_t peer_number(const struct peers *peers, uint32_t i)
{
        return (uint64_t)atomic_load_explicit(&peers->peers[i].generation, memory_order_relaxed) *
                       PEERS_MAX +
               i;
}

/* Order matters between arrivals alone: nobody is forgotten in between. */
static void peer_touch(struct peers *peers, uint32_t i)
{
        const uint32_t now = atomic_load_explicit(&peers->arrivals, memory_order_relaxed);

        if (atomic_load_explicit(&peers->peers[i].used, memory_order_relaxed) != now)
                atomic_store_explicit(&peers->peers[i].used, now, memory_order_relaxed);
}

static uint64_t add_nameless(struct peers *peers)
{
        if (peers && !atomic_load_explicit(&peers->nameless, memory_order_relaxed))
                atomic_store_explicit(&peers->nameless, true, memory_order_relaxed);
        return PEER_NAMELESS;
}

uint64_t peers_add(int fd, struct target *name)
{
        struct peers *peers = peer_table();
        uint64_t words[PEER_WORDS];
        uint32_t head, i;
        size_t n;

        if (!peers || name->length <= sizeof(sa_family_t))
                return add_nameless(peers);

        n = peer_words(name, words);
        head = peer_hash(peers, words, n);
        i = peer_find_name(peers, head, words, n, name->length);
        if (i == PEER_NOBODY)
                i = peer_find_or_add(peers, fd, head, words, n, name->length);
        if (i == PEER_NOBODY)
                return add_nameless(peers);

        peer_touch(peers, i);
        return peer_number(peers, i);
}

/* The name of a target has what it was asked as in the place of its family: AF_UNIX for peers. */
static void tag(struct target *target, sa_family_t family)
{
        target->address.sun_family = (sa_family_t)(0x100 | family);
}

static void set_endpoint(struct peers *peers, uint64_t number, const struct endpoint *endpoint)
{
        struct peer *peer = peer_at(peers, number);
        uint64_t words[PEER_ENDPOINT_WORDS] = {0};

        memcpy(words, endpoint, sizeof(*endpoint));
        for (size_t i = 0; i < PEER_ENDPOINT_WORDS; i++)
                atomic_store_explicit(&peer->endpoint[i], words[i], memory_order_relaxed);
        atomic_store_explicit(&peer->has_endpoint, true, memory_order_release);
}

/* Returns false when it has none, as most. */
static bool get_endpoint(const struct peers *peers, uint64_t number, struct endpoint *ret)
{
        const struct peer *peer = peer_at(peers, number);
        uint64_t words[PEER_ENDPOINT_WORDS];

        if (!atomic_load_explicit(&peer->has_endpoint, memory_order_acquire))
                return false;
        for (size_t i = 0; i < PEER_ENDPOINT_WORDS; i++)
                words[i] = atomic_load_explicit(&peer->endpoint[i], memory_order_relaxed);
        memcpy(ret, words, sizeof(*ret));
        return true;
}

void peers_note_own(const struct target *name, const struct endpoint *endpoint)
{
        struct target copy = *name;
        const uint64_t number = peers_add(-1, &copy);

        if (number != PEER_NAMELESS)
                set_endpoint(peer_table(), number, endpoint);
}

uint64_t peers_note_target(const struct target *target, sa_family_t family,
                           const struct endpoint *endpoint)
{
        struct target tagged = *target;
        uint64_t number;

        tag(&tagged, family);
        number = peers_add(-1, &tagged);
        if (number != PEER_NAMELESS)
                set_endpoint(peer_table(), number, endpoint);
        return number;
}

bool peers_find_target(const struct target *target, sa_family_t family, struct endpoint *ret,
                       struct peer_pace **ret_pace)
{
        struct peers *peers = peer_table();
        uint64_t name[PEER_WORDS];
        struct target tagged = *target;
        size_t n;
        uint32_t i;

        if (!peers)
                return false;
        tag(&tagged, family);
        n = peer_words(&tagged, name);
        i = peer_find_name(peers, peer_hash(peers, name, n), name, n, tagged.length);
        if (i == PEER_NOBODY || !get_endpoint(peers, i, ret))
                return false;

        peer_touch(peers, i);
        *ret_pace = &peers->peers[i].pace;
        return true;
}

/* Addresses. Those beyond the ports of the loopback address go on with the next address. */

static const uint8_t ipv6_prefix[8] = {0xfd, 0x69, 0x70, 0x32, 0x75, 0x6e, 0x69, 0x78};

/* A socket of ours has the address that it tells of itself, as far as the family has it. */
static bool get_own(const struct peers *peers, uint64_t number, sa_family_t family, bool mapped,
                    struct endpoint *ret)
{
        if (!peers || number == PEER_NAMELESS || !get_endpoint(peers, number, ret) ||
            ret->port == 0)
                return false;

        if (rule_address_is_mapped(&ret->address) != (family == AF_INET || mapped))
                *ret = endpoint_loopback(mapped ? AF_INET : family, ret->port);
        return true;
}

struct endpoint peers_endpoint(uint64_t number, sa_family_t family, bool mapped)
{
        const struct peers *peers = peer_table();
        const uint64_t address = number / PEER_PORTS;
        const uint32_t first = peers ? peers->first_port : 0;
        struct endpoint endpoint = {
                .port = (uint16_t)(PEER_PORT_FIRST + (number % PEER_PORTS + first) % PEER_PORTS),
        };
        struct endpoint own;

        if (get_own(peers, number, family, mapped, &own))
                return own;
        if (family == AF_INET || mapped) {
                const uint32_t in = htonl(INADDR_LOOPBACK + (uint32_t)(address % 0xfffffe));

                endpoint.address = rule_address_from_ipv4(&in);
        } else if (address == 0)
                endpoint.address = endpoint_loopback(AF_INET6, 0).address;
        else {
                memcpy(endpoint.address.bytes, ipv6_prefix, sizeof(ipv6_prefix));
                for (int i = 0; i < 8; i++)
                        endpoint.address.bytes[15 - i] = (uint8_t)(address >> 8 * i);
        }

        return endpoint;
}

/* Which address after the loopback address? Returns false when it is none of ours. */
static bool read_address(const struct rule_address *address, uint64_t *ret)
{
        uint64_t beyond = 0;

        if (rule_address_is_mapped(address)) {
                uint32_t in;

                memcpy(&in, address->bytes + 12, sizeof(in));
                in = ntohl(in);
                if (in >> 24 != 127 || in < INADDR_LOOPBACK)
                        return false;
                *ret = in - INADDR_LOOPBACK;
                return true;
        }
        if (memcmp(address, &(struct rule_address){{[15] = 1}}, sizeof(*address)) == 0) {
                *ret = 0;
                return true;
        }

        if (memcmp(address->bytes, ipv6_prefix, sizeof(ipv6_prefix)) != 0)
                return false;
        for (int i = 8; i < 16; i++)
                beyond = beyond << 8 | address->bytes[i];
        *ret = beyond;
        return beyond > 0 && beyond < UINT32_MAX;
}

static bool find_number(struct peers *peers, uint64_t number, struct target *ret)
{
        const uint32_t i = (uint32_t)(number % PEERS_MAX);
        struct peer *peer = peer_at(peers, i);
        const uint32_t version = peer_begin(peer);
        uint64_t name;
        size_t length;

        if (i > peer_mask())
                return false;
        if (i == PEER_NOBODY) {
                ret->length = 0;
                return number == PEER_NAMELESS &&
                       atomic_load_explicit(&peers->nameless, memory_order_relaxed);
        }

        length = atomic_load_explicit(&peer->length, memory_order_acquire);
        if (length == 0 || length > sizeof(ret->address) ||
            atomic_load_explicit(&peer->generation, memory_order_acquire) != number / PEERS_MAX)
                return false;
        /* Word by word, as they were loaded: a processor waits for stores that it reads in one. */
        for (size_t j = 0; j < (length + 7) / 8; j++) {
                name = atomic_load_explicit(&peer->name[j], memory_order_acquire);
                memcpy((char *)ret + j * sizeof(name), &name, sizeof(name));
        }
        if (!peer_is_unchanged(peer, version))
                return false;

        ret->address.sun_family = AF_UNIX;
        ret->length = (socklen_t)length;
        peer_touch(peers, i);
        return true;
}

static bool read_number(const struct peers *peers, const struct endpoint *endpoint, uint64_t *ret)
{
        uint64_t address;

        if (!peers || endpoint->port < PEER_PORT_FIRST ||
            endpoint->port >= PEER_PORT_FIRST + PEER_PORTS ||
            !read_address(&endpoint->address, &address))
                return false;

        *ret = address * PEER_PORTS +
               (endpoint->port - PEER_PORT_FIRST + PEER_PORTS - peers->first_port) % PEER_PORTS;
        return true;
}

bool peers_may_have(const struct endpoint *endpoint)
{
        uint64_t number;

        return read_number(peer_table(), endpoint, &number);
}

bool peers_find(const struct endpoint *endpoint, struct target *ret, uint64_t *ret_number)
{
        struct peers *peers = peer_table();

        return read_number(peers, endpoint, ret_number) && find_number(peers, *ret_number, ret);
}

bool peers_find_port(uint16_t port, struct target *ret, uint64_t *ret_number)
{
        const struct endpoint endpoint = endpoint_loopback(AF_INET, port);

        return peers_find(&endpoint, ret, ret_number);
}

struct peer_pace *peers_pace(uint64_t number)
{
        struct peers *peers = peer_table();
        const uint32_t i = (uint32_t)(number % PEERS_MAX);

        return peers && i != PEER_NOBODY ? &peer_at(peers, i)->pace : NULL;
}
