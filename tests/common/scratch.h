/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory for a test, and shorthands for what is put there. All of them fail the test. */

/* Make it, as a cmocka setup function: *state is its path. */
int scratch_make(void **state);

/* Remove it with all that is in it, as a cmocka teardown function. */
int scratch_remove(void **state);

/* Write a file, path being relative to the directory; directories on the way are made. */
void scratch_write(const char *directory, const char *path, const char *text);

/* Make a symbolic link. */
void scratch_link(const char *directory, const char *path, const char *target);

/* Run a shell command in the directory. */
void scratch_run(const char *directory, const char *command);
