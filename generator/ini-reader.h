/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Rule files are read by libinih, behind a gate: every line is looked at before the library gets
 * it, and one that the library would read in another way than it is written is an error (see
 * ini-reader.c for the list).
 */

#include <stdbool.h>
#include <stddef.h>

struct ini_reader_handlers {
        /* A section begins. */
        int (*section)(void *userdata, unsigned line, const char *name);

        /*
         * A key was assigned. value is whole, without the blanks around it. continued: the line
         * began with blanks and so carries on the key of the line before.
         */
        int (*value)(void *userdata, unsigned line, const char *key, const char *value,
                     bool continued);

        /* The line can't be used; reason is a text for people. Reading goes on. */
        int (*error)(void *userdata, unsigned line, const char *reason);
};

/*
 * Read a file that is in memory.
 *
 * The strings given to the handlers are theirs for the time of the call. A handler that returns
 * less than 0 is called no more, nor are the others.
 *
 * Returns 0, what a handler returned, or -ENOMEM.
 */
int ini_reader_read(const char *data, size_t size, const struct ini_reader_handlers *handlers,
                    void *userdata);
