/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inherited.h"

#include "cli/message.h"
#include "rules/parts.h"
#include <stdlib.h>
#include <string.h>

static int add_rules(struct rule_list *list, const char *name, const char *text, size_t length)
{
        int r = 0;

        for (const char *line = text, *end; r == 0 && length > 0; line = end) {
                size_t size;

                end = memchr(line, '\n', length);
                end = end ? end : line + length;
                size = (size_t)(end - line);
                if (size > 0)
                        r = rule_list_add(list, line, size, "inherited", name);
                end += size < length;
                length -= (size_t)(end - line);
        }
        return r;
}

int inherited_read(struct rule_list *list)
{
        bool more = true;

        for (size_t part = 1; more; part++) {
                const char *name = rule_parts_name(part);
                const char *value = name ? getenv(name) : NULL;
                size_t length;
                int r;

                /* One that somebody has emptied is none. */
                if (value && *value == '\0')
                        value = NULL;
                if (!value && part == 1)
                        return 0;
                if (!value) {
                        message(MESSAGE_ERROR, "%s ends with '+', but %s is missing",
                                rule_parts_name(part - 1), name ? name : "the next");
                        rule_list_count_error(list);
                        return 0;
                }
                more = rule_parts_continue(value, &length);
                r = add_rules(list, name, value, length);
                if (r < 0)
                        return r;
        }
        return 0;
}
