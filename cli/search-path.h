/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where execvp(3) looks for a program: the name itself when it holds a slash, else each directory
 * of PATH in turn.
 *
 *         struct search_path search;
 *
 *         search_path_begin(&search, name);
 *         while (search_path_next(&search, path))
 *                 ...
 */

#include <limits.h>
#include <stdbool.h>

struct search_path {
        const char *name;
        const char *next; /* what is left of PATH; NULL at the end */
};

/* name: must live as long as the search. */
void search_path_begin(struct search_path *search, const char *name);

/*
 * Take the next path that the name may be at. Returns false when there is none left.
 *
 * ret: for the current directory, which an empty directory in PATH stands for, the name alone: what
 * is executed from there learns its name so.
 */
bool search_path_next(struct search_path *search, char ret[static PATH_MAX]);

/*
 * Whether a program that could not be executed from one path may still be found at the next, by the
 * errno of execve(2): the list is glibc's.
 */
bool search_path_goes_on(int error);
