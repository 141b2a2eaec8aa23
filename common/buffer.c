/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/buffer.h"

#include "common/cleanup.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct buffer *buffer, size_t length)
{
        size_t size = buffer->size ? buffer->size : 256;
        char *data;

        while (size < buffer->length + length + 1)
                size *= 2;
        if (size == buffer->size)
                return true;
        data = realloc(buffer->data, size);
        if (!data) {
                buffer->failed = true;
                return false;
        }
        buffer->data = data;
        buffer->size = size;
        return true;
}

void buffer_add_bytes(struct buffer *buffer, const char *bytes, size_t length)
{
        if (buffer->failed || !make_room(buffer, length))
                return;
        if (length > 0)
                memcpy(buffer->data + buffer->length, bytes, length);
        buffer->length += length;
        buffer->data[buffer->length] = '\0';
}

void buffer_add(struct buffer *buffer, const char *string)
{
        buffer_add_bytes(buffer, string, strlen(string));
}

void buffer_add_char(struct buffer *buffer, char c)
{
        buffer_add_bytes(buffer, &c, 1);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list args;
        int r;

        va_start(args, format);
        r = vasprintf(&text, format, args);
        va_end(args);
        if (r < 0) {
                text = NULL;
                buffer->failed = true;
                return;
        }
        buffer_add_bytes(buffer, text, (size_t)r);
}

int buffer_error(const struct buffer *buffer)
{
        return buffer->failed ? -ENOMEM : 0;
}

int buffer_take(struct buffer *buffer, char **ret)
{
        buffer_add_bytes(buffer, "", 0);
        if (buffer->failed)
                return -ENOMEM;
        *ret = buffer->data;
        *buffer = BUFFER_INIT;
        return 0;
}

void buffer_clear(struct buffer *buffer)
{
        free(buffer->data);
        *buffer = BUFFER_INIT;
}
