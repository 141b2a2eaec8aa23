/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The kernel's list of the Unix sockets of this network namespace. Async-signal-safe, and slow: it
 * grows with the machine.
 */

#include "preload/target.h"

/*
 * Is the datagram socket of that file in it?
 * Returns 1 or 0; -ECONNREFUSED: the file has no socket any more; or another negative errno when
 * the socket can't be connected to, or the list can't be read.
 */
int unix_list_has(const struct target *target);
