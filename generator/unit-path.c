/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-path.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "common/root.h"
#include "generator/unit-name.h"
#include "generator/unit-path-index.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* As many names as systemd follows for one unit. */
#define ALIASES_MAX 8

static const char *last_component(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/*
 * Whether a link from a unit directory leads to a unit directory, which makes it an alias; a link
 * to anywhere else is a unit under the link's own name ("systemctl link").
 */
static bool leads_to_unit_dir(const struct unit_path *paths, const char *target)
{
        size_t length = (size_t)(last_component(target) - target);

        /* "foo.service" and, between /etc's and /usr's, "../../../usr/lib/systemd/system/foo". */
        if (target[0] != '/')
                return true;
        while (length > 1 && target[length - 1] == '/')
                length--;
        for (size_t i = 0; i < paths->n_dirs; i++)
                if (strlen(paths->dirs[i].path) == length &&
                    memcmp(paths->dirs[i].path, target, length) == 0)
                        return true;
        return false;
}

/*
 * The name that a link gives another name to, or NULL. An instance may be linked to a template,
 * and then means that template's instance.
 *
 * ret: owned by the caller, NULL when the link is no alias. Errors: -ENOMEM.
 */
static int alias_target(const struct unit_path *paths, const char *name, const char *target,
                        char **ret)
{
        const char *other = last_component(target);

        *ret = NULL;
        if (strcmp(other, name) == 0 || !unit_name_is_valid(other) ||
            !leads_to_unit_dir(paths, target))
                return 0;
        if (unit_name_is_template(other) && unit_name_is_instance(name)) {
                int r = unit_name_fill(other, name, ret);

                if (r < 0)
                        return r;
                if (strcmp(*ret, name) != 0)
                        return 0;
                /* Its own template: the fragment, not another name. */
                free(*ret);
                *ret = NULL;
                return 0;
        }
        *ret = strdup(other);
        return *ret ? 0 : -ENOMEM;
}

/* The entry that counts for a name, and its directory. */
static const struct unit_path_entry *find_entry(const struct unit_path *paths, const char *name,
                                                const struct unit_path_dir **ret_dir)
{
        for (size_t i = 0; i < paths->n_dirs; i++) {
                const struct unit_path_entry *entry = unit_path_dir_get(&paths->dirs[i], name);

                if (entry) {
                        *ret_dir = &paths->dirs[i];
                        return entry;
                }
        }
        return NULL;
}

static int take_fragment(struct unit_location *location, const struct unit_path_dir *dir,
                         const struct unit_path_entry *entry)
{
        location->masked = entry->target && strcmp(entry->target, "/dev/null") == 0;
        if (location->masked)
                return 0;
        if (asprintf(&location->fragment, "%s/%s", dir->path, entry->name) < 0) {
                location->fragment = NULL;
                return -ENOMEM;
        }
        return 0;
}

/*
 * One step: find the fragment, or the next name when there is an alias (ret_next).
 *
 * An instance that has no file of its own has its template's, which may be an alias too.
 */
static int find_step(const struct unit_path *paths, struct unit_location *location, char **ret_next)
{
        _cleanup_free_ char *template = NULL;
        const struct unit_path_dir *dir;
        const struct unit_path_entry *entry;
        int r;

        *ret_next = NULL;
        entry = find_entry(paths, location->name, &dir);
        if (!entry && unit_name_is_instance(location->name)) {
                r = unit_name_template(location->name, &template);
                if (r < 0)
                        return r;
                entry = find_entry(paths, template, &dir);
        }
        if (!entry)
                return 0;
        if (entry->target) {
                const char *other = last_component(entry->target);

                /* A template that links to itself elsewhere is a template still. */
                if (template && strcmp(other, template) == 0)
                        return take_fragment(location, dir, entry);
                r = alias_target(paths, location->name, entry->target, ret_next);
                if (r < 0 || *ret_next)
                        return r;
        }
        return take_fragment(location, dir, entry);
}

int unit_path_find(const struct unit_path *paths, const char *name, struct unit_location *ret)
{
        _cleanup_(unit_location_free) struct unit_location location = {.name = strdup(name)};

        if (!location.name)
                return -ENOMEM;
        for (unsigned i = 0; i <= ALIASES_MAX; i++) {
                char *next;
                int r = find_step(paths, &location, &next);

                if (r < 0)
                        return r;
                if (!next) {
                        *ret = location;
                        location = (struct unit_location){0};
                        return 0;
                }
                free(location.name);
                location.name = next;
        }
        return -ELOOP;
}

int unit_path_read(const struct unit_path *paths, const char *fragment, size_t limit, char **ret,
                   size_t *ret_size)
{
        const char *name = last_component(fragment);
        _cleanup_close_ int fd = -1;
        const struct unit_path_dir *dir;
        const struct unit_path_entry *entry = find_entry(paths, name, &dir);

        if (!entry || entry->target)
                return root_read(paths->manager->root, fragment, limit, ret, ret_size);
        /* The directory is open: a thousand units need not walk there a thousand times. */
        fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return fd < 0 ? -errno : root_read_fd(fd, limit, ret, ret_size);
}

void unit_location_free(struct unit_location *location)
{
        free(location->name);
        free(location->fragment);
}

int unit_path_hidden(const struct unit_path *paths, const char *name, char **ret)
{
        const struct unit_path_dir *dir;
        const struct unit_path_entry *entry = find_entry(paths, name, &dir);

        *ret = NULL;
        if (!entry || dir->beats_generators)
                return 0;
        if (asprintf(ret, "%s/%s", dir->path, name) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}
