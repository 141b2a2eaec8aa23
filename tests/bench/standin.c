/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Definitions of socket calls that do nothing, preloaded after the shim: its hooks find these where
 * they would find the C library's. Built a second time, with COUNTING, they count their calls,
 * which would disturb the clock: so it shows when a hook makes more calls than the program has
 * made.
 */

#include "tests/bench/standin.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define EXPORT __attribute__((visibility("default")))

#ifdef COUNTING
EXPORT unsigned long standin_calls;
#define COUNT() standin_calls++
#else
#define COUNT() ((void)0)
#endif

#define DEFINE(type, name, parameters, arguments)                                                  \
        EXPORT type name parameters                                                                \
        {                                                                                          \
                COUNT();                                                                           \
                return 0;                                                                          \
        }

STANDINS(DEFINE)
