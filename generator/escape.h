/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text as unit files want it, by the rules of systemd.syntax(7), systemd.unit(5) (specifiers) and
 * systemd.service(5) (command lines). Everything here appends to a buffer, which remembers when
 * memory ran out. Bytes that no escape can carry (NUL, control bytes, what is not UTF-8) must have
 * been refused before.
 */

#include "common/buffer.h"

enum escape_flags {
        ESCAPE_INSTANCE = 1 << 0, /* leave %i to systemd, where no other % stands before it */
        ESCAPE_DOLLAR = 1 << 1,   /* a command line, where $ begins a variable */
};

/* A value that is not split into words but has its specifiers expanded: a name, a path. */
void escape_value(struct buffer *buffer, const char *text);

/* One word in double quotes; a line break becomes \n, which systemd turns back. */
void escape_word(struct buffer *buffer, const char *text, unsigned flags);

/* What stands between the quotes of such a word. */
void escape_in_word(struct buffer *buffer, const char *text, unsigned flags);

/* A path for EnvironmentFile=, which is a glob(7) pattern. */
void escape_glob(struct buffer *buffer, const char *path);

/*
 * A path for BindReadOnlyPaths=, where blanks and colons part the fields of an item and a
 * backslash protects them.
 */
void escape_bind_path(struct buffer *buffer, const char *path);

/* The value of a variable in an environment file, quoted where it must be. */
void escape_environment_file(struct buffer *buffer, const char *value);

/* For people's eyes, on one line: control bytes and what is not UTF-8 as \xNN. */
void escape_visible(struct buffer *buffer, const char *text);
