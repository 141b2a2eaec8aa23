/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of peers, without a lock. See peer-table.h. */

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "preload/kernel.h"
#include "preload/peer-table.h"

/* Fewer peers than that are of no use. */
#define PLACES_LEAST (PEERS_MAX / 64)

struct peers *peers_table;
uint32_t peers_mask;

struct peers *peer_table(void)
{
        return __atomic_load_n(&peers_table, __ATOMIC_ACQUIRE);
}

static size_t size_of(uint32_t places)
{
        return offsetof(struct peers, peers) + places * sizeof(struct peer);
}

/* NULL without memory. */
static struct peers *map(uint32_t places)
{
        void *mapped = mmap(NULL, size_of(places), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        return mapped == MAP_FAILED ? NULL : mapped;
}

/*
 * All of it counts at once for a process that has locked its memory, also what is to come
 * (mlockall(2)), where systemd allows 8 MiB (LimitMEMLOCK=), and for one of which LimitAS= says how
 * large it may be. Then there is a smaller one.
 */
static struct peers *map_largest(void)
{
        for (uint32_t places = PEERS_MAX; places >= PLACES_LEAST; places /= 4) {
                struct peers *peers = map(places);
                uint32_t mask = 0;

                if (!peers)
                        continue;
                if (__atomic_compare_exchange_n(&peers_mask, &mask, places - 1, false,
                                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
                    mask == places - 1)
                        return peers;
                /* Another thread was faster, and has found it as large as that. */
                (void)kernel_munmap(peers, size_of(places));
                return map(mask + 1);
        }

        return NULL;
}

int peers_open(void)
{
        struct peers *peers, *nothing = NULL;

        if (peer_table())
                return 0;

        peers = map_largest();
        if (!peers)
                return -ENOBUFS;

        (void)!kernel_getrandom(&peers->seed, sizeof(peers->seed), GRND_NONBLOCK);
        peers->first_port = (uint32_t)(peers->seed >> 32) % PEER_PORTS;
        peers->fresh = PEER_NOBODY + 1;
        peers->hand = PEER_NOBODY + 1;
        if (!__atomic_compare_exchange_n(&peers_table, &nothing, peers, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE))
                (void)kernel_munmap(peers, size_of(peer_mask() + 1));
        return 0;
}

size_t peer_words(const struct target *name, uint64_t ret[static PEER_WORDS])
{
        const size_t n = (name->length + 7) / 8;

        ret[n - 1] = 0;
        memcpy(ret, &name->address, name->length);
        return n;
}

/* Senders choose their names, and must not be able to make long chains: the seed is secret. */
uint32_t peer_hash(const struct peers *peers, const uint64_t *words, size_t n)
{
        uint64_t h = peers->seed;

        for (size_t i = 0; i < n; i++) {
                const __uint128_t product =
                        (__uint128_t)(words[i] ^ h) * UINT64_C(0x9e3779b97f4a7c15);

                h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ (peers->seed << 1);
        }

        return (uint32_t)(h ^ h >> 32) % PEER_HEADS;
}

/* The lines that it goes on in are on their way while the first is looked at. */
static void fetch(const struct peer *peer, size_t n)
{
        __builtin_prefetch(peer, 1);
        if (n > 1)
                __builtin_prefetch(&peer->name[1]);
        if (n > 9)
                __builtin_prefetch(&peer->name[9]);
}

static bool has_name(const struct peer *peer, const uint64_t *words, size_t n, size_t length)
{
        const uint32_t version = peer_begin(peer);

        if (atomic_load_explicit(&peer->length, memory_order_acquire) != length)
                return false;
        for (size_t i = 0; i < n; i++)
                if (atomic_load_explicit(&peer->name[i], memory_order_acquire) != words[i])
                        return false;

        return peer_is_unchanged(peer, version);
}

uint32_t peer_find_name(const struct peers *peers, uint32_t head, const uint64_t *words, size_t n,
                        size_t length)
{
        uint32_t i = atomic_load_explicit(&peers->heads[head], memory_order_acquire);

        for (int step = 0; i != PEER_NOBODY && step < PEER_STEPS; step++) {
                fetch(peer_at(peers, i), n);
                if (has_name(peer_at(peers, i), words, n, length))
                        return i & peer_mask();
                i = atomic_load_explicit(&peer_at(peers, i)->next, memory_order_acquire);
        }

        return PEER_NOBODY;
}
