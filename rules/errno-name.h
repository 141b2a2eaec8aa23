/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of error numbers, as errno(3) lists them. */

#include <stddef.h>

/* The number for a name such as "ECONNREFUSED" (any case), or 0 when there is none. */
int errno_from_name(const char *name, size_t length);

/* The name of a number, or NULL. */
const char *errno_to_name(int number);

/* All names, NULL-terminated, such as suggest() wants them. */
const char *const *errno_names(void);
