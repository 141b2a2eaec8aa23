/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit.h"

#include "common/array.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/root.h"
#include "generator/render.h"
#include "generator/unit-file.h"
#include "generator/unit-name.h"
#include <errno.h>
#include <string.h>

/* A file and where its unit is. */
struct member {
        struct unit_location location;
        struct rulefile *file;
        size_t order;
};

static int compare_members(const void *a, const void *b)
{
        const struct member *x = a, *y = b;
        int r = strcmp(x->location.name, y->location.name);

        return r != 0 ? r : (x->order > y->order) - (x->order < y->order);
}

static void free_members(struct member *members, size_t n_members)
{
        for (size_t i = 0; i < n_members; i++)
                unit_location_free(&members[i].location);
        free(members);
}

static int locate(const struct unit_path *paths, struct rulefile *file, struct unit_location *ret)
{
        int r = unit_path_find(paths, file->unit, ret);

        if (r != -ELOOP)
                return r;
        r = rulefile_complain(file, 0, "the links that '%s' is an alias by go in a circle",
                              file->unit);
        *ret = (struct unit_location){.name = strdup(file->unit)};
        return r == 0 && !ret->name ? -ENOMEM : r;
}

/* Append the unit that begins with this member. */
static int add_unit(struct units *units, struct member *member, size_t first)
{
        struct unit *unit;
        int r = array_grow(&units->items, units->n_items, sizeof(*unit));

        if (r < 0)
                return r;
        unit = &units->items[units->n_items++];
        unit->name = TAKE(member->location.name);
        unit->fragment = TAKE(member->location.fragment);
        unit->masked = member->location.masked;
        unit->files = units->files + first;
        unit->settings.unit = unit->name;
        return 0;
}

static int group(struct units *units, struct member *members, size_t n_members)
{
        units->files = calloc(n_members + 1, sizeof(struct rulefile *));
        if (!units->files)
                return -ENOMEM;
        for (size_t i = 0; i < n_members; i++) {
                struct unit *last = units->n_items > 0 ? &units->items[units->n_items - 1] : NULL;

                units->files[i] = members[i].file;
                if (!last || strcmp(last->name, members[i].location.name) != 0) {
                        int r = add_unit(units, &members[i], i);

                        if (r < 0)
                                return r;
                }
                units->items[units->n_items - 1].n_files++;
        }
        return 0;
}

int units_join(struct rulefile **files, size_t n_files, const struct unit_path *paths,
               struct units **ret)
{
        struct units *units = calloc(1, sizeof(*units));
        struct member *members = NULL;
        size_t n_members = 0;
        int r = units ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < n_files; i++) {
                if (!files[i]->unit)
                        continue;
                r = array_grow(&members, n_members, sizeof(*members));
                if (r < 0)
                        break;
                members[n_members].file = files[i];
                members[n_members].order = i;
                r = locate(paths, files[i], &members[n_members].location);
                n_members += r == 0;
        }
        if (r == 0 && n_members > 1)
                qsort(members, n_members, sizeof(*members), compare_members);
        if (r == 0)
                r = group(units, members, n_members);
        free_members(members, n_members);
        if (r < 0) {
                units_free(units);
                return r;
        }
        *ret = units;
        return 0;
}

void units_free(struct units *units)
{
        if (!units)
                return;
        for (size_t i = 0; i < units->n_items; i++) {
                free(units->items[i].name);
                free(units->items[i].fragment);
                unit_settings_clear(&units->items[i].settings);
        }
        free(units->items);
        free(units->files);
        free(units);
}

const struct rulefile *unit_broken_file(const struct unit *unit)
{
        for (size_t i = 0; i < unit->n_files; i++)
                if (unit->files[i]->n_complaints > 0)
                        return unit->files[i];
        return NULL;
}

bool unit_is_template(const struct unit *unit)
{
        return unit_name_is_template(unit->name);
}

int unit_rules(const struct unit *unit, char **ret)
{
        struct buffer rules = BUFFER_INIT;
        int r;

        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_rules; j++) {
                        if (rules.length > 0)
                                buffer_add_char(&rules, '\n');
                        buffer_add(&rules, unit->files[i]->rules[j].text);
                }
        r = buffer_take(&rules, ret);
        if (r < 0)
                buffer_clear(&rules);
        return r;
}

const char *unit_log_level(const struct unit *unit)
{
        const char *level = NULL;

        for (size_t i = 0; i < unit->n_files; i++)
                if (unit->files[i]->log_level)
                        level = unit->files[i]->log_level;
        return level;
}

/* What can't be read counts as empty: systemd can't read it either. */
static int read_fragment(struct unit *unit, struct unit_settings_reader *reader,
                         const struct unit_path *paths)
{
        _cleanup_free_ char *data = NULL;
        size_t size;
        int r;

        if (!unit->fragment)
                return 0;
        r = unit_path_read(paths, unit->fragment, UNIT_SETTINGS_FILE_SIZE_MAX, &data, &size);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        unit->masked = size == 0;
        return unit_file_read(data, size, unit_settings_take, reader);
}

static int read_dropin(struct unit_settings_reader *reader, const char *path)
{
        _cleanup_free_ char *data = NULL;
        size_t size;
        int r = root_read(reader->root, path, UNIT_SETTINGS_FILE_SIZE_MAX, &data, &size);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return unit_file_read(data, size, unit_settings_take, reader);
}

static int read_rule_files(const struct unit *unit, struct unit_settings_reader *reader)
{
        int r = 0;

        for (size_t i = 0; i < unit->n_files; i++) {
                const struct assignments *service = &unit->files[i]->service;

                for (size_t j = 0; r == 0 && j < service->n_items; j++)
                        r = unit_settings_take("Service", service->items[j].key,
                                               service->items[j].value, reader);
        }
        return r;
}

/* Read what comes before our drop-in, what will be in it, and what comes after it. */
static int read_dropins(const struct unit *unit, struct unit_settings_reader *reader,
                        const struct unit_path *paths)
{
        struct unit_dropin *dropins = NULL;
        size_t n_dropins = 0, i = 0;
        int r = unit_path_dropins(paths, unit->name, &dropins, &n_dropins);

        for (; r == 0 && i < n_dropins && strcmp(dropins[i].name, RENDER_DROPIN) < 0; i++)
                if (!dropins[i].masks)
                        r = read_dropin(reader, dropins[i].path);
        if (r == 0)
                r = read_rule_files(unit, reader);
        for (; r == 0 && i < n_dropins; i++) {
                if (strcmp(dropins[i].name, RENDER_DROPIN) == 0) {
                        if (dropins[i].beats_generators)
                                reader->settings->replaced_by = TAKE(dropins[i].path);
                        continue;
                }
                reader->late = dropins[i].path;
                if (!dropins[i].masks)
                        r = read_dropin(reader, dropins[i].path);
        }
        unit_dropins_free(dropins, n_dropins);
        return r;
}

int unit_read_settings(struct unit *unit, const struct manager *manager,
                       const struct unit_path *paths)
{
        struct unit_settings_reader reader = {.settings = &unit->settings, .root = manager->root};
        int r;

        unit->settings.home = manager->home;
        r = read_fragment(unit, &reader, paths);

        return r < 0 ? r : read_dropins(unit, &reader, paths);
}
