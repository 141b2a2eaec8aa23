/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/suggest.h"

#include <stdint.h>
#include <string.h>

/* Longer words than this are none of ours, and their distance isn't worth its stack. */
#define WORD_MAX 32

static uint8_t smallest(uint8_t a, uint8_t b, uint8_t c)
{
        uint8_t ab = a < b ? a : b;

        return ab < c ? ab : c;
}

/* Case is no spelling mistake: errno names are often written small. */
static char fold(char letter)
{
        return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/*
 * The optimal string alignment distance: how many letters have to be inserted, removed, replaced or
 * swapped with their neighbour. Three rows of the usual table are enough, as a swap looks two rows
 * back. Both words have at most WORD_MAX letters.
 */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
        uint8_t rows[3][WORD_MAX + 1];

        for (size_t j = 0; j <= n_b; j++)
                rows[0][j] = (uint8_t)j;

        for (size_t i = 1; i <= n_a; i++) {
                uint8_t *row = rows[i % 3];
                const uint8_t *above = rows[(i - 1) % 3];
                const uint8_t *two_above = rows[(i + 1) % 3];

                row[0] = (uint8_t)i;
                for (size_t j = 1; j <= n_b; j++) {
                        char x = fold(a[i - 1]), y = fold(b[j - 1]);

                        row[j] = smallest((uint8_t)(above[j] + 1), (uint8_t)(row[j - 1] + 1),
                                          (uint8_t)(above[j - 1] + (x != y)));
                        if (i > 1 && j > 1 && x == fold(b[j - 2]) && fold(a[i - 2]) == y &&
                            two_above[j - 2] + 1 < row[j])
                                row[j] = (uint8_t)(two_above[j - 2] + 1);
                }
        }
        return rows[n_a % 3][n_b];
}

const char *suggest(const char *word, size_t length, const char *const *words)
{
        const char *best = NULL;
        size_t best_distance = length / 3 + 1;

        if (length > WORD_MAX)
                return NULL;

        for (size_t i = 0; words[i] != NULL; i++) {
                size_t candidate = strlen(words[i]), steps;

                if (candidate > WORD_MAX)
                        continue;
                steps = distance(word, length, words[i], candidate);
                if (steps < best_distance) {
                        best = words[i];
                        best_distance = steps;
                }
        }
        return best;
}
