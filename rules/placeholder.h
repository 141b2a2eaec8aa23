/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The placeholders of path= and abstract=: %p %a %t %%. rule_expand() fills them in. */

#include <stddef.h>

#include "rules/rule.h"
#include "rules/text.h"

struct placeholder {
        char letter;

        /* Add what it stands for; query is NULL when nothing is known. */
        void (*add)(struct text *text, const struct rule_query *query);
};

/* The placeholder of that letter, or NULL. */
const struct placeholder *placeholder_find(char letter);

/*
 * The length of the shortest text that the target of the rule, which has one, can become for a
 * socket that the rule is about.
 */
size_t placeholder_min_length(const struct rule *rule);
