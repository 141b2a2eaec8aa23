/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Socket files, seen from outside: what is there, and who answers. Paths are of the directory of
 * the test, which rules name as @DIR@.
 */

#include <stdbool.h>
#include <sys/types.h>

/* The path of a file of that name. Overwritten by one of the next 8 calls. */
const char *path_of(const char *name);

/* What is at the path: "none", "socket", "file", "directory", "link", "pipe", or else. */
const char *kind_of(const char *path);

/* The inode of what is at the path, of a link its own; 0: nothing. */
ino_t inode_of(const char *path);

/* A Unix socket bound to the path. It listens when backlog is not negative. */
int unix_at(const char *path, int type, int backlog);

/* A socket file that nobody listens on any more, as a killed server leaves it. */
void leave_dead(const char *path);

/* Connect to the socket file. Returns 0 or the errno, positive. */
int try_file(const char *path);

/* Does who connects to the file reach the listener? A byte goes each way. */
bool file_serves(const char *path, int listener);

/* How many entries the directory of the test has. */
int count_files(void);

/*
 * A bind to the address fails with that errno, and the socket is what it was: the same one, with
 * its options, its flags and who watches it, and it can still be bound to a port that no rule is
 * about. what: begins the names of the points.
 */
void check_refused_bind(const char *address, int number, const char *what);

/* Run a function in a child. Returns its exit status, or 1000 and the signal that ended it. */
int in_child(int (*function)(void));
