/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of servers' sockets. See bound-name.h. */

#include <errno.h>

#include "preload/bound-name.h"
#include "preload/kernel.h"
#include "preload/memory.h"
#include "preload/record.h"

/* For how long it is remembered, in milliseconds, and of how many targets. */
#define FRESH   10
#define TARGETS 8

union bound {
        struct {
                int64_t when;
                uint32_t place;     /* PEER_NOBODY, zero: of none */
                struct target name; /* a length of zero: none but the target's */
        };
        uint64_t words[RECORD_WORDS];
};

_Static_assert(sizeof(union bound) == RECORD_WORDS * sizeof(uint64_t),
               "a name has to fit a record");

/*
 * Mapped when it is first needed: most processes never do, and with so much more the library would
 * begin with a page more of its own.
 */
static struct record *remembered;

/* NULL without memory. */
static struct record *record_of(uint32_t place)
{
        struct record *records = memory_share((void **)&remembered, TARGETS * sizeof(*records));

        return records ? &records[place % TARGETS] : NULL;
}

static void ask(const struct target *target, struct target *ret)
{
        const int fd = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return;
        if (kernel_connect(fd, &target->address, target->length) < 0 || !target_of_peer(fd, ret) ||
            target_equal(ret, target))
                ret->length = 0;
        kernel_close(fd);
}

bool bound_name_of(const struct target *target, uint32_t place, struct target *ret)
{
        struct record *record;
        const int saved = errno;
        union bound bound;
        int64_t now;

        /* An abstract name has no other; and without its place a target can't be told from others.
         */
        if (!target_is_file(target) || place == 0)
                return false;

        record = record_of(place);
        if (!record)
                return false;

        now = kernel_milliseconds();
        record_load(record, bound.words, RECORD_WORDS);
        if (bound.place != place || now - bound.when >= FRESH) {
                bound = (union bound){.when = now, .place = place};
                ask(target, &bound.name);
                (void)record_store(record, bound.words);
                errno = saved;
        }

        *ret = bound.name;
        return ret->length > 0;
}
