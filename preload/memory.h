/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Memory that is taken while the process starts and never given back: copies of the environment,
 * the rules, what systemd passed.
 *
 * Most need little. They get it from the page that our variables are on, which is there anyway: a
 * mapping of its own would cost every process that starts 3 µs for the call and the page fault.
 */

#include <stddef.h>

/* size bytes, zeroed, aligned for any object. Returns NULL when there is no memory. */
void *memory_take(size_t size);
