/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the answers to moved datagrams seem to come from. See moved-answer.h. */

#include <string.h>

#include "preload/endpoint.h"
#include "preload/memory.h"
#include "preload/moved-answer.h"
#include "preload/record.h"

/* Two targets in one place: the answers of the one that was sent to first are not recognised. */
#define PLACES 64

union expectation {
        struct {
                struct endpoint real, asked;
        };
        uint64_t words[RECORD_WORDS];
};

_Atomic bool moved_answers_expected;
static struct record *places; /* PLACES of them, once there is one */

/* NULL without memory. */
static struct record *place_of(const struct endpoint *real)
{
        struct record *found = memory_share((void **)&places, PLACES * sizeof(*found));
        unsigned hash = real->port;

        for (size_t i = 0; i < sizeof(real->address.bytes); i++)
                hash = hash * 31 + real->address.bytes[i];
        return found ? &found[hash % PLACES] : NULL;
}

/* Member by member: there may be padding between them. */
static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
        return a->port == b->port && memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

void moved_answer_expect(const struct endpoint *asked, const struct sockaddr *real,
                         socklen_t length)
{
        union expectation expectation = {0}, before = {0};
        struct record *place;

        if (!endpoint_read(real, length, &expectation.real, NULL) ||
            is_same(&expectation.real, asked))
                return;

        expectation.asked = *asked;
        place = place_of(&expectation.real);
        if (!place)
                return;
        record_load(place, before.words, RECORD_WORDS);
        if (is_same(&before.real, &expectation.real) && is_same(&before.asked, asked))
                return;

        (void)record_store(place, expectation.words);
        atomic_store(&moved_answers_expected, true);
}

void moved_answer_restore(struct sockaddr *addr, socklen_t length)
{
        union expectation expectation = {0};
        struct endpoint source;
        struct record *place;

        if (!endpoint_read(addr, length, &source, NULL))
                return;
        place = place_of(&source);
        if (!place)
                return;

        record_load(place, expectation.words, RECORD_WORDS);
        if (is_same(&expectation.real, &source) && expectation.asked.port != 0)
                endpoint_write(&expectation.asked, addr->sa_family, addr, &length);
}
