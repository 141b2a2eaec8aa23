/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text as it stands on a terminal, one character cell beside the other.
 *
 * Bytes that are no printable character are shown as \xNN, which is what text_add_printable() of
 * rules/text.h makes of them. How wide the others are is what wcwidth(3) says, so that LC_CTYPE has
 * to be one of UTF-8.
 */

#include <stddef.h>

/* How one character is shown. */
struct character {
        size_t length;  /* of the bytes it is made of */
        size_t width;   /* in columns */
        char shown[16]; /* terminated */
};

/* Take the character at the start of text; length is at least 1. */
struct character character_at(const char *text, size_t length);

/* The columns that a text takes. */
size_t text_width(const char *text, size_t length);

/*
 * The columns of the terminal that a descriptor leads to, or fallback when it is none or does not
 * tell. COLUMNS in the environment goes first, as it does for other tools.
 */
size_t terminal_columns(int fd, size_t fallback);
