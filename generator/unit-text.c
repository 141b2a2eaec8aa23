/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-text.h"

#include "rules/utf8.h"
#include <strings.h>

static bool is_noncharacter(uint32_t c)
{
        return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

size_t unit_text_character(const char *text, size_t length)
{
        uint32_t c;
        size_t n = utf8_decode(text, length, &c);

        return n > 0 && !is_noncharacter(c) ? n : 0;
}

bool unit_text_is_valid(const char *text, size_t length)
{
        while (length > 0) {
                size_t n = unit_text_character(text, length);

                if (n == 0)
                        return false;
                text += n;
                length -= n;
        }
        return true;
}

bool unit_text_is_control(char c)
{
        return (unsigned char)c < 0x20 || c == 0x7f;
}

bool unit_text_is_true(const char *value)
{
        static const char *const words[] = {"1", "yes", "y", "true", "t", "on"};

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (strcasecmp(value, words[i]) == 0)
                        return true;
        return false;
}
