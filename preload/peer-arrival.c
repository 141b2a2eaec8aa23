/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who is new among the peers, and who is forgotten for it. See peer-table.h. All of this happens
 * under the lock.
 */

#include <errno.h>
#include <string.h>

#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/pace.h"
#include "preload/peer-table.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/*
 * The lock is held for microseconds, and for as long as a busy machine does not let its holder go
 * on. How long it is waited for in milliseconds until somebody asks whether he lives; and who holds
 * it for longer than the second does not, or is stopped.
 */
#define PATIENCE     50
#define HOLD_LONGEST 1000

/*
 * A socket that can't be asked is taken for closed when nothing was heard of it, nor sent to it,
 * for so long or up to twice as long, in milliseconds: as a network's address translation has it
 * (RFC 4787, REQ-5).
 */
#define IDLE 300000

/* The lock. Its holder handles no signals, so that he is not delayed and does not come twice. */

static void start_again(struct peers *peers)
{
        for (size_t i = 0; i < PEER_HEADS; i++)
                atomic_store_explicit(&peers->heads[i], PEER_NOBODY, memory_order_relaxed);
        for (size_t i = 0; i <= peer_mask() && i < atomic_load(&peers->fresh); i++) {
                struct peer *peer = &peers->peers[i];

                atomic_store_explicit(&peer->length, 0, memory_order_relaxed);
                /* They may be alive, and answered yet. */
                atomic_fetch_add_explicit(&peer->generation, 1, memory_order_relaxed);
                /* Odd where he was writing: nobody would be found there any more. */
                atomic_fetch_and_explicit(&peer->version, ~UINT32_C(1), memory_order_relaxed);
        }
        peers->newest = peers->oldest = PEER_NOBODY;
        peers->hand = PEER_NOBODY + 1;
        atomic_store(&peers->fresh, PEER_NOBODY + 1);
}

/* Who takes the lock now. Never 0, and of two takings by one process never the same for long. */
static uint64_t token(void)
{
        return (uint64_t)kernel_milliseconds() << 32 | (uint32_t)getpid();
}

static bool try_take(struct peers *peers, uint64_t own, uint64_t *ret_holder)
{
        *ret_holder = 0;
        return atomic_compare_exchange_strong_explicit(&peers->holder, ret_holder, own,
                                                       memory_order_acquire, memory_order_relaxed);
}

/*
 * Has he been killed? kill(2) says so at once, unless his parent has not waited for him yet, his
 * number is another's by now or one of another namespace. Nobody holds the lock for so long.
 */
static bool is_lost(uint64_t holder)
{
        const uint32_t for_long = (uint32_t)kernel_milliseconds() - (uint32_t)(holder >> 32);

        return for_long > HOLD_LONGEST ||
               (kernel_kill((int32_t)(uint32_t)holder, 0) < 0 && errno == ESRCH);
}

/* Who was killed while he held it leaves everything undone: all are forgotten. */
static bool inherit(struct peers *peers, uint64_t dead, uint64_t own)
{
        if (dead == 0 || !is_lost(dead) ||
            !atomic_compare_exchange_strong(&peers->holder, &dead, own))
                return false;

        start_again(peers);
        return true;
}

/* Returns the token to be given back, or 0. */
static uint64_t take_lock(struct peers *peers, uint64_t *ret_signals)
{
        uint64_t own = token(), holder;

        kernel_block_all_signals(ret_signals);
        for (int i = 0; i < 100; i++) {
                if (try_take(peers, own, &holder))
                        return own;
                kernel_yield();
        }
        for (int i = 0; i < 2 * HOLD_LONGEST; i++) {
                kernel_sleep_millisecond();
                own = token();
                if (try_take(peers, own, &holder) || (i >= PATIENCE && inherit(peers, holder, own)))
                        return own;
        }

        (void)kernel_block_signals(SIG_SETMASK, ret_signals, NULL);
        return 0;
}

/* Unless somebody has taken it from us meanwhile. */
static void give_lock(struct peers *peers, uint64_t own, const uint64_t *signals)
{
        (void)atomic_compare_exchange_strong_explicit(&peers->holder, &own, 0, memory_order_release,
                                                      memory_order_relaxed);
        (void)kernel_block_signals(SIG_SETMASK, signals, NULL);
}

/* The list of all, from the newest to the oldest. From here on everything is under the lock. */

