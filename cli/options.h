/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of ip2unix(1). */

#include <stdbool.h>
#include <stddef.h>

/* Where rules come from. */
struct rule_source {
        bool is_file;
        const char *value; /* the rule, or the name of a file of rules */
};

struct options {
        bool help;
        bool version;
        bool check;
        bool print;
        unsigned verbose;            /* how often */
        struct rule_source *sources; /* in the order given; the array is owned */
        size_t n_sources;
        char **program; /* and its arguments, in argv; NULL when there is none */
};

/*
 * Read the command line. Options end at the first word that is none, which is the program: options
 * behind it are its own.
 *
 * ret: on success to be freed with options_clear(). Strings are those of argv.
 * Errors: -EINVAL and -ENOMEM, printed.
 */
int options_parse(int argc, char **argv, struct options *ret);

void options_clear(struct options *options);

/* Print what --help says. */
void options_help(void);
