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

/*
 * size bytes, zeroed, aligned for any object. For the constructor, while there is one thread.
 * Returns NULL when there is no memory.
 */
void *memory_take(size_t size);

/* The same for everybody, from a mapping of its own. Async-signal-safe. */
void *memory_map(size_t size);

/*
 * Map size zeroed bytes and put their address at *place, unless another thread is faster. They stay
 * for the life of the process, and cost memory as they are written to. Async-signal-safe.
 * Returns what is at *place, or NULL when there is no memory.
 */
void *memory_share(void **place, size_t size);
