/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/utf8.h"

/* The forms of RFC 3629, section 3: lead byte, and the smallest code point a form may encode. */
static const struct {
        uint8_t mask;
        uint8_t lead;
        uint8_t length;
        uint32_t smallest;
} forms[] = {
        {0x80, 0x00, 1, 0x0},
        {0xe0, 0xc0, 2, 0x80},
        {0xf0, 0xe0, 3, 0x800},
        {0xf8, 0xf0, 4, 0x10000},
};

size_t utf8_decode(const char *bytes, size_t length, uint32_t *ret)
{
        size_t form = 0;

        if (length == 0)
                return 0;

        uint8_t first = (uint8_t)bytes[0];

        while (form < 4 && (first & forms[form].mask) != forms[form].lead)
                form++;
        if (form == 4 || forms[form].length > length)
                return 0;

        uint32_t code = first & (uint8_t)~forms[form].mask;

        for (size_t i = 1; i < forms[form].length; i++) {
                uint8_t next = (uint8_t)bytes[i];

                if ((next & 0xc0) != 0x80)
                        return 0;
                code = code << 6 | (next & 0x3f);
        }
        if (code < forms[form].smallest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return 0;

        if (ret != NULL)
                *ret = code;
        return forms[form].length;
}
