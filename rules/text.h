/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text put together in a buffer of the caller.
 *
 * snprintf(3) is no choice for code that runs inside other people's programs: it may allocate, it
 * asks the locale, and it is not in the list of signal-safety(7). These functions do none of that,
 * make no system call and leave errno alone.
 *
 * What does not fit is cut, and remembered: a log line is worth printing cut, a rule is not. The
 * buffer is a terminated string at every moment.
 *
 *         char buffer[64];
 *         struct text text;
 *
 *         text_init(&text, buffer, sizeof(buffer));
 *         text_add_string(&text, "port ");
 *         text_add_unsigned(&text, 5232);
 *         if (text_finish(&text) < 0)
 *                 return -ENOBUFS;
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct text {
        char *begin;
        char *next; /* where the terminator stands now */
        char *end;  /* the last place where it could stand */
        bool overflow;
};

/* Begin an empty text in a buffer of size bytes, terminator included; size is at least 1. */
void text_init(struct text *text, char *buffer, size_t size);

void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_add_string(struct text *text, const char *string);
void text_add_char(struct text *text, char character);

void text_add_unsigned(struct text *text, uint64_t number);
void text_add_signed(struct text *text, int64_t number);

/* With the leading zero and at least three more digits, the way that file modes are written: 0660
 */
void text_add_octal(struct text *text, uint64_t number);

/* In small letters, without prefix or padding. */
void text_add_hexadecimal(struct text *text, uint64_t number);

/*
 * Add bytes of unknown origin so that the result is one line of well-formed UTF-8: control
 * characters and bytes that are not UTF-8 become \xNN.
 */
void text_add_printable(struct text *text, const char *bytes, size_t length);

/* The same in single quotes, with "..." for what goes beyond 64 bytes. */
void text_add_quoted(struct text *text, const char *bytes, size_t length);

/*
 * End the text. When it was cut, a character that was cut in its middle is taken off whole.
 *
 * Returns the length without the terminator, or -ENOBUFS when something did not fit.
 */
ssize_t text_finish(struct text *text);
