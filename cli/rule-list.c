/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/rule-list.h"

#include "cli/complete.h"
#include "cli/excerpt.h"
#include "cli/message.h"
#include "common/array.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "rules/parts.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Nobody reads on after so many: it is one rule that stands too early. */
#define UNREACHED_MAX 20

/* A rule that is being read. */
struct reading {
        const char *text;
        size_t length;
        char where[PATH_MAX + 32];
};

static void entry_clear(struct rule_entry *entry)
{
        free(entry->origin);
        free(entry->where);
        free(entry->text);
        free(entry->memory);
}

void rule_list_clear(struct rule_list *list)
{
        for (size_t i = 0; i < list->n_entries; i++)
                entry_clear(&list->entries[i]);
        free(list->entries);
        *list = RULE_LIST_INIT;
}

static void complain(const struct reading *reading, enum message_level level, const char *kind,
                     const struct rule_error *error)
{
        message(level, "%s: %s%s", reading->where, kind, error->message);
        excerpt_print(level, reading->text, reading->length, error->offset, error->length);
}

static void take_warning(const struct rule_error *warning, void *userdata)
{
        complain(userdata, MESSAGE_WARNING, "warning: ", warning);
}

/* memory: of the strings of the rule, owned by the caller. */
static int parse(const char *text, size_t length, unsigned flags, struct rule *ret, char **memory,
                 struct rule_error *ret_error, struct reading *warned)
{
        size_t size = RULE_ARENA_SIZE(length);
        struct rule_arena arena;

        *memory = malloc(size);
        if (!*memory)
                return -ENOMEM;
        arena = (struct rule_arena){.next = *memory, .end = *memory + size};
        return rule_parse(text, length, flags, &arena, ret, ret_error, warned ? take_warning : NULL,
                          warned);
}

/* What is too long once it is absolute is seen here, and said of the path as it was given. */
static int parse_completed(const struct reading *reading, struct rule_entry *entry,
                           struct rule_error *ret_error)
{
        int r = parse(entry->text, strlen(entry->text), 0, &entry->rule, &entry->memory, ret_error,
                      NULL);

        if (r == -EINVAL)
                complete_point_at_path(reading->text, reading->length, ret_error);
        return r;
}

/* Of all rules, as many as there is room for go into a variable of the environment; never a part.
 */
static int check_length(const struct rule_entry *entry, struct rule_error *ret_error)
{
        if (strlen(entry->text) <= RULE_PARTS_RULE_MAX)
                return 0;
        *ret_error = (struct rule_error){};
        snprintf(ret_error->message, sizeof(ret_error->message),
                 "the rule is too long: %zu bytes at most fit into the environment",
                 RULE_PARTS_RULE_MAX);
        return -EINVAL;
}

static int read_entry(struct reading *reading, struct rule_entry *entry,
                      struct rule_error *ret_error)
{
        _cleanup_free_ char *memory = NULL;
        struct rule rule;
        int r;

        r = parse(reading->text, reading->length, RULE_PARSE_RELATIVE_PATHS, &rule, &memory,
                  ret_error, reading);
        if (r == 0)
                r = complete_rule(&rule, reading->text, reading->length, &entry->text, ret_error);
        if (r == 0)
                r = parse_completed(reading, entry, ret_error);
        return r < 0 ? r : check_length(entry, ret_error);
}

static void name_place(struct reading *reading, const char *where, size_t number)
{
        if (where)
                snprintf(reading->where, sizeof(reading->where), "%s", where);
        else
                snprintf(reading->where, sizeof(reading->where), "rule %zu", number);
}

/* Look whether the last rule of the list is left anything by those before it. */
static void warn_unreached(struct rule_list *list, const struct reading *reading)
{
        const struct rule_entry *last = &list->entries[list->n_entries - 1];

        if (!list->warns_unreached || list->n_unreached == UNREACHED_MAX)
                return;
        for (const struct rule_entry *entry = list->entries;
             entry < last && entry < list->entries + RULE_COVERS_MAX; entry++) {
                if (!rule_covers(&entry->rule, &last->rule))
                        continue;
                message(MESSAGE_WARNING,
                        "%s: warning: rule is never reached: %s matches all that it does",
                        reading->where, entry->where);
                excerpt_print(MESSAGE_WARNING, reading->text, reading->length, 0, 0);
                list->n_unreached++;
                return;
        }
}

int rule_list_add(struct rule_list *list, const char *text, size_t length, const char *origin,
                  const char *where)
{
        struct reading reading = {.text = text, .length = length};
        struct rule_entry entry = {.origin = strdup(origin)};
        struct rule_error error;
        int r;

        name_place(&reading, where, ++list->n_seen);
        entry.where = strdup(reading.where);
        r = entry.origin && entry.where ? 0 : -ENOMEM;
        if (r == 0)
                r = read_entry(&reading, &entry, &error);
        if (r == 0)
                r = array_grow(&list->entries, list->n_entries, sizeof(entry));
        if (r == 0) {
                list->entries[list->n_entries++] = entry;
                warn_unreached(list, &reading);
                return 0;
        }
        entry_clear(&entry);
        if (r == -ENOMEM)
                return message_no_memory();
        complain(&reading, MESSAGE_ERROR, "", &error);
        rule_list_count_error(list);
        return 0;
}

void rule_list_count_error(struct rule_list *list)
{
        list->n_errors++;
}

int rule_list_join(const struct rule_list *list, char **ret)
{
        _cleanup_(buffer_clear) struct buffer text = BUFFER_INIT;

        for (size_t i = 0; i < list->n_entries; i++) {
                buffer_add(&text, list->entries[i].text);
                buffer_add_char(&text, '\n');
        }
        return buffer_take(&text, ret);
}
