/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A table for people: columns as wide as their widest cell, two blanks between them, nothing behind
 * the last. On a terminal that is too narrow, the last column is wrapped at its blanks; when it is
 * much too narrow, it goes below the others.
 *
 *         static const char *const headings[] = {"#", "NAME", NULL};
 *         struct table table = {.headings = headings};
 *
 *         table_add(&table, "1");
 *         table_add(&table, "web");
 *         table_print(&table, stdout);
 *         table_clear(&table);
 */

#include <stddef.h>
#include <stdio.h>

struct table {
        const char *const *headings; /* NULL-terminated; those of columns of numbers begin with # */
        char **cells;                /* row by row; owned */
        size_t n_cells;
};

/* Add the next cell. The text is copied. Errors: -ENOMEM. */
int table_add(struct table *table, const char *cell);

/* Print the table. On a terminal, unless NO_COLOR is set or it has none, the headings are bold. */
void table_print(const struct table *table, FILE *stream);

/* Free what the table holds (also as a cleanup function). */
void table_clear(struct table *table);
