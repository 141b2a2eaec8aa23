/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/parts.h"

#include <errno.h>
#include <string.h>

#define MORE "\n+"

static const char *const names[RULE_PARTS_MAX] = {
        "IP2UNIX_RULES",    "IP2UNIX_RULES_2",  "IP2UNIX_RULES_3",  "IP2UNIX_RULES_4",
        "IP2UNIX_RULES_5",  "IP2UNIX_RULES_6",  "IP2UNIX_RULES_7",  "IP2UNIX_RULES_8",
        "IP2UNIX_RULES_9",  "IP2UNIX_RULES_10", "IP2UNIX_RULES_11", "IP2UNIX_RULES_12",
        "IP2UNIX_RULES_13", "IP2UNIX_RULES_14", "IP2UNIX_RULES_15", "IP2UNIX_RULES_16",
};

const char *rule_parts_name(size_t part)
{
        return part >= 1 && part <= RULE_PARTS_MAX ? names[part - 1] : NULL;
}

/* An empty part would read like a variable that somebody has emptied. */
static void skip_breaks(struct rule_parts *parts)
{
        while (parts->length > 0 && *parts->next == '\n') {
                parts->next++;
                parts->length--;
        }
}

void rule_parts_begin(struct rule_parts *parts, const char *text, size_t length)
{
        while (length > 0 && text[length - 1] == '\n')
                length--;
        *parts = (struct rule_parts){.next = text, .length = length};
        skip_breaks(parts);
}

/* The length of the whole lines that fit into room, which is less than what is left. */
static size_t fit_lines(const struct rule_parts *parts, size_t room)
{
        size_t length = room;

        while (parts->next[length] != '\n')
                length--;
        return length;
}

static size_t line_length(const struct rule_parts *parts)
{
        const char *line_break = memchr(parts->next, '\n', parts->length);

        return line_break == NULL ? parts->length : (size_t)(line_break - parts->next);
}

int rule_parts_next(struct rule_parts *parts, struct rule_part *ret)
{
        struct rule_part part = {.text = parts->next, .length = parts->length, .end = ""};
        size_t room;

        if (parts->length == 0)
                return 0;
        part.name = rule_parts_name(parts->number + 1);
        if (part.name == NULL)
                return -E2BIG;
        if (line_length(parts) > RULE_PARTS_RULE_MAX)
                return -EMSGSIZE;

        /* As the first line fits into any part, so do some lines, even where not all of them do. */
        room = RULE_PARTS_STRING_MAX - strlen(part.name) - strlen("=");
        if (parts->length > room) {
                part.length = fit_lines(parts, room - strlen(MORE));
                part.end = MORE;
        }
        parts->next += part.length;
        parts->length -= part.length;
        parts->number++;
        skip_breaks(parts);
        *ret = part;
        return 1;
}

bool rule_parts_continue(const char *value, size_t *ret_length)
{
        size_t length = strlen(value);
        bool more = length > 0 && value[length - 1] == '+' &&
                    (length == 1 || value[length - 2] == '\n');

        if (more)
                length -= length == 1 ? 1 : strlen(MORE);
        *ret_length = length;
        return more;
}
