/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every fuzz target offers: libFuzzer calls it with inputs it makes up, replay.c with files.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0, always; a fault or an abort is a finding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3): release builds must not lose it. */
#define FUZZ_CHECK(condition)                                                                      \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)
