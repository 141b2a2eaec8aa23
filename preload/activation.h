/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of systemd's descriptors a bind gets: by name, by fit, in order. The rules are rule_set's.
 */

#include "preload/kept.h"
#include "rules/rule.h"

/* Is there a rule that can take such a descriptor? See kept_wants_fn. */
bool activation_wants(const char *name, int type);

/* What a bind gets. */
enum activation_result {
        ACTIVATION_TAKEN,  /* the descriptor is the caller's until activation_release() */
        ACTIVATION_SHARED, /* others have it too */
        ACTIVATION_NONE,   /* all that would do are taken */
        ACTIVATION_ABSENT, /* there is none of that name */
};

/*
 * Choose for a socket that is being bound.
 *
 * fdname: NULL for one that no rule names.
 * query, family: the bind, and the family of the program's socket.
 * share: the socket has SO_REUSEPORT, so that a descriptor will do that was taken for the same
 * address: it is one worker's of several.
 * ret: the place of the descriptor, for kept_at(), with the first two results.
 */
enum activation_result activation_take(const char *fdname, const struct rule_query *query,
                                       sa_family_t family, bool share, int *ret);

/* One socket less has it. Async-signal-safe. */
void activation_release(int kept);
