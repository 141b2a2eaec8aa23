/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps strangers away from clients. See tie.h. */

#include <errno.h>

#include "preload/bound-name.h"
#include "preload/kernel.h"
#include "preload/process.h"
#include "preload/rule-set.h"
#include "preload/tie.h"

/* Milliseconds after which a program that asks again has got no answer; and between two looks. */
#define UNANSWERED 300

/* Its servers answer from another socket by design (RFC 1350), and its clients ask again late. */
#define TFTP_PORT 69

enum {
        TIE_NONE,
        TIE_BUSY,  /* a thread is about to tie it */
        TIE_ASKED, /* it has sent to one target, and would be tied to that */
        TIE_TIED,
        TIE_INHERITED, /* from another program, which may have tied it */
        TIE_LOOSE,
};

static bool may_be_tied(int state)
{
        return state == TIE_TIED || state == TIE_INHERITED;
}

/* Who is about to tie it lets go of it himself. */
static void loosen(int fd, struct datagram *datagram)
{
        if (atomic_exchange(&datagram->tie, TIE_LOOSE) != TIE_BUSY)
                datagram_leave_peer(fd);
}

static void tie(int fd, struct datagram *datagram, const struct target *target, int from)
{
        union correspondent to = {.state = CORRESPONDENT_SOCKET, .target = *target};
        int state = from;

        if (!atomic_compare_exchange_strong(&datagram->tie, &state, TIE_BUSY)) {
                loosen(fd, datagram);
                return;
        }
        if (kernel_connect(fd, &target->address, target->length) < 0 ||
            !record_store(&datagram->tied, to.words)) {
                state = TIE_BUSY;
                if (!atomic_compare_exchange_strong(&datagram->tie, &state, TIE_NONE))
                        datagram_leave_peer(fd);
                return;
        }

        atomic_store(&datagram->asking_since, kernel_milliseconds());
        atomic_store(&datagram->looked, kernel_milliseconds());
        state = TIE_BUSY;
        if (!atomic_compare_exchange_strong(&datagram->tie, &state, TIE_TIED))
                datagram_leave_peer(fd);
}

