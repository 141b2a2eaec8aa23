/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A string that grows. Failure sticks: after an allocation failed, appending does nothing and
 * buffer_error() tells, so that a text of twenty parts needs one check.
 */

#include <stdbool.h>
#include <stddef.h>

struct buffer {
        char *data; /* NUL-terminated once anything was added; owned */
        size_t length;
        size_t size;
        bool failed;
};

#define BUFFER_INIT ((struct buffer){0})

void buffer_add_bytes(struct buffer *buffer, const char *bytes, size_t length);
void buffer_add(struct buffer *buffer, const char *string);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* 0, or -ENOMEM when something could not be added. */
int buffer_error(const struct buffer *buffer);

/*
 * Take the text out; the buffer is empty afterwards. ret: owned by the caller, "" when nothing was
 * added. Errors: -ENOMEM.
 */
int buffer_take(struct buffer *buffer, char **ret);

/* Free what the buffer holds (also as a cleanup function). */
void buffer_clear(struct buffer *buffer);
