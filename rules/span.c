/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "rules/parser.h"

bool span_is(struct span span, const char *word)
{
        return strlen(word) == span.length && memcmp(word, span.start, span.length) == 0;
}

bool span_split(struct span *span, char separator, struct span *ret_before)
{
        const char *found = memchr(span->start, separator, span->length);

        if (found == NULL)
                return false;

        size_t before = (size_t)(found - span->start);

        *ret_before = (struct span){span->start, before};
        *span = (struct span){found + 1, span->length - before - 1};
        return true;
}

int span_to_number(struct span span, uint32_t max, uint32_t *ret)
{
        uint32_t number = 0;

        if (span.length == 0 || span.length > 9 || (span.length > 1 && span.start[0] == '0'))
                return -EINVAL;
        for (size_t i = 0; i < span.length; i++) {
                if (span.start[i] < '0' || span.start[i] > '9')
                        return -EINVAL;
                number = number * 10 + (uint32_t)(span.start[i] - '0');
        }
        if (number > max)
                return -EINVAL;
        *ret = number;
        return 0;
}

static int fail_memory(struct parser *parser, struct span value)
{
        parser_fail(parser, value, "no memory left for ", "");
        return -ENOMEM;
}

int parser_take_string(struct parser *parser, struct span value, const char **ret)
{
        struct rule_arena *arena = parser->arena;
        char *next = arena->next;

        /* Undoing escapes makes it shorter, if anything. */
        if ((size_t)(arena->end - arena->next) < value.length + 1)
                return fail_memory(parser, value);
        for (size_t i = 0; i < value.length; i++) {
                char c = value.start[i];

                if (c == '\\' && i + 1 < value.length &&
                    (value.start[i + 1] == ',' || value.start[i + 1] == '\\'))
                        c = value.start[++i];
                *next++ = c;
        }
        *next++ = '\0';
        *ret = arena->next;
        arena->next = next;
        return 0;
}
