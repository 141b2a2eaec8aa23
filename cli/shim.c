/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/shim.h"

#include "cli/message.h"
#include "common/cleanup.h"
#include "common/library.h"
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Where our program and the library are in the build tree. */
#define BUILD_DIRECTORY "/cli"
#define BUILD_LIBRARY   "/preload/libip2unix.so"

/* What separates the libraries of LD_PRELOAD (ld.so(8)). */
#define SEPARATORS ": "

/* ret: owned by the caller; NULL when we don't run from a build tree. */
static int find_in_build(char **ret)
{
        _cleanup_free_ char *own = realpath("/proc/self/exe", NULL);
        char *slash = own ? strrchr(own, '/') : NULL;
        char path[PATH_MAX];

        *ret = NULL;
        if (!slash)
                return 0;
        *slash = '\0';
        slash = strrchr(own, '/');
        if (!slash || strcmp(slash, BUILD_DIRECTORY) != 0)
                return 0;
        *slash = '\0';
        if (snprintf(path, sizeof(path), "%s" BUILD_LIBRARY, own) >= (int)sizeof(path) ||
            access(path, F_OK) < 0)
                return 0;
        *ret = strdup(path);
        return *ret ? 0 : message_no_memory();
}

static int check(const char *path)
{
        _cleanup_close_ int fd = -1;
        int r;

        if (strpbrk(path, SEPARATORS)) {
                message(MESSAGE_ERROR,
                        "can't preload '%s': LD_PRELOAD takes no path with a blank or a colon",
                        path);
                return -EINVAL;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        r = fd < 0 ? -errno : library_check(fd);
        if (r < 0)
                message(MESSAGE_ERROR, "can't preload %s: %s", path, library_error(r));
        return r;
}

int shim_find(char **ret)
{
        _cleanup_free_ char *path = NULL;
        int r = find_in_build(&path);

        if (r == 0 && !path) {
                path = strdup(IP2UNIX_LIBRARY);
                r = path ? 0 : message_no_memory();
        }
        if (r == 0)
                r = check(path);
        if (r == 0)
                *ret = TAKE(path);
        return r;
}
