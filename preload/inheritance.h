/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What of systemd's descriptors a program inherits that this process executes. */

#include <stdbool.h>

#include "preload/kept.h"

/*
 * Remember who we are. For the constructor, after kept_open(). begun: what systemd passed was taken
 * before this program was executed.
 */
void inheritance_open(bool begun);

/*
 * The first descriptor at or above fd of a converted socket that exec(3) does not close, or -1.
 */
int inheritance_next_socket(int fd);

/* Has the service begun to serve? Something was taken, by us or before us. */
bool inheritance_has_begun(void);

/* Has this process taken it, or the one that it is the heir of? See process.h. */
bool inheritance_is_ours(const struct kept *kept);

/*
 * Decide what the program that is about to be executed inherits. To be undone by
 * inheritance_exec_failed() when exec(3) returns.
 *
 *   - A process that executes itself binds again, whether or not it closes its listener first: what
 *     it has taken goes along.
 *   - Its children execute something else, which must not get what was taken, unless the program
 *     hands its own descriptor over, as nginx does to its successor.
 *   - A child with other credentials and no converted socket to hand over, once the service has
 *     begun to serve (the session of an sshd's user, say), gets nothing at all.
 */
void inheritance_prepare_exec(void);
void inheritance_exec_failed(void);

/* The same for posix_spawn(3): this process goes on, and only a child that has left passes nothing.
 */
void inheritance_prepare_spawn(void);

/* Is this such a child, that has left the service? */
bool inheritance_is_retired(void);
