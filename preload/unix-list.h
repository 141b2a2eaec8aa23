/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The kernel's list of the Unix sockets of this network namespace. Async-signal-safe, and slow: it
 * grows with the machine.
 */

#include <sys/stat.h>

/*
 * Is there one of that socket file? file: what is at the path.
 * Returns 1 or 0; or a negative errno when the list can't be read.
 */
int unix_list_has(const char *path, const struct stat *file);
