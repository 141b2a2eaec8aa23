/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/rule-list.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "generator/instance.h"
#include "generator/unit-name.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The rules as long as an instance can make them, line by line as they are written. */
static int measure(const struct unit *unit, const char *rules, char **ret)
{
        char longest[UNIT_NAME_LENGTH_MAX + 1];
        struct buffer text = BUFFER_INIT;
        int r;

        memset(longest, 'x', UNIT_NAME_LENGTH_MAX);
        longest[UNIT_NAME_LENGTH_MAX] = '\0';
        if (unit_is_template(unit))
                instance_fill(&text, rules, longest);
        else
                buffer_add(&text, rules);
        r = buffer_take(&text, ret);
        if (r < 0)
                buffer_clear(&text);
        return r;
}

/* The length of as many lines as the part has. */
static size_t lines_length(const char *rules, const struct rule_part *part)
{
        const char *end = rules;

        for (size_t i = 0; i < part->length; i++)
                if (part->text[i] == '\n')
                        end = strchr(end, '\n') + 1;
        return (size_t)(end - rules) + strcspn(end, "\n");
}

static int add_variable(struct rule_list *list, const struct rule_part *part, const char *rules,
                        size_t length)
{
        struct rule_variable *variable = &list->variables[list->n_variables];

        variable->name = part->name;
        if (asprintf(&variable->value, "%.*s%s", (int)length, rules, part->end) < 0)
                return -ENOMEM;
        list->n_variables++;
        return 0;
}

static int split(struct rule_list *list, const char *rules, const char *measured)
{
        struct rule_parts parts;
        struct rule_part part;
        int r;

        rule_parts_begin(&parts, measured, strlen(measured));
        while ((r = rule_parts_next(&parts, &part)) > 0) {
                size_t length = lines_length(rules, &part);

                r = add_variable(list, &part, rules, length);
                if (r < 0)
                        break;
                rules += length;
                rules += *rules == '\n';
        }
        return r;
}

int rule_list_make(const struct unit *unit, struct rule_list *ret)
{
        _cleanup_(rule_list_clear) struct rule_list list = {.n_variables = 0};
        _cleanup_free_ char *rules = NULL, *measured = NULL;
        int r = unit_rules(unit, &rules);

        *ret = list;
        if (r == 0)
                r = measure(unit, rules, &measured);
        if (r == 0)
                r = split(&list, rules, measured);
        if (r < 0)
                return r;
        *ret = list;
        list.n_variables = 0;
        return 0;
}

void rule_list_clear(struct rule_list *list)
{
        for (size_t i = 0; i < list->n_variables; i++)
                free(list->variables[i].value);
        list->n_variables = 0;
}
