/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The pool of sockets. See sock.h.
 *
 * Free objects form a stack. Its head holds a count beside the index, so that a thread that was
 * stopped between reading the head and exchanging it can't mistake a head that came back (ABA).
 */

#include <stddef.h>
#include <string.h>

#include "preload/activation.h"
#include "preload/memory.h"
#include "preload/port.h"
#include "preload/sock.h"

#define CHUNK_SHIFT 6
#define CHUNK_SIZE  (1U << CHUNK_SHIFT)
#define CHUNKS      16384 /* a million sockets; accepted connections do not count */
#define NOTHING     UINT32_MAX

static struct sock **chunks;   /* CHUNKS of them, each mapped when it is needed */
static _Atomic uint32_t fresh; /* index of the first object that was never used */
static _Atomic uint64_t free_head = NOTHING;

struct sock *sock_at(uint32_t index)
{
        struct sock **found = __atomic_load_n(&chunks, __ATOMIC_ACQUIRE);

        return __atomic_load_n(&found[index >> CHUNK_SHIFT], __ATOMIC_ACQUIRE) +
               (index & (CHUNK_SIZE - 1));
}

static struct sock *pop_free(void)
{
        uint64_t head = atomic_load(&free_head);

        while ((uint32_t)head != NOTHING) {
                struct sock *sock = sock_at((uint32_t)head);
                const uint32_t below = __atomic_load_n(&sock->next_free, __ATOMIC_RELAXED);
                const uint64_t replacement = ((head >> 32) + 1) << 32 | below;

                if (atomic_compare_exchange_weak(&free_head, &head, replacement))
                        return sock;
        }

        return NULL;
}

static void push_free(struct sock *sock)
{
        uint64_t head = atomic_load(&free_head), replacement;

        do {
                __atomic_store_n(&sock->next_free, (uint32_t)head, __ATOMIC_RELAXED);
                replacement = ((head >> 32) + 1) << 32 | sock->index;
        } while (!atomic_compare_exchange_weak(&free_head, &head, replacement));
}

static struct sock *find_chunk(uint32_t index)
{
        struct sock **found = memory_share((void **)&chunks, CHUNKS * sizeof(*found));

        return found ? memory_share((void **)&found[index >> CHUNK_SHIFT],
                                    CHUNK_SIZE * sizeof(struct sock))
                     : NULL;
}

static struct sock *take_fresh(void)
{
        uint32_t index = atomic_load(&fresh);
        struct sock *chunk;

        do {
                if (index >= CHUNKS * CHUNK_SIZE)
                        return NULL;

                chunk = find_chunk(index);
                if (!chunk)
                        return NULL;
        } while (!atomic_compare_exchange_weak(&fresh, &index, index + 1));

        chunk[index & (CHUNK_SIZE - 1)].index = index;
        return &chunk[index & (CHUNK_SIZE - 1)];
}

struct sock *sock_new(void)
{
        struct sock *sock;

        sock = pop_free();
        if (!sock)
                sock = take_fresh();
        if (!sock)
                return NULL;

        /* The counters, the index and the link stay as they are: other threads may look at them. */
        memset(&sock->kind, 0, sizeof(*sock) - offsetof(struct sock, kind));
        sock->kept = -1;
        atomic_store(&sock->claimed_by, 0);
        atomic_store(&sock->open, 1);
        atomic_store(&sock->refs, 1);
        return sock;
}

void sock_ref(struct sock *sock)
{
        atomic_fetch_add(&sock->refs, 1);
}

static bool increment_unless_zero(_Atomic uint32_t *counter)
{
        uint32_t n = atomic_load(counter);

        do {
                if (n == 0)
                        return false;
        } while (!atomic_compare_exchange_weak(counter, &n, n + 1));

        return true;
}

bool sock_try_ref(struct sock *sock)
{
        return increment_unless_zero(&sock->refs);
}

void sock_unref(struct sock *sock)
{
        if (atomic_fetch_sub(&sock->refs, 1) != 1)
                return;

        if (sock->owns_port)
                port_give_back(sock->local.port);
        push_free(sock);
}

bool sock_try_open(struct sock *sock)
{
        return increment_unless_zero(&sock->open);
}

void sock_closed(struct sock *sock)
{
        if (atomic_fetch_sub(&sock->open, 1) == 1 && sock->kept >= 0)
                activation_release(sock->kept);
}

void unix_name_set(struct unix_name *name, const struct sockaddr *addr, socklen_t length)
{
        const size_t size = length - offsetof(struct sockaddr_un, sun_path);

        name->length = (uint8_t)(size < sizeof(name->path) ? size : sizeof(name->path));
        memcpy(name->path, ((const struct sockaddr_un *)addr)->sun_path, name->length);
}
