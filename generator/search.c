/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/search.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "common/root.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Far more than all rules that fit into an environment variable. */
#define FILE_SIZE_MAX (4UL * 1024 * 1024)

static bool is_rule_file(int dir_fd, const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);
        struct stat st;

        if (entry->d_name[0] == '.' || length < strlen("x.conf") ||
            strcmp(entry->d_name + length - strlen(".conf"), ".conf") != 0)
                return false;
        if (entry->d_type != DT_UNKNOWN)
                return entry->d_type != DT_DIR;
        return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode);
}

static int add_entry(struct search *search, size_t directory, const char *name)
{
        struct search_entry *entry;
        int r;

        r = array_grow(&search->entries, search->n_entries, sizeof(*entry));
        if (r < 0)
                return r;
        entry = &search->entries[search->n_entries];
        if (asprintf(&entry->path, "%s/%s", search->manager->rule_dirs[directory], name) < 0)
                return -ENOMEM;
        entry->name = strrchr(entry->path, '/') + 1;
        entry->directory = directory;
        search->n_entries++;
        return 0;
}

static int read_directory(struct search *search, size_t directory)
{
        _cleanup_closedir_ DIR *dir = NULL;
        const struct dirent *entry;
        int fd;

        fd = root_open(search->manager->root, search->manager->rule_dirs[directory],
                       O_RDONLY | O_DIRECTORY);
        if (fd == -ENOENT)
                return 0;
        if (fd < 0)
                return fd;
        search->fds[directory] = fd;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                cleanup_close(&fd);
                return -errno;
        }
        for (;;) {
                int r;

                errno = 0;
                entry = readdir(dir);
                if (!entry)
                        return -errno;
                if (!is_rule_file(search->fds[directory], entry))
                        continue;
                r = add_entry(search, directory, entry->d_name);
                if (r < 0)
                        return r;
        }
}

static int compare_entries(const void *a, const void *b)
{
        const struct search_entry *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r != 0 ? r : (x->directory > y->directory) - (x->directory < y->directory);
}

/* Of each name leave the entry of the directory that counts most. */
static void drop_replaced(struct search *search)
{
        size_t kept = 0;

        if (search->n_entries > 1)
                qsort(search->entries, search->n_entries, sizeof(*search->entries),
                      compare_entries);
        for (size_t i = 0; i < search->n_entries; i++) {
                struct search_entry *entry = &search->entries[i];

                if (kept > 0 && strcmp(search->entries[kept - 1].name, entry->name) == 0)
                        free(entry->path);
                else
                        search->entries[kept++] = *entry;
        }
        search->n_entries = kept;
}

static size_t count_directories(const struct manager *manager)
{
        size_t n = 0;

        while (manager->rule_dirs && manager->rule_dirs[n])
                n++;
        return n;
}

static struct search *search_new(const struct manager *manager)
{
        struct search *search = calloc(1, sizeof(*search));
        size_t n = count_directories(manager);

        if (!search)
                return NULL;
        search->manager = manager;
        search->fds = malloc((n + 1) * sizeof(int));
        search->errors = calloc(n + 1, sizeof(int));
        if (!search->fds || !search->errors) {
                free(search->fds);
                free(search->errors);
                free(search);
                return NULL;
        }
        for (size_t i = 0; i < n; i++)
                search->fds[i] = -1;
        return search;
}

int search_rule_files(const struct manager *manager, struct search **ret)
{
        struct search *search = search_new(manager);

        if (!search)
                return -ENOMEM;
        for (size_t i = 0; i < count_directories(manager); i++) {
                search->errors[i] = read_directory(search, i);
                if (search->errors[i] == -ENOMEM) {
                        search_free(search);
                        return -ENOMEM;
                }
        }
        drop_replaced(search);
        *ret = search;
        return 0;
}

/* Read through a link, which must stay within the root. */
static int read_link(const struct search *search, const struct search_entry *entry, char **ret,
                     size_t *ret_size)
{
        char target[sizeof("/dev/null")];
        ssize_t n = readlinkat(search->fds[entry->directory], entry->name, target, sizeof(target));

        if (n < 0)
                return -errno;
        /* By its text: a root directory has no devices. */
        if (n == sizeof(target) - 1 && memcmp(target, "/dev/null", (size_t)n) == 0)
                return -ENODATA;
        return root_read(search->manager->root, entry->path, FILE_SIZE_MAX, ret, ret_size);
}

int search_read(const struct search *search, const struct search_entry *entry, char **ret,
                size_t *ret_size)
{
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *data = NULL;
        size_t size;
        int r;

        fd = openat(search->fds[entry->directory], entry->name,
                    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd >= 0)
                r = root_read_fd(fd, FILE_SIZE_MAX, &data, &size);
        else if (errno == ELOOP)
                r = read_link(search, entry, &data, &size);
        else
                r = -errno;
        if (r < 0)
                return r;
        if (size == 0)
                return -ENODATA;
        *ret = TAKE(data);
        *ret_size = size;
        return 0;
}

void search_free(struct search *search)
{
        if (!search)
                return;
        for (size_t i = 0; i < count_directories(search->manager); i++)
                cleanup_close(&search->fds[i]);
        for (size_t i = 0; i < search->n_entries; i++)
                free(search->entries[i].path);
        free(search->entries);
        free(search->fds);
        free(search->errors);
        free(search);
}