static void list(struct peers *peers, uint32_t i)
{
        struct peer *peer = &peers->peers[i];

        peer->listed = atomic_load_explicit(&peer->used, memory_order_relaxed);
        peer->newer = PEER_NOBODY;
        peer->older = peers->newest;
        if (peers->newest != PEER_NOBODY)
                peer_at(peers, peers->newest)->newer = i;
        else
                peers->oldest = i;
        peers->newest = i;
}

static void unlist(struct peers *peers, uint32_t i)
{
        const struct peer *peer = &peers->peers[i];

        if (peer->newer != PEER_NOBODY)
                peer_at(peers, peer->newer)->older = peer->older;
        else
                peers->newest = peer->older;
        if (peer->older != PEER_NOBODY)
                peer_at(peers, peer->older)->newer = peer->newer;
        else
                peers->oldest = peer->newer;
}

static void unchain(struct peers *peers, uint32_t i)
{
        _Atomic uint32_t *place = &peers->heads[peers->peers[i].head % PEER_HEADS];

        for (int step = 0; step < PEERS_MAX; step++) {
                const uint32_t at = atomic_load_explicit(place, memory_order_relaxed);

                if (at == PEER_NOBODY)
                        return;
                if (at == i) {
                        atomic_store_explicit(
                                place,
                                atomic_load_explicit(&peers->peers[i].next, memory_order_relaxed),
                                memory_order_release);
                        return;
                }
                place = &peer_at(peers, at)->next;
        }
}

static void forget(struct peers *peers, uint32_t i, bool is_dead)
{
        struct peer *peer = &peers->peers[i];

        unlist(peers, i);
        unchain(peers, i);
        /* Never back: one of those before may be alive, and have his address yet. */
        if (!is_dead)
                atomic_fetch_add_explicit(&peer->generation, 1, memory_order_relaxed);
}

/* A socket of another network namespace can't find the abstract names that fd's finds. */
static bool sees_the_same(int fd, int other)
{
        uint64_t a = 0, b = 0;
        socklen_t length = sizeof(a);

        if (next.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &a, &length) < 0)
                return false;
        length = sizeof(b);
        return next.getsockopt(other, SOL_SOCKET, SO_NETNS_COOKIE, &b, &length) == 0 && a == b;
}

/* Has it been used within the last IDLE milliseconds, or somewhat longer ago? */
static bool is_recent(const struct peers *peers, const struct peer *peer)
{
        return (int32_t)(atomic_load_explicit(&peer->used, memory_order_relaxed) -
                         peers->long_before) > 0;
}

/* Is its socket closed? Without an answer, those count as such that have been silent for long. */
static bool is_closed(const struct peers *peers, uint32_t i, int fd)
{
        const struct peer *peer = &peers->peers[i];
        const size_t length = atomic_load_explicit(&peer->length, memory_order_relaxed);
        uint64_t name[PEER_WORDS];
        struct target target = {.length = (socklen_t)length};
        bool closed;
        int asking;

        for (size_t j = 0; j < PEER_WORDS; j++)
                name[j] = atomic_load_explicit(&peer->name[j], memory_order_relaxed);
        memcpy(&target.address, name, sizeof(target.address));
        target.address.sun_family = AF_UNIX;

        asking = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (asking < 0)
                return !is_recent(peers, peer);
        if (target.address.sun_path[0] == 0 && !sees_the_same(fd, asking))
                closed = !is_recent(peers, peer);
        else
                closed = kernel_connect(asking, &target.address, target.length) < 0 &&
                         (errno == ECONNREFUSED || errno == ENOENT);
        kernel_close(asking);
        return closed;
}

/* A place of the loopback address whose socket is closed, or PEER_NOBODY. */
static uint32_t find_closed(struct peers *peers, int fd)
{
        const uint32_t local = peer_local_places();

        for (int i = 0; i < 2; i++) {
                const uint32_t at = peers->hand % local;

                peers->hand = at + 1 < local ? at + 1 : PEER_NOBODY + 1;
                if (is_closed(peers, at, fd))
                        return at;
        }

        return PEER_NOBODY;
}

/* How many arrivals ago was it used? */
static uint32_t age_of(const struct peers *peers, uint32_t i)
{
        return atomic_load_explicit(&peers->arrivals, memory_order_relaxed) -
               atomic_load_explicit(&peers->peers[i].used, memory_order_relaxed);
}

