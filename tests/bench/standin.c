/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Definitions of socket calls that do nothing, preloaded after the shim: its hooks find these where
 * they would find the C library's.
 */

#include "tests/bench/standin.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define DEFINE(name, parameters, arguments)                                                        \
        __attribute__((visibility("default"))) int name parameters                                 \
        {                                                                                          \
                return 0;                                                                          \
        }

STANDINS(DEFINE)
