/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/word.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLANKS " \t\n\r"

/* Escapes of one character. */
static const struct {
        char written, meant;
} escapes[] = {
        {'a', '\a'}, {'b', '\b'},  {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'},
        {'v', '\v'}, {'\\', '\\'}, {'"', '"'},  {'\'', '\''}, {'s', ' '},
};

/* Escapes that give a number, in so many digits. */
static const struct {
        char written;
        unsigned base, digits;
        bool character; /* of Unicode, not a byte */
} numbers[] = {
        {'x', 16, 2, false},
        {'u', 16, 4, true},
        {'U', 16, 8, true},
};

static int digit_value(char c, unsigned base)
{
        static const char digits[] = "0123456789abcdef";
        const char *digit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

        return digit && digit - digits < (int)base ? (int)(digit - digits) : -1;
}

/* Returns 0, or -EINVAL when there are fewer digits. */
static int read_number(const char *text, unsigned base, unsigned n_digits, uint32_t *ret)
{
        uint32_t number = 0;

        for (unsigned i = 0; i < n_digits; i++) {
                int value = digit_value(text[i], base);

                if (value < 0)
                        return -EINVAL;
                number = number * base + (uint32_t)value;
        }
        *ret = number;
        return 0;
}

static int add_character(struct buffer *word, uint32_t c)
{
        char bytes[4];
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

        if (c == 0 || c > 0x10ffff)
                return -EINVAL;
        for (size_t i = n; i-- > 1; c >>= 6)
                bytes[i] = (char)(0x80 | (c & 0x3f));
        bytes[0] = (char)(leads[n] | c);
        buffer_add_bytes(word, bytes, n);
        return 0;
}

/* Undo the escape behind a backslash. Returns the bytes read, or -EINVAL. */
static int add_escape(struct buffer *word, const char *text)
{
        uint32_t number;

        for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
                if (*text == escapes[i].written) {
                        buffer_add_char(word, escapes[i].meant);
                        return 1;
                }
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                if (*text != numbers[i].written)
                        continue;
                if (read_number(text + 1, numbers[i].base, numbers[i].digits, &number) < 0)
                        return -EINVAL;
                if (numbers[i].character) {
                        if (add_character(word, number) < 0)
                                return -EINVAL;
                } else {
                        if (number == 0)
                                return -EINVAL;
                        buffer_add_char(word, (char)number);
                }
                return 1 + (int)numbers[i].digits;
        }
        if (read_number(text, 8, 3, &number) < 0 || number == 0 || number > 255)
                return -EINVAL;
        buffer_add_char(word, (char)number);
        return 3;
}

int word_next(const char **text, char **ret)
{
        _cleanup_(buffer_clear) struct buffer word = BUFFER_INIT;
        const char *p = *text + strspn(*text, BLANKS);
        char quote = 0;

        if (*p == '\0') {
                *text = p;
                return 0;
        }
        for (; *p && (quote || !strchr(BLANKS, *p)); p++) {
                if (*p == '\\') {
                        int n = add_escape(&word, p + 1);

                        if (n < 0)
                                return n;
                        p += n;
                } else if (quote ? *p == quote : (*p == '"' || *p == '\'')) {
                        quote = quote ? 0 : *p;
                } else {
                        buffer_add_char(&word, *p);
                }
        }
        if (quote)
                return -EINVAL;
        *text = p;
        return buffer_take(&word, ret) < 0 ? -ENOMEM : 1;
}
