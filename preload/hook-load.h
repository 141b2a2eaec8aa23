/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The next dlopen(3), for hook-dlopen.S. */

typedef void *(*load_fn)(const char *file, int mode);

load_fn load_find_dlopen(void) __attribute__((visibility("hidden")));
