/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The rules in effect: those of the command line and its files, in that order, and those that the
 * tool was started under.
 */

#include "rules/rule.h"
#include <stdbool.h>
#include <stddef.h>

struct rule_entry {
        char *origin; /* "-r", "web.rules:3", "inherited" */
        char *where;  /* in messages: "rule 1", "web.rules:3" */
        char *text;   /* as the library gets it: canonical, absolute, without names of accounts */
        struct rule rule;
        char *memory; /* of the strings of rule */
};

struct rule_list {
        struct rule_entry *entries;
        size_t n_entries;
        size_t n_seen;   /* those that are wrong included, so that numbers stay what they were */
        size_t n_errors; /* that have been printed */
        bool warns_unreached; /* of rules that match nothing which earlier ones leave */
        size_t n_unreached;
};

#define RULE_LIST_INIT ((struct rule_list){0})

/* Free what the list holds (also as a cleanup function). */
void rule_list_clear(struct rule_list *list);

/*
 * Add a rule. What is wrong with it, or probably a mistake, is printed with the place it is at; a
 * wrong rule is counted in n_errors, and not added.
 *
 * origin: what the table of rules says about where it comes from.
 * where: what messages say about it; NULL: "rule N".
 *
 * Errors: -ENOMEM, printed.
 */
int rule_list_add(struct rule_list *list, const char *text, size_t length, const char *origin,
                  const char *where);

/* Count an error that is about no rule, such as a file that can't be read. */
void rule_list_count_error(struct rule_list *list);

/*
 * Join the rules with line breaks between them.
 *
 * ret: owned by the caller. Errors: -ENOMEM.
 */
int rule_list_join(const struct rule_list *list, char **ret);
