/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading a unit file as systemd does (systemd.syntax(7)). */

#include <stddef.h>

/* Called for each assignment, in order. Returns 0 or a negative errno, which ends the reading. */
typedef int (*unit_file_fn)(const char *section, const char *key, const char *value,
                            void *userdata);

/*
 * Read a unit file that is in memory. Lines that systemd would pass over with a warning are passed
 * over.
 *
 * data: size bytes. Returns 0, what fn returned, or -ENOMEM.
 */
int unit_file_read(const char *data, size_t size, unit_file_fn fn, void *userdata);
