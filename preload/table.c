/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Maps blocks of words, and keeps the references that words hold. See table.h. */

#include <errno.h>

#include "preload/memory.h"
#include "preload/process.h"
#include "preload/sock.h"
#include "preload/table.h"
#include "preload/watch.h"

struct table *table;

int table_reserve(int fd)
{
        struct table *root;

        if ((unsigned)fd >= TABLE_MAX)
                return -EMFILE;

        root = memory_share((void **)&table, sizeof(*root));
        if (!root || !memory_share((void **)&root->blocks[fd >> TABLE_BLOCK_SHIFT],
                                   sizeof(struct table_block)))
                return -ENOMEM;

        return 0;
}

static bool holds_sock(word w)
{
        return WORD_KIND(w) == WORD_SOCK || WORD_KIND(w) == WORD_ACCEPTED;
}

void table_drop(word w)
{
        if (holds_sock(w))
                sock_unref(sock_at(WORD_INDEX(w)));
}

void table_release(int fd, word w)
{
        if (WORD_KIND(w) == WORD_SOCK) {
                struct sock *sock = sock_at(WORD_INDEX(w));

                if (atomic_load(&sock->watched))
                        (sock->passed ? watch_remove : watch_forget)(fd);
        } else if ((WORD_KIND(w) == WORD_INET || WORD_KIND(w) == WORD_PLAIN) && w & WORD_EPOLLED)
                (WORD_PROTOCOL(w) != 0 ? watch_forget : watch_forget_epoll)(fd);
        if (WORD_KIND(w) == WORD_SOCK)
                sock_closed(sock_at(WORD_INDEX(w)));
        table_drop(w);
}

word table_copy(word w)
{
        if (WORD_KIND(w) == WORD_SOCK && !sock_try_open(sock_at(WORD_INDEX(w))))
                return 0;
        if (holds_sock(w))
                sock_ref(sock_at(WORD_INDEX(w)));
        /* Only the number that is being replaced is claimed. */
        if (WORD_KIND(w) == WORD_INET || WORD_KIND(w) == WORD_PLAIN)
                w &= ~WORD_CLAIMED;

        return w;
}

word table_exchange(int fd, word w)
{
        _Atomic word *place = table_find(fd);

        if (process_is_borrowed())
                return w;

        return place ? atomic_exchange_explicit(place, w, memory_order_acq_rel) : 0;
}

void table_put(int fd, word w)
{
        table_release(fd, table_exchange(fd, w));
}

bool table_replace(int fd, word expected, word w)
{
        _Atomic word *place = table_find(fd);

        if (process_is_borrowed())
                return false;

        return place && atomic_compare_exchange_strong(place, &expected, w);
}

word table_hold(int fd)
{
        for (;;) {
                word w = table_get(fd);

                if (!holds_sock(w))
                        return w;

                if (!sock_try_ref(sock_at(WORD_INDEX(w))))
                        continue;

                /* The reference is to the right object only if the word was there all along. */
                if (table_get(fd) == w)
                        return w;

                table_drop(w);
        }
}

int table_next(int fd)
{
        if (fd < 0)
                fd = 0;

        while (fd < TABLE_MAX && __atomic_load_n(&table, __ATOMIC_ACQUIRE)) {
                _Atomic word *place = table_find(fd);

                if (!place) {
                        fd = ((fd >> TABLE_BLOCK_SHIFT) + 1) << TABLE_BLOCK_SHIFT;
                        continue;
                }
                if (atomic_load_explicit(place, memory_order_relaxed) != 0)
                        return fd;
                fd++;
        }

        return -1;
}
