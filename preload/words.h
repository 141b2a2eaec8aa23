/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the shim needs of string.h, as a few instructions of ours: see kernel.h for what an import
 * costs.
 */

#include <stdbool.h>
#include <stddef.h>

static inline bool word_begins(const char *string, const char *prefix)
{
        while (*prefix && *string == *prefix) {
                string++;
                prefix++;
        }

        return !*prefix;
}

static inline bool word_equals(const char *a, const char *b)
{
        while (*a && *a == *b) {
                a++;
                b++;
        }

        return *a == *b;
}

/* Bytes before the first stop, or before the end. */
static inline size_t word_length(const char *string, char stop)
{
        size_t length = 0;

        while (string[length] && string[length] != stop)
                length++;

        return length;
}

/* The last c, or NULL. */
static inline const char *word_last(const char *string, char c)
{
        const char *last = NULL;

        for (; *string; string++)
                if (*string == c)
                        last = string;

        return last;
}
