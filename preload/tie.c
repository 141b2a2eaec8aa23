/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps strangers away from clients. See tie.h. */

#include <errno.h>

#include "preload/kernel.h"
#include "preload/tie.h"

/* Milliseconds after which a program that asks again has got no answer. */
#define UNANSWERED 300

/* Its servers answer from another socket by design (RFC 1350), and its clients ask again late. */
#define TFTP_PORT 69

enum { TIE_NONE, TIE_TIED, TIE_LOOSE };

static void loosen(int fd, struct datagram *datagram)
{
        const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

        if (atomic_exchange(&datagram->tie, TIE_LOOSE) == TIE_TIED)
                (void)kernel_connect(fd, &nobody, sizeof(nobody));
}

static bool is_empty(int fd)
{
        char byte;

        return kernel_receive(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 &&
               errno == EAGAIN;
}

/* An answer from the target shows that it is not one of those: the clock is not asked any more. */
static bool is_unanswered(int fd, struct datagram *datagram)
{
        int64_t now, since;

        if (atomic_load_explicit(&datagram->answered, memory_order_relaxed))
                return false;

        now = kernel_milliseconds();
        since = atomic_load_explicit(&datagram->asking_since, memory_order_relaxed);
        if (since == 0)
                atomic_store_explicit(&datagram->asking_since, now, memory_order_relaxed);
        return since != 0 && now - since > UNANSWERED && is_empty(fd);
}

static bool tie(int fd, struct datagram *datagram, const struct target *target)
{
        union correspondent to = {.state = CORRESPONDENT_SOCKET, .target = *target};

        if (kernel_connect(fd, &target->address, target->length) < 0 ||
            !record_store(&datagram->tied, to.words))
                return false;

        atomic_store(&datagram->tie, TIE_TIED);
        return true;
}

/* Does the program ask a server that is going to answer from elsewhere? */
static bool asks_tftp(const struct datagram *datagram)
{
        union correspondent last;

        record_load(&datagram->last, last.words, CORRESPONDENT_HEAD);
        return last.port == TFTP_PORT;
}

static bool is_tied_to(const struct datagram *datagram, const struct target *target)
{
        union correspondent to;

        record_load(&datagram->tied, to.words, RECORD_WORDS);
        return target_equal(target, &to.target);
}

bool tie_to(int fd, const struct sock *sock, const struct target *target)
{
        struct datagram *datagram = datagram_of(sock);
        const int state = atomic_load_explicit(&datagram->tie, memory_order_relaxed);

        if (sock->kind != SOCK_CLIENT || state == TIE_LOOSE || !atomic_load(&datagram->automatic))
                return false;
        if ((state == TIE_TIED && !is_tied_to(datagram, target)) ||
            (state == TIE_NONE && asks_tftp(datagram)) || is_unanswered(fd, datagram)) {
                loosen(fd, datagram);
                return false;
        }

        return state == TIE_TIED || tie(fd, datagram, target);
}

void tie_broken(const struct sock *sock)
{
        int tied = TIE_TIED;

        atomic_compare_exchange_strong(&datagram_of(sock)->tie, &tied, TIE_NONE);
}

void tie_answered(const struct sock *sock)
{
        struct datagram *datagram = datagram_of(sock);

        if (!atomic_load_explicit(&datagram->answered, memory_order_relaxed))
                atomic_store_explicit(&datagram->answered, true, memory_order_relaxed);
}
