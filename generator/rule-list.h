/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The rules of a unit as its environment holds them: variables by the split of rules/parts.h. For a
 * template they are split so that they fit with the longest name of an instance, too.
 */

#include "generator/unit.h"
#include "rules/parts.h"

struct rule_variable {
        const char *name;
        char *value; /* as the service is to see it, but for %i, which systemd fills in */
};

struct rule_list {
        struct rule_variable variables[RULE_PARTS_MAX];
        size_t n_variables;
};

/*
 * Make the list of a unit's rules; without rules it has no variables.
 *
 * ret: to be freed with rule_list_clear(), empty on failure.
 * Errors: -ENOMEM, -EMSGSIZE and -E2BIG as rule_parts_next().
 */
int rule_list_make(const struct unit *unit, struct rule_list *ret);

/* Free what the list holds (also as a cleanup function). */
void rule_list_clear(struct rule_list *list);
