/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps room in the send buffer. See pace.h. */

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/pace.h"

/* How much of the buffer is unread. */
enum {
        ZONE_CALM,
        ZONE_UNEASY,    /* a half, or has been, and three eighths are yet */
        ZONE_CONGESTED, /* three quarters */
        ZONE_CROWDED,   /* seven eighths */
};

/* Parts of the buffer that a receiver may have without being seen to read, by the zone. */
#define SHARE_UNEASY    64
#define SHARE_CONGESTED 512

/* From the second on, one that was not seen to read gets such a part of what is left at most. */
#define SHARE_OF_REST 64

/* So many datagrams more it is sent in the first of the two, before it is looked at again. */
#define AGAIN 8

/* In what `owed` is counted: with 16 bits there is room for a share of all buffers. */
#define UNIT_BITS 8

/* Milliseconds: a receiver that does not read is left alone for so long, at first and at most. */
#define PATIENCE_FIRST 10
#define PATIENCE_LAST  10000

/* Milliseconds between two receivers that are waited for in vain. */
#define PAUSE 10

/* How often a receiver is given the processor, or a fifth of a millisecond, to read. */
#define LOOKS 20

#define GET(field)        atomic_load_explicit(&(field), memory_order_relaxed)
#define PUT(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static int unread(int fd)
{
        int bytes = 0;

        return next.ioctl(fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

/* Zero means none in what is noted. */
static uint32_t milliseconds(void)
{
        return (uint32_t)kernel_milliseconds() | 1;
}

static bool is_before(uint32_t now, uint32_t then)
{
        return then != 0 && (int32_t)(then - now) > 0;
}

static uint8_t zone_of(int used, int room, uint8_t before)
{
        if (used > room / 8 * 7)
                return ZONE_CROWDED;
        if (used > room / 4 * 3)
                return ZONE_CONGESTED;

        return used > room / 2 || (before != ZONE_CALM && used > room / 8 * 3) ? ZONE_UNEASY
                                                                               : ZONE_CALM;
}

/* used: what is unread now. Returns the zone. */
static uint8_t note_zone(struct datagram *datagram, int used)
{
        const uint8_t before = GET(datagram->zone), zone = zone_of(used, datagram->room, before);

        if (zone == before)
                return zone;
        PUT(datagram->zone, zone);
        if (zone == ZONE_CALM)
                PUT(datagram->era, GET(datagram->era) + 1);
        return zone;
}

/* What was counted before all was well means nothing any more. */
static void begin_era(const struct datagram *datagram, struct peer_pace *pace)
{
        const uint16_t era = GET(datagram->era);

        if (GET(pace->era) == era)
                return;
        PUT(pace->era, era);
        PUT(pace->owed, 0);
        PUT(pace->level, 0);
        PUT(pace->proved, false);
}

static uint32_t share(const struct datagram *datagram, int parts)
{
        return (uint32_t)(datagram->room / parts) >> UNIT_BITS;
}

/* The kernel's charge for a datagram, about. */
static uint32_t charge(size_t size)
{
        return (uint32_t)size + PACE_OVERHEAD;
}

static bool must_prove(const struct datagram *datagram, const struct peer_pace *pace, uint8_t zone)
{
        switch (zone) {
        case ZONE_CALM:
                return false;
        case ZONE_UNEASY:
                return GET(pace->owed) >= share(datagram, SHARE_UNEASY);
        case ZONE_CONGESTED:
                return !GET(pace->heard) || GET(pace->owed) > share(datagram, SHARE_CONGESTED);
        default:
                return true;
        }
}

static void proved(struct peer_pace *pace)
{
        PUT(pace->proved, true);
        PUT(pace->patience, 0);
        PUT(pace->resting, 0);
}

/* It asks again, and less is unread than after its last answer: that may well be its own. */
static void prove_by_asking(struct peer_pace *pace, int used)
{
        if (!GET(pace->heard) || (uint32_t)used >= GET(pace->level))
                return;
        PUT(pace->owed, 0);
        PUT(pace->level, 0);
        proved(pace);
}

static bool is_small(const struct datagram *datagram, size_t size, int used)
{
        return used < datagram->room &&
               charge(size) <= (uint32_t)(datagram->room - used) / SHARE_OF_REST;
}

static bool is_turned_away(const struct datagram *datagram, const struct peer_pace *pace,
                           uint8_t zone, size_t size, int used)
{
        const uint32_t now = must_prove(datagram, pace, zone) ? milliseconds() : 0;

        if (now != 0 && is_before(now, GET(pace->resting)))
                return true;
        if (GET(pace->proved))
                return false;
        return (now != 0 && is_before(now, GET(datagram->resting))) ||
               (zone >= ZONE_CONGESTED && !is_small(datagram, size, used));
}

enum pace pace_of(int fd, struct datagram *datagram, struct peer_pace *pace, size_t size)
{
        uint8_t zone = GET(datagram->zone);
        int used;

        if (!pace)
                return PACE_SEND;
        if (zone == ZONE_CALM)
                return GET(pace->resting) == 0 ? PACE_SEND : PACE_TRY;

        /* Those who did not read may have begun to. */
        used = unread(fd);
        zone = note_zone(datagram, used);
        begin_era(datagram, pace);
        prove_by_asking(pace, used);
        return zone != ZONE_CALM && is_turned_away(datagram, pace, zone, size, used) ? PACE_DROP
                                                                                     : PACE_TRY;
}

void pace_forget(struct peer_pace *pace)
{
        PUT(pace->owed, 0);
        PUT(pace->level, 0);
        PUT(pace->resting, 0);
        PUT(pace->patience, 0);
        PUT(pace->heard, false);
        PUT(pace->proved, false);
}

void pace_heard(struct peer_pace *pace)
{
        if (pace && !GET(pace->heard))
                PUT(pace->heard, true);
}

static void rest(struct peer_pace *pace, uint32_t now)
{
        uint32_t patience = GET(pace->patience) * 2U;

        patience = patience < PATIENCE_FIRST  ? PATIENCE_FIRST
                   : patience > PATIENCE_LAST ? PATIENCE_LAST
                                              : patience;
        PUT(pace->proved, false);
        PUT(pace->patience, (uint16_t)patience);
        PUT(pace->resting, (now + patience) | 1);
}

static void forgive(struct peer_pace *pace)
{
        if (GET(pace->resting) == 0)
                return;
        PUT(pace->patience, 0);
        PUT(pace->resting, 0);
}

/* before: what was unread just now. */
static bool is_read(int fd, int before)
{
        for (int i = 0; i < LOOKS; i++) {
                if (i < LOOKS / 2)
                        kernel_yield();
                else
                        kernel_sleep_microseconds(200);
                if (unread(fd) < before)
                        return true;
        }

        return false;
}

static void count(struct peer_pace *pace, uint32_t units, int used)
{
        const uint32_t owed = GET(pace->owed) + units;

        PUT(pace->owed, (uint16_t)(owed < UINT16_MAX ? owed : UINT16_MAX));
        PUT(pace->level, (uint32_t)used);
        PUT(pace->heard, false);
}

/* units: of the datagram that it was just sent. */
static void watch(int fd, struct datagram *datagram, struct peer_pace *pace, uint32_t units,
                  int used)
{
        const uint32_t most = share(datagram, SHARE_UNEASY), again = units * AGAIN;

        if (is_read(fd, used)) {
                proved(pace);
                if (GET(pace->owed) > most - (again < most ? again : most))
                        PUT(pace->owed, (uint16_t)(most - (again < most ? again : most)));
        } else {
                const uint32_t now = milliseconds();

                rest(pace, now);
                PUT(datagram->resting, (now + PAUSE) | 1);
        }
}

static void look(int fd, struct datagram *datagram, struct peer_pace *pace, size_t size)
{
        const uint32_t units = charge(size) >> UNIT_BITS;
        const uint8_t before = GET(datagram->zone);
        const int used = unread(fd);
        bool must;

        PUT(datagram->unchecked, 0);
        if (note_zone(datagram, used) == ZONE_CALM || !pace)
                return;

        begin_era(datagram, pace);
        must = must_prove(datagram, pace, before);
        count(pace, units, used);
        if (must)
                watch(fd, datagram, pace, units, used);
}

void pace_sent(int fd, struct datagram *datagram, struct peer_pace *pace, size_t size)
{
        const bool calm = pace_is_calm(datagram);
        const int saved = errno;
        uint32_t unchecked;

        if (pace && calm)
                forgive(pace);

        unchecked = GET(datagram->unchecked) + charge(size);
        PUT(datagram->unchecked, unchecked);
        if (calm && unchecked < (uint32_t)datagram->room / 8)
                return;

        look(fd, datagram, pace, size);
        errno = saved;
}

void pace_refused(int fd, struct datagram *datagram, struct peer_pace *pace)
{
        const int saved = errno;

        (void)note_zone(datagram, unread(fd));
        if (pace)
                rest(pace, milliseconds());
        errno = saved;
}
