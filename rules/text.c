/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/text.h"

#include <errno.h>
#include <string.h>

#include "rules/utf8.h"

/* As much of a stranger's word as a message can bear. */
#define QUOTED_MAX 64

/* 64 bits in octal, the longest of the bases used here. */
#define DIGITS_MAX 22

void text_init(struct text *text, char *buffer, size_t size)
{
        *text = (struct text){.begin = buffer, .next = buffer, .end = buffer + size - 1};
        *buffer = '\0';
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
        size_t room = (size_t)(text->end - text->next);

        /* Once cut, always cut: taking off half a character must not make room for other text. */
        if (text->overflow || length == 0)
                return;
        if (length > room) {
                length = room;
                text->overflow = true;
        }
        memcpy(text->next, bytes, length);
        text->next += length;
        *text->next = '\0';
}

void text_add_string(struct text *text, const char *string)
{
        text_add_bytes(text, string, strlen(string));
}

void text_add_char(struct text *text, char character)
{
        text_add_bytes(text, &character, 1);
}

static void add_number(struct text *text, uint64_t number, unsigned base, size_t width)
{
        char digits[DIGITS_MAX];
        char *digit = digits + DIGITS_MAX;

        do {
                *--digit = "0123456789abcdef"[number % base];
                number /= base;
        } while (number > 0);
        while (digits + DIGITS_MAX - digit < (ptrdiff_t)width)
                *--digit = '0';
        text_add_bytes(text, digit, (size_t)(digits + DIGITS_MAX - digit));
}

void text_add_unsigned(struct text *text, uint64_t number)
{
        add_number(text, number, 10, 1);
}

void text_add_signed(struct text *text, int64_t number)
{
        if (number < 0)
                text_add_char(text, '-');
        /* Negated as unsigned: INT64_MIN has no positive counterpart. */
        add_number(text, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, 1);
}

void text_add_octal(struct text *text, uint64_t number)
{
        text_add_char(text, '0');
        add_number(text, number, 8, 3);
}

void text_add_hexadecimal(struct text *text, uint64_t number)
{
        add_number(text, number, 16, 1);
}

/* C0, DEL, C1, and the line and paragraph separators that some terminals and pagers break at. */
static bool is_control(uint32_t code)
{
        return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}

static void add_escaped(struct text *text, uint8_t byte)
{
        text_add_string(text, "\\x");
        add_number(text, byte, 16, 2);
}

/* Add the character at the start of the bytes; returns how many bytes it took. */
static size_t add_character(struct text *text, const char *bytes, size_t length)
{
        uint32_t code;
        size_t size = utf8_decode(bytes, length, &code);

        if (size == 0) {
                add_escaped(text, (uint8_t)bytes[0]);
                return 1;
        }
        if (is_control(code)) {
                for (size_t i = 0; i < size; i++)
                        add_escaped(text, (uint8_t)bytes[i]);
                return size;
        }
        text_add_bytes(text, bytes, size);
        return size;
}

void text_add_printable(struct text *text, const char *bytes, size_t length)
{
        for (size_t done = 0; done < length;)
                done += add_character(text, bytes + done, length - done);
}

void text_add_quoted(struct text *text, const char *bytes, size_t length)
{
        size_t done = 0;

        text_add_char(text, '\'');
        while (done < length && (length <= QUOTED_MAX || done < QUOTED_MAX - 4))
                done += add_character(text, bytes + done, length - done);
        text_add_string(text, done < length ? "...'" : "'");
}

/* Take off a character that the end of the buffer has cut in its middle. */
static void trim(struct text *text)
{
        char *lead = text->next;

        for (unsigned i = 0; i < 4 && lead > text->begin; i++) {
                uint8_t byte = (uint8_t) * --lead;

                if ((byte & 0xc0) == 0x80)
                        continue;
                if (byte >= 0xc0 && utf8_decode(lead, (size_t)(text->next - lead), NULL) == 0) {
                        text->next = lead;
                        *lead = '\0';
                }
                return;
        }
}

ssize_t text_finish(struct text *text)
{
        if (text->overflow) {
                trim(text);
                return -ENOBUFS;
        }
        return text->next - text->begin;
}