static bool is_used_since(const struct peer *peer)
{
        return atomic_load_explicit(&peer->used, memory_order_relaxed) != peer->listed;
}

/* Those that were used since they were listed go to the front, but for the oldest. */
static void put_in_order(struct peers *peers, uint32_t oldest, uint32_t age)
{
        uint32_t i = peers->oldest & peer_mask();

        for (int step = 0; i != PEER_NOBODY && step < PEER_STEPS; step++) {
                const uint32_t newer = peers->peers[i].newer & peer_mask();

                if (i != oldest && is_used_since(&peers->peers[i]) && age_of(peers, i) < age) {
                        unlist(peers, i);
                        list(peers, i);
                }
                i = newer;
        }
}

/*
 * The least recently used. A use does not move a peer in the list, so that some of the last have to
 * be looked at: up to the first that was not used since.
 */
static uint32_t find_oldest(struct peers *peers)
{
        uint32_t i = peers->oldest & peer_mask(), oldest = i, age = age_of(peers, i);

        for (int step = 0; i != PEER_NOBODY && step < PEER_STEPS; step++) {
                if (age_of(peers, i) > age) {
                        oldest = i;
                        age = age_of(peers, i);
                }
                if (!is_used_since(&peers->peers[i]))
                        break;
                i = peers->peers[i].newer & peer_mask();
        }

        put_in_order(peers, oldest, age);
        return oldest;
}

static uint32_t take_place(struct peers *peers, int fd)
{
        const uint32_t fresh = atomic_load_explicit(&peers->fresh, memory_order_relaxed);
        uint32_t i = fresh < peer_local_places() ? PEER_NOBODY : find_closed(peers, fd);

        if (i != PEER_NOBODY) {
                forget(peers, i, true);
                return i;
        }
        if (fresh <= peer_mask()) {
                atomic_store_explicit(&peers->fresh, fresh + 1, memory_order_release);
                return fresh;
        }

        i = find_oldest(peers);
        forget(peers, i, is_closed(peers, i, fd));
        return i;
}

static void note_time(struct peers *peers)
{
        const uint32_t now = atomic_load_explicit(&peers->arrivals, memory_order_relaxed);
        const int64_t milliseconds = now % 64 == 0 ? kernel_milliseconds() : 0;

        if (milliseconds - peers->noted < IDLE)
                return;
        peers->noted = milliseconds;
        peers->long_before = peers->before;
        peers->before = now;
}

static uint32_t add(struct peers *peers, int fd, uint32_t head, const uint64_t *words, size_t n,
                    size_t length)
{
        const uint32_t arrival =
                atomic_fetch_add_explicit(&peers->arrivals, 1, memory_order_relaxed) + 1;
        struct peer *peer;
        uint32_t i;

        note_time(peers);
        i = take_place(peers, fd);
        peer = &peers->peers[i];

        atomic_fetch_add_explicit(&peer->version, 1, memory_order_relaxed);
        for (size_t j = 0; j < n; j++)
                atomic_store_explicit(&peer->name[j], words[j], memory_order_release);
        atomic_store_explicit(&peer->has_endpoint, false, memory_order_release);
        atomic_store_explicit(&peer->length, (uint32_t)length, memory_order_release);
        atomic_store_explicit(&peer->used, arrival, memory_order_release);
        pace_forget(&peer->pace);
        atomic_fetch_add_explicit(&peer->version, 1, memory_order_release);

        peer->head = head;
        atomic_store_explicit(&peer->next,
                              atomic_load_explicit(&peers->heads[head], memory_order_relaxed),
                              memory_order_release);
        atomic_store_explicit(&peers->heads[head], i, memory_order_release);
        list(peers, i);
        return i;
}

uint32_t peer_find_or_add(struct peers *peers, int fd, uint32_t head, const uint64_t *words,
                          size_t n, size_t length)
{
        const int saved = errno;
        uint64_t signals, lock;
        uint32_t i;

        lock = take_lock(peers, &signals);
        if (lock == 0) {
                errno = saved;
                return PEER_NOBODY;
        }
        /* Another thread was faster, or a change elsewhere in the chain has led us astray. */
        i = peer_find_name(peers, head, words, n, length);
        if (i == PEER_NOBODY)
                i = add(peers, fd, head, words, n, length);
        give_lock(peers, lock, &signals);
        errno = saved;
        return i;
}
