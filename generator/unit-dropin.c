/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/array.h"
#include "common/cleanup.h"
#include "common/root.h"
#include "generator/unit-name.h"
#include "generator/unit-path-index.h"
#include "generator/unit-path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct dropins {
        const struct unit_path *paths;
        struct unit_dropin *items;
        size_t n_items;
        /* Generators' own come after the unit's in /etc and /run, but before those of its aliases.
         */
        bool may_beat_generators;
};

static void dropins_clear(struct dropins *dropins)
{
        unit_dropins_free(dropins->items, dropins->n_items);
}

static bool is_mask(int dir_fd, const char *name)
{
        char target[sizeof("/dev/null")];
        struct stat st;
        ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));

        if (n >= 0)
                return n == sizeof(target) - 1 && memcmp(target, "/dev/null", (size_t)n) == 0;
        return fstatat(dir_fd, name, &st, 0) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static int add_file(struct dropins *dropins, const struct unit_path_dir *parent, int dir_fd,
                    const char *dir, const char *name)
{
        struct unit_dropin *item;
        size_t length = strlen(name);
        int r;

        if (name[0] == '.' || length < strlen("x.conf") ||
            strcmp(name + length - strlen(".conf"), ".conf") != 0)
                return 0;
        r = array_grow(&dropins->items, dropins->n_items, sizeof(*item));
        if (r < 0)
                return r;
        item = &dropins->items[dropins->n_items];
        if (asprintf(&item->path, "%s/%s", dir, name) < 0)
                return -ENOMEM;
        item->name = strrchr(item->path, '/') + 1;
        item->masks = is_mask(dir_fd, name);
        item->beats_generators = dropins->may_beat_generators && parent->beats_generators;
        item->order = dropins->n_items++;
        return 0;
}

/* Add what is in the drop-in directory of a name, where there is one. */
static int add_directory(struct dropins *dropins, const struct unit_path_dir *dir, const char *name,
                         size_t name_length, const char *suffix)
{
        _cleanup_closedir_ DIR *stream = NULL;
        const struct dirent *entry;
        char last[2 * NAME_MAX], path[PATH_MAX];
        int fd;

        if (snprintf(last, sizeof(last), "%.*s%s.d", (int)name_length, name, suffix) > NAME_MAX ||
            !unit_path_dir_get(dir, last))
                return 0;
        if (snprintf(path, sizeof(path), "%s/%s", dir->path, last) >= (int)sizeof(path))
                return 0;
        fd = root_open(dropins->paths->manager->root, path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return 0;
        stream = fdopendir(fd);
        if (!stream) {
                cleanup_close(&fd);
                return -ENOMEM;
        }
        while ((entry = readdir(stream))) {
                int r = add_file(dropins, dir, fd, path, entry->d_name);

                if (r < 0)
                        return r;
        }
        return 0;
}

/*
 * "foo-bar-waldo.service" also has the drop-ins of "foo-bar-.service" and "foo-.service".
 *
 * rests: what may stand behind such a part of the name, NULL-terminated.
 */
static int add_prefixes(struct dropins *dropins, const struct unit_path_dir *dir, const char *name,
                        const char *const *rests)
{
        const char *at = strchr(name, '@');
        size_t length = (size_t)((at ? at : unit_name_suffix(name)) - name);

        for (;;) {
                while (length > 0 && name[length - 1] == '-')
                        length--;
                while (length > 0 && name[length - 1] != '-')
                        length--;
                if (length == 0)
                        return 0;
                for (const char *const *rest = rests; *rest; rest++) {
                        int r = add_directory(dropins, dir, name, length, *rest);

                        if (r < 0)
                                return r;
                }
        }
}

/*
 * In the order of systemd: all directories for a name, the name before what it is an instance of,
 * and that before their prefixes, without the instance first ("foo-.service", "foo-@one.service",
 * "foo-@.service").
 */
static int add_name(struct dropins *dropins, const char *name)
{
        const char *plain[] = {unit_name_suffix(name), NULL};
        const char *instances[] = {strchr(name, '@'), NULL, NULL};
        _cleanup_free_ char *template = NULL;
        int r = 0;

        if (unit_name_is_instance(name))
                r = unit_name_template(name, &template);
        if (r == 0 && template)
                instances[1] = strchr(template, '@');
        for (size_t i = 0; r == 0 && i < dropins->paths->n_dirs; i++) {
                const struct unit_path_dir *dir = &dropins->paths->dirs[i];

                r = add_directory(dropins, dir, name, strlen(name), "");
                if (r == 0 && template)
                        r = add_directory(dropins, dir, template, strlen(template), "");
                if (r == 0)
                        r = add_prefixes(dropins, dir, name, plain);
                if (r == 0)
                        r = add_prefixes(dropins, dir, name, instances);
        }
        return r;
}

static int add_all(struct dropins *dropins, const char *name)
{
        size_t n_aliases;
        const struct unit_path_alias *aliases = unit_path_aliases(dropins->paths, name, &n_aliases);
        int r;

        dropins->may_beat_generators = true;
        r = add_name(dropins, name);
        dropins->may_beat_generators = false;
        for (size_t i = 0; r == 0 && i < n_aliases; i++)
                r = add_name(dropins, aliases[i].name);
        for (size_t i = 0; r == 0 && i < dropins->paths->n_dirs; i++)
                r = add_directory(dropins, &dropins->paths->dirs[i], unit_name_suffix(name) + 1,
                                  strlen(unit_name_suffix(name) + 1), "");
        return r;
}

static int compare_dropins(const void *a, const void *b)
{
        const struct unit_dropin *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r != 0 ? r : (x->order > y->order) - (x->order < y->order);
}

/* Of each name leave the one that counts. */
static void drop_replaced(struct dropins *dropins)
{
        size_t kept = 0;

        if (dropins->n_items > 1)
                qsort(dropins->items, dropins->n_items, sizeof(*dropins->items), compare_dropins);
        for (size_t i = 0; i < dropins->n_items; i++) {
                struct unit_dropin *item = &dropins->items[i];

                if (kept > 0 && strcmp(dropins->items[kept - 1].name, item->name) == 0)
                        free(item->path);
                else
                        dropins->items[kept++] = *item;
        }
        dropins->n_items = kept;
}

int unit_path_dropins(const struct unit_path *paths, const char *name, struct unit_dropin **ret,
                      size_t *ret_n)
{
        _cleanup_(dropins_clear) struct dropins dropins = {.paths = paths};
        int r = add_all(&dropins, name);

        if (r < 0)
                return r;
        drop_replaced(&dropins);
        *ret = dropins.items;
        *ret_n = dropins.n_items;
        dropins = (struct dropins){0};
        return 0;
}

void unit_dropins_free(struct unit_dropin *dropins, size_t n_dropins)
{
        for (size_t i = 0; i < n_dropins; i++)
                free(dropins[i].path);
        free(dropins);
}
