/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/rule-list.h"

/* The environment for the program: what execve(2) takes. */
struct environment {
        char **strings; /* NULL-terminated; the strings are the process's own or in owned */
        size_t n_strings;
        char **owned;
        size_t n_owned;
};

#define ENVIRONMENT_INIT ((struct environment){0})

/*
 * Make an environment of the process's own and what the library needs: itself, in front of what is
 * preloaded already, the rules, and how much it logs. Nothing else of it changes.
 *
 * library: the absolute path of the library.
 * verbose: how many levels more than usual are logged; 0: the level is not set.
 * ret: to be freed with environment_clear().
 *
 * Errors, printed: -ENOMEM, -E2BIG when the rules don't fit into an environment.
 */
int environment_make(const struct rule_list *rules, const char *library, unsigned verbose,
                     struct environment *ret);

/* Free what the environment holds (also as a cleanup function). */
void environment_clear(struct environment *environment);
