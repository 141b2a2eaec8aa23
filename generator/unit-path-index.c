/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-path-index.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "common/root.h"
#include "generator/unit-name.h"
#include "generator/unit-path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

static int compare_entries(const void *a, const void *b)
{
        const struct unit_path_entry *x = a, *y = b;

        return strcmp(x->name, y->name);
}

const struct unit_path_entry *unit_path_dir_get(const struct unit_path_dir *dir, const char *name)
{
        struct unit_path_entry key = {.name = (char *)name};

        if (dir->n_entries == 0)
                return NULL;
        return bsearch(&key, dir->entries, dir->n_entries, sizeof(key), compare_entries);
}

/* Learn where a link leads. */
static int read_target(int dir_fd, struct unit_path_entry *entry)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(dir_fd, entry->name, target, sizeof(target));

        if (n <= 0 || n == sizeof(target))
                return 0;
        entry->target = strndup(target, (size_t)n);
        return entry->target ? 0 : -ENOMEM;
}

static int add_entry(struct unit_path_dir *dir, const struct dirent *dirent)
{
        struct unit_path_entry *entry;
        int r;

        r = array_grow(&dir->entries, dir->n_entries, sizeof(*entry));
        if (r < 0)
                return r;
        entry = &dir->entries[dir->n_entries];
        entry->name = strdup(dirent->d_name);
        if (!entry->name)
                return -ENOMEM;
        dir->n_entries++;
        if (dirent->d_type != DT_LNK && dirent->d_type != DT_UNKNOWN)
                return 0;
        return read_target(dir->fd, entry);
}

static int read_entries(struct unit_path_dir *dir, DIR *stream)
{
        const struct dirent *entry;
        int r = 0;

        while (r == 0 && (entry = readdir(stream)))
                if (entry->d_name[0] != '.')
                        r = add_entry(dir, entry);
        if (dir->n_entries > 1)
                qsort(dir->entries, dir->n_entries, sizeof(*dir->entries), compare_entries);
        return r;
}

static int read_directory(const struct manager *manager, struct unit_path_dir *dir)
{
        _cleanup_closedir_ DIR *stream = NULL;
        int fd;

        dir->fd = root_open(manager->root, dir->path, O_RDONLY | O_DIRECTORY);
        if (dir->fd < 0)
                return 0;
        fd = fcntl(dir->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;
        stream = fdopendir(fd);
        if (!stream) {
                cleanup_close(&fd);
                return -ENOMEM;
        }
        return read_entries(dir, stream);
}

static int compare_aliases(const void *a, const void *b)
{
        const struct unit_path_alias *x = a, *y = b;
        int r = strcmp(x->unit, y->unit);

        return r != 0 ? r : strcmp(x->name, y->name);
}

static int add_alias(struct unit_path *paths, const char *unit, const char *name)
{
        struct unit_path_alias *alias;
        int r = array_grow(&paths->aliases, paths->n_aliases, sizeof(*alias));

        if (r < 0)
                return r;
        alias = &paths->aliases[paths->n_aliases];
        alias->unit = strdup(unit);
        alias->name = strdup(name);
        if (!alias->unit || !alias->name) {
                free(alias->unit);
                free(alias->name);
                return -ENOMEM;
        }
        paths->n_aliases++;
        return 0;
}

/* Add the link of a directory when it gives a unit another name. */
static int read_alias(struct unit_path *paths, const struct unit_path_entry *entry)
{
        _cleanup_(unit_location_free) struct unit_location location = {0};
        int r;

        if (!entry->target || !unit_name_is_valid(entry->name))
                return 0;
        r = unit_path_find(paths, entry->name, &location);
        /* A ring of links: systemd has no such unit. */
        if (r == -ELOOP)
                return 0;
        if (r < 0 || strcmp(location.name, entry->name) == 0)
                return r;
        return add_alias(paths, location.name, entry->name);
}

static int read_aliases(struct unit_path *paths)
{
        for (size_t i = 0; i < paths->n_dirs; i++)
                for (size_t j = 0; j < paths->dirs[i].n_entries; j++) {
                        int r = read_alias(paths, &paths->dirs[i].entries[j]);

                        if (r < 0)
                                return r;
                }
        if (paths->n_aliases > 1)
                qsort(paths->aliases, paths->n_aliases, sizeof(*paths->aliases), compare_aliases);
        return 0;
}

const struct unit_path_alias *unit_path_aliases(const struct unit_path *paths, const char *unit,
                                                size_t *ret_n)
{
        size_t first = 0, last = paths->n_aliases, n = 0;

        while (first < last) {
                size_t middle = first + (last - first) / 2;

                if (strcmp(paths->aliases[middle].unit, unit) < 0)
                        first = middle + 1;
                else
                        last = middle;
        }
        while (first + n < paths->n_aliases && strcmp(paths->aliases[first + n].unit, unit) == 0)
                n++;
        *ret_n = n;
        return n > 0 ? &paths->aliases[first] : NULL;
}

static int read_directories(struct unit_path *paths)
{
        const struct manager *manager = paths->manager;

        for (size_t i = 0; i < manager->n_unit_dirs; i++) {
                struct unit_path_dir *dir;
                int r = array_grow(&paths->dirs, paths->n_dirs, sizeof(*dir));

                if (r < 0)
                        return r;
                dir = &paths->dirs[paths->n_dirs++];
                dir->path = manager->unit_dirs[i].path;
                dir->beats_generators = manager->unit_dirs[i].beats_generators;
                r = read_directory(manager, dir);
                if (r < 0)
                        return r;
        }
        return 0;
}

int unit_path_new(const struct manager *manager, struct unit_path **ret)
{
        struct unit_path *paths = calloc(1, sizeof(*paths));
        int r;

        if (!paths)
                return -ENOMEM;
        paths->manager = manager;
        r = read_directories(paths);
        if (r == 0)
                r = read_aliases(paths);
        if (r < 0) {
                unit_path_free(paths);
                return r;
        }
        *ret = paths;
        return 0;
}

static void free_directory(struct unit_path_dir *dir)
{
        cleanup_close(&dir->fd);
        for (size_t i = 0; i < dir->n_entries; i++) {
                free(dir->entries[i].name);
                free(dir->entries[i].target);
        }
        free(dir->entries);
}

void unit_path_free(struct unit_path *paths)
{
        if (!paths)
                return;
        for (size_t i = 0; i < paths->n_dirs; i++)
                free_directory(&paths->dirs[i]);
        for (size_t i = 0; i < paths->n_aliases; i++) {
                free(paths->aliases[i].unit);
                free(paths->aliases[i].name);
        }
        free(paths->aliases);
        free(paths->dirs);
        free(paths);
}
