/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/escape.h"

#include "generator/unit-text.h"
#include <string.h>

void escape_value(struct buffer *buffer, const char *text)
{
        for (; *text; text++) {
                if (*text == '%')
                        buffer_add_char(buffer, '%');
                buffer_add_char(buffer, *text);
        }
}

/*
 * Append the percent sign at text and what belongs to it. Returns the number of bytes read: a pair
 * is read as one, since the second of "%%" begins nothing.
 */
static size_t add_percent(struct buffer *buffer, const char *text, unsigned flags)
{
        if ((flags & ESCAPE_INSTANCE) && text[1] == 'i') {
                buffer_add(buffer, "%i");
                return 2;
        }
        if (text[1] == '%') {
                buffer_add(buffer, "%%%%");
                return 2;
        }
        buffer_add(buffer, "%%");
        return 1;
}

void escape_in_word(struct buffer *buffer, const char *text, unsigned flags)
{
        while (*text) {
                size_t plain = strcspn(text, "%\\\"$\n");

                buffer_add_bytes(buffer, text, plain);
                text += plain;
                if (*text == '%') {
                        text += add_percent(buffer, text, flags);
                        continue;
                }
                if (*text == '\0')
                        break;
                if (*text == '\n') {
                        buffer_add(buffer, "\\n");
                } else {
                        if (*text == '$' && (flags & ESCAPE_DOLLAR))
                                buffer_add_char(buffer, '$');
                        else if (*text != '$')
                                buffer_add_char(buffer, '\\');
                        buffer_add_char(buffer, *text);
                }
                text++;
        }
}

void escape_word(struct buffer *buffer, const char *text, unsigned flags)
{
        buffer_add_char(buffer, '"');
        escape_in_word(buffer, text, flags);
        buffer_add_char(buffer, '"');
}

static void add_protected(struct buffer *buffer, const char *text, const char *special)
{
        for (; *text; text++) {
                if (strchr(special, *text))
                        buffer_add_char(buffer, '\\');
                if (*text == '%')
                        buffer_add_char(buffer, '%');
                buffer_add_char(buffer, *text);
        }
}

void escape_glob(struct buffer *buffer, const char *path)
{
        add_protected(buffer, path, "\\*?[{}");
}

void escape_bind_path(struct buffer *buffer, const char *path)
{
        add_protected(buffer, path, "\\: \t\"'");
}

void escape_environment_file(struct buffer *buffer, const char *value)
{
        if (strcspn(value, " \t\"'\\`$#;") == strlen(value)) {
                buffer_add(buffer, value);
                return;
        }
        buffer_add_char(buffer, '"');
        for (; *value; value++) {
                if (strchr("\"\\`$", *value))
                        buffer_add_char(buffer, '\\');
                buffer_add_char(buffer, *value);
        }
        buffer_add_char(buffer, '"');
}

void escape_visible(struct buffer *buffer, const char *text)
{
        while (*text) {
                size_t n = unit_text_character(text, strlen(text));

                if (n == 0 || unit_text_is_control(*text)) {
                        buffer_printf(buffer, "\\x%02x", (unsigned char)*text);
                        n = 1;
                } else {
                        buffer_add_bytes(buffer, text, n);
                }
                text += n;
        }
}
