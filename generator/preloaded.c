/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/preloaded.h"

#include "common/cleanup.h"
#include "common/library.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY_NAME "/libip2unix.so"

/* Both part libraries in LD_PRELOAD (ld.so(8)). */
#define SEPARATORS " :"

static bool is_library(const char *path, size_t length)
{
        size_t name = strlen(LIBRARY_NAME);

        return length >= name && memcmp(path + length - name, LIBRARY_NAME, name) == 0;
}

static int is_object_library(struct dl_phdr_info *object, size_t size, void *userdata)
{
        (void)size;
        (void)userdata;
        return is_library(object->dlpi_name, strlen(object->dlpi_name));
}

bool preloaded(void)
{
        return dl_iterate_phdr(is_object_library, NULL) != 0;
}

/* Cut our library's path out of a list. Returns NULL when it is not on it. ret: the caller's. */
static int find_path(const char *list, char **ret)
{
        *ret = NULL;
        while (*list) {
                size_t length;

                list += strspn(list, SEPARATORS);
                length = strcspn(list, SEPARATORS);
                if (is_library(list, length)) {
                        *ret = strndup(list, length);
                        return *ret ? 0 : -ENOMEM;
                }
                list += length;
        }
        return 0;
}

/* Errors: see library_check(), and open(2). */
static int check_file(const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        return fd < 0 ? -errno : library_check(fd);
}

int preloaded_reason(char **ret)
{
        const char *list = getenv("LD_PRELOAD");
        _cleanup_free_ char *path = NULL;
        int n, r = find_path(list ? list : "", &path);

        if (r < 0)
                return r;
        if (path)
                r = check_file(path);
        if (r < 0)
                n = asprintf(ret, "%s: %s", path, library_error(r));
        else if (path)
                n = asprintf(ret, "%s: refused by the dynamic loader", path);
        else if (list)
                n = asprintf(ret, "LD_PRELOAD was set to '%s'", list);
        else
                n = asprintf(ret, "LD_PRELOAD was taken away");
        return n < 0 ? -ENOMEM : 0;
}
