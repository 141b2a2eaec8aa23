/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A list of rules in the environment.
 *
 * The kernel takes no string of the environment that is longer than MAX_ARG_STRLEN, 128 KiB with
 * its name and its NUL (execve(2)). A list that does not fit into IP2UNIX_RULES goes on in
 * IP2UNIX_RULES_2, IP2UNIX_RULES_3 and so forth. Rules stand between line breaks; every variable
 * but the last ends with a line that is a single '+', so that nobody takes a list whose tail got
 * lost for a whole one. No rule can be taken for that line: rule_parse() refuses it.
 */

#include <stdbool.h>
#include <stddef.h>

/* So many variables at most. */
#define RULE_PARTS_MAX 16

/* The longest string that the kernel takes, NAME=VALUE, without its NUL. */
#define RULE_PARTS_STRING_MAX ((size_t)(32 * 4096 - 1))

/* The longest rule that fits into every part. */
#define RULE_PARTS_RULE_MAX (RULE_PARTS_STRING_MAX - (sizeof("IP2UNIX_RULES_16=\n+") - 1))

/* The name of the variable of that part, from 1 to RULE_PARTS_MAX; NULL beyond. */
const char *rule_parts_name(size_t part);

/* One variable: its value is length bytes of text, and then end. */
struct rule_part {
        const char *name;
        const char *text; /* in the list itself */
        size_t length;
        const char *end; /* "\n+" where another part follows, or "" */
};

/* A list that is being split. */
struct rule_parts {
        const char *next;
        size_t length; /* of what is left */
        size_t number; /* of parts taken */
};

/*
 * Begin to split a list: rules with a line break between them, and perhaps after the last.
 *
 * text, length: must live as long as the parts; need not be terminated.
 */
void rule_parts_begin(struct rule_parts *parts, const char *text, size_t length);

/*
 * Take the next part.
 *
 * Returns 1 with a part, 0 when none is left, -EMSGSIZE when the rule that comes next is longer
 * than RULE_PARTS_RULE_MAX, or -E2BIG when RULE_PARTS_MAX parts are taken and rules are left.
 */
int rule_parts_next(struct rule_parts *parts, struct rule_part *ret);

/*
 * Does this value of a part say that another follows?
 *
 * ret_length: of the rules in it, in both cases.
 */
bool rule_parts_continue(const char *value, size_t *ret_length);
