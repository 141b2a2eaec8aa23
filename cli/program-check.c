/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/program-check.h"

#include "cli/message.h"
#include "cli/search-path.h"
#include "common/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int open_program(const void *userdata, const char *path)
{
        int fd, r;

        (void)userdata;
        /* A FIFO must not hold us up, nor a terminal become ours. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        r = program_check_regular(fd);
        if (r < 0) {
                close(fd);
                return r;
        }
        return fd;
}

static int find_program(const void *userdata, const char *name)
{
        struct search_path search;
        char path[PATH_MAX];

        search_path_begin(&search, name);
        while (search_path_next(&search, path)) {
                int fd = access(path, X_OK) == 0 ? open_program(userdata, path) : -errno;

                if (fd >= 0 || !search_path_goes_on(-fd))
                        return fd;
        }
        return -ENOENT;
}

static const char *const advice[] = {
        [PROGRAM_STATIC] = "use a build of it that is linked dynamically",
        [PROGRAM_GO] = "let something beside it do the translation, such as "
                       "systemd-socket-proxyd(8)",
        [PROGRAM_FOREIGN] = "use an ip2unix that is built for the same",
        [PROGRAM_OTHER_LIBC] = "use a build of it for this system",
        [PROGRAM_SET_ID] =
                "if it starts the program that matters, as sudo does, put ip2unix behind "
                "it, else run a copy without these bits",
        [PROGRAM_CAPABILITIES] = "remove them (setcap -r) and hand it ambient ones instead, see "
                                 "AmbientCapabilities= in systemd.exec(5) and setpriv(1)",
};

int program_check(const char *path, struct program *ret)
{
        static const struct program_files files = {
                .open = open_program,
                .find = find_program,
                .relative = true,
        };
        const char *obstacle;
        char here[PATH_MAX];
        int r;

        if (snprintf(here, sizeof(here), "%s%s", strchr(path, '/') ? "" : "./", path) >= PATH_MAX)
                return -ENAMETOOLONG;
        r = program_follow(&files, here, ret);
        if (r < 0)
                return r;
        obstacle = program_obstacle(ret->kind);
        if (!obstacle)
                return 0;
        message(MESSAGE_ERROR, "can't run %s: %s%s %s, so that no library can be preloaded; %s",
                path, ret->is_interpreter ? "its interpreter " : "it",
                ret->is_interpreter ? ret->file : "", obstacle, advice[ret->kind]);
        return -EPERM;
}
