/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* "did you mean": the known word that is closest to a misspelt one. */

#include <stddef.h>

/*
 * words: NULL-terminated array of known words.
 * Returns the closest one when it is near enough to be what was meant (a third of its letters
 * differ at the most; a swap of neighbours counts once), else NULL.
 */
const char *suggest(const char *word, size_t length, const char *const *words);
