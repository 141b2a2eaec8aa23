/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is left to do after a descriptor has gone: the last closer of a listener removes its file.
 * Who that is can only be told when the descriptor is closed, and the file's name only before.
 */

#include "preload/table.h"
#include "preload/target.h"

/*
 * Whose part is it to leave listeners at the end of the process? That of the process that has bound
 * or inherited them, and of its children that accept: a worker that has shut itself in may not even
 * be allowed to ask, and exits untouched.
 */

/* There is a listener whose file has to be removed, and it is ours. Async-signal-safe. */
void departure_expect(void);

/* Is one ours? No system call. */
bool departure_is_expected(void);

struct departure {
        bool removes; /* the rest is only set when it does */
        ino_t file;
        struct target target;
};

/*
 * Look at a descriptor that is about to be closed or replaced. w: its word.
 * One system call for listeners of our own, none for others.
 */
struct departure departure_of(int fd, word w);

/*
 * The descriptor is closed. If somebody has the socket yet it may be a thread of this process that
 * waits for it in poll(2): the file is looked at again when the next listener departs. errno is
 * kept.
 */
void departure_finish(const struct departure *departure);

/* The same at the end of the process, for the listeners that have departed before. */
void departure_look_again(void);
