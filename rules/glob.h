/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The patterns of from-unix= and from-abstract=, matched by character (UTF-8; a byte that is no
 * UTF-8 counts as a character of its own):
 *
 *         ?         one character, but not '/'
 *         *         any number of characters, none of them '/'
 *         **        any number of characters, '/' too
 *         [a-cx]    one of these characters, never '/'; ']' comes first or escaped, '-' last
 *         [!a-cx]   one character that is none of these, and not '/'
 *         \x        the character x itself
 *
 * fnmatch(3) knows no "**", asks the locale, and may allocate.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * Tell whether the pattern is well-formed.
 *
 * Returns NULL, or what is wrong with it, such as "has a '[' without its ']'".
 */
const char *glob_check(const char *pattern);

/*
 * Match a whole name against a pattern that glob_check() accepts. The time is bounded by the
 * pattern's length times the square of the name's.
 *
 * name: need not be terminated, may hold NUL bytes (as abstract socket names do).
 */
bool glob_match(const char *pattern, const char *name, size_t name_length);

/*
 * Tell whether a pattern matches all names that another one does; glob_check() accepts both.
 * Returns false where that is not sure: what is compared are equal patterns, names without
 * wildcards, and patterns that end in their one wildcard, "**".
 */
bool glob_covers(const char *pattern, const char *other);
