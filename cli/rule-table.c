/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/rule-table.h"

#include "cli/message.h"
#include "cli/table.h"
#include "common/cleanup.h"
#include "rules/text.h"
#include <errno.h>
#include <string.h>

/* The longest thing to be said of a rule, beside what it holds of paths and names. */
#define CELL_SLACK 512

/* What a cell is made of. Returns a length or -ENOBUFS, as all that describe rules. */
typedef ssize_t (*describe_fn)(const struct rule *rule, char *ret, size_t size);

static const char *const headings[] = {
        "#", "FROM", "DIRECTION", "SOCKETS", "ADDRESS", "WHAT BECOMES OF THEM", NULL,
};

static const describe_fn cells[] = {
        rule_describe_direction,
        rule_describe_sockets,
        rule_describe_place,
        rule_describe_action,
};

static int add_number(struct table *table, size_t number)
{
        char text[24];

        snprintf(text, sizeof(text), "%zu", number);
        return table_add(table, text);
}

/* Names of files may hold anything. */
static int add_origin(struct table *table, const char *origin)
{
        size_t size = 4 * strlen(origin) + 1;
        _cleanup_free_ char *printable = malloc(size);
        struct text text;

        if (!printable)
                return -ENOMEM;
        text_init(&text, printable, size);
        text_add_printable(&text, origin, strlen(origin));
        text_finish(&text);
        return table_add(table, printable);
}

static int add_entry(struct table *table, const struct rule_entry *entry, size_t number)
{
        size_t size = 4 * strlen(entry->text) + CELL_SLACK;
        _cleanup_free_ char *cell = malloc(size);
        int r = cell ? add_number(table, number) : -ENOMEM;

        if (r == 0)
                r = add_origin(table, entry->origin);
        for (size_t i = 0; r == 0 && i < sizeof(cells) / sizeof(*cells); i++) {
                if (cells[i](&entry->rule, cell, size) < 0)
                        return -ENOMEM;
                r = table_add(table, cell);
        }
        return r;
}

int rule_table_print(const struct rule_list *list, FILE *stream)
{
        _cleanup_(table_clear) struct table table = {.headings = headings};
        int r = 0;

        for (size_t i = 0; r == 0 && i < list->n_entries; i++)
                r = add_entry(&table, &list->entries[i], i + 1);
        if (r < 0)
                return message_no_memory();
        table_print(&table, stream);
        return 0;
}