static void note_asked(int fd, struct datagram *datagram, const struct target *target)
{
        union correspondent to = {.state = CORRESPONDENT_SOCKET, .target = *target};
        int state = TIE_NONE;

        if (!atomic_compare_exchange_strong(&datagram->tie, &state, TIE_BUSY)) {
                loosen(fd, datagram);
                return;
        }
        state = TIE_BUSY;
        (void)atomic_compare_exchange_strong(&datagram->tie, &state,
                                             record_store(&datagram->tied, to.words) ? TIE_ASKED
                                                                                     : TIE_NONE);
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

/* Has the server a name that tells nothing? */
static bool is_nobodys_name(const struct datagram *datagram, const struct target *target)
{
        union correspondent last;
        struct target name;

        record_load(&datagram->last, last.words, RECORD_WORDS);
        return target_equal(target, &last.target) && bound_name_of(target, last.place, &name) &&
               bound_name_is_relative(&name);
}

/*
 * The kernel's socket is, or may be, also another's, who was forked or executed: it can't be tied
 * to what both ask.
 */
static bool is_shared(const struct sock *sock, int state)
{
        return state == TIE_INHERITED ||
               atomic_load_explicit(&sock->forked, memory_order_relaxed) ||
               atomic_load_explicit(&datagram_of(sock)->made_by, memory_order_relaxed) !=
                       process_id();
}

/*
 * It may be another socket that is at the target now: a server that was restarted. Then the kernel
 * would let nobody in. Connecting it to that one throws away what was unread of the one before.
 */
static void renew(int fd, struct datagram *datagram, const struct target *target, int64_t now)
{
        struct target peer;

        if (!datagram_is_empty(fd))
                return;
        /* Who has inherited it has let go of it, and asks others. */
        if (!target_of_peer(fd, &peer)) {
                loosen(fd, datagram);
                return;
        }

        atomic_store_explicit(&datagram->looked, now, memory_order_relaxed);
        (void)kernel_connect(fd, &target->address, target->length);
        /* Another thread has let go of it meanwhile. */
        if (atomic_load(&datagram->tie) != TIE_TIED)
                datagram_leave_peer(fd);
}

/*
 * asking: the datagram before this one was not answered, or not yet. Where there was no answer at
 * all, the answers may come from elsewhere.
 */
static void look(int fd, struct datagram *datagram, const struct target *target, bool asking)
{
        const int64_t now = kernel_milliseconds();

        if (asking && !atomic_load_explicit(&datagram->answered, memory_order_relaxed) &&
            now - atomic_load(&datagram->asking_since) > UNANSWERED && datagram_is_empty(fd) &&
            !is_nobodys_name(datagram, target))
                loosen(fd, datagram);
        else if (now - atomic_load_explicit(&datagram->looked, memory_order_relaxed) >= UNANSWERED)
                renew(fd, datagram, target, now);
}

/* Has the kernel's socket the one at the target as its peer, whoever has seen to that? */
static bool leads_to(int fd, const struct datagram *datagram, const struct target *target)
{
        union correspondent last;
        struct target peer, name;

        if (!target_of_peer(fd, &peer))
                return false;

        record_load(&datagram->last, last.words, RECORD_WORDS);
        return target_equal(&peer, target) ||
               (target_equal(target, &last.target) && bound_name_of(target, last.place, &name) &&
                target_equal(&peer, &name));
}

/*
 * What is unread on a socket that others have as well is theirs: it is left tied as long as nobody
 * else is asked. And tied it stays, since they may have gone, and the server be another one.
 */
static void use_shared(int fd, struct datagram *datagram, const struct target *target, int state)
{
        const union correspondent to = {.state = CORRESPONDENT_SOCKET, .target = *target};
        const int64_t now = kernel_milliseconds();

        if (!leads_to(fd, datagram, target) || !record_store(&datagram->tied, to.words)) {
                loosen(fd, datagram);
                return;
        }

        atomic_store(&datagram->asking_since, now);
        if (atomic_compare_exchange_strong(&datagram->tie, &state, TIE_TIED))
                renew(fd, datagram, target, now);
}

void tie_to(int fd, const struct sock *sock, const struct target *target)
{
        struct datagram *datagram = datagram_of(sock);
        const int state = atomic_load_explicit(&datagram->tie, memory_order_acquire);
        const int saved = errno;
        struct endpoint unused;

        if (sock->kind != SOCK_CLIENT || state == TIE_LOOSE ||
            (!atomic_load(&datagram->automatic) && !may_be_tied(state)) ||
            datagram_peer_head(sock, &unused) != CORRESPONDENT_NONE)
                return;

        if (asks_tftp(datagram))
                loosen(fd, datagram);
        else if (state == TIE_TIED && is_tied_to(datagram, target))
                look(fd, datagram, target,
                     atomic_exchange_explicit(&datagram->asking, true, memory_order_relaxed));
        else if (is_shared(sock, state))
                use_shared(fd, datagram, target, state);
        else if (state == TIE_NONE && (rule_set.one_target || is_nobodys_name(datagram, target)))
                tie(fd, datagram, target, TIE_NONE);
        else if (state == TIE_NONE)
                note_asked(fd, datagram, target);
        else if (state != TIE_ASKED || !is_tied_to(datagram, target))
                loosen(fd, datagram);
        else if (atomic_load(&datagram->answered))
                tie(fd, datagram, target, TIE_ASKED);
        errno = saved;
}

bool tie_is_to(int fd, const struct sock *sock, const struct target *name)
{
        const int state = atomic_load_explicit(&datagram_of(sock)->tie, memory_order_relaxed);
        struct target peer;

        return (state == TIE_BUSY || may_be_tied(state)) && target_of_peer(fd, &peer) &&
               target_equal(name, &peer);
}

void tie_inherit(const struct sock *sock)
{
        if (sock->kind == SOCK_CLIENT)
                atomic_store(&datagram_of(sock)->tie, TIE_INHERITED);
}

void tie_forget(const struct sock *sock)
{
        _Atomic int *tie = &datagram_of(sock)->tie;
        int state = atomic_load(tie);

        if (may_be_tied(state))
                (void)atomic_compare_exchange_strong(tie, &state, TIE_NONE);
}

void tie_loosen(int fd, const struct sock *sock, const struct target *to)
{
        struct datagram *datagram = datagram_of(sock);
        const int saved = errno;

        if (may_be_tied(atomic_load_explicit(&datagram->tie, memory_order_acquire)) &&
            (atomic_load(&datagram->automatic) || !tie_is_to(fd, sock, to)))
                loosen(fd, datagram);
        errno = saved;
}

void tie_answered(const struct sock *sock)
{
        struct datagram *datagram = datagram_of(sock);

        if (!atomic_load_explicit(&datagram->answered, memory_order_relaxed))
                atomic_store_explicit(&datagram->answered, true, memory_order_relaxed);
        if (atomic_load_explicit(&datagram->asking, memory_order_relaxed))
                atomic_store_explicit(&datagram->asking, false, memory_order_relaxed);
}
