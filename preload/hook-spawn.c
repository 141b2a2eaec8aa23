/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * posix_spawn_file_actions_addclose(3), posix_spawn_file_actions_addclosefrom_np(3): what the C
 * library closes in the child of posix_spawn(3), without our hooks. The program that is executed
 * may be the one that binds, so that systemd's descriptors that wait are spared, as close(2) and
 * closefrom(3) spare them. Python closes in this way from 3.13 on.
 */

#include <spawn.h>

#include "preload/hook.h"

/* Since glibc 2.34. */
HOOK int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest);

static bool is_kept(int fd)
{
        return UNLIKELY(WORD_KIND(table_get(fd)) == WORD_KEPT);
}

HOOK int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
{
        /* Closing what is not open is no error there. */
        return is_kept(fd) ? 0 : NEXT(posix_spawn_file_actions_addclose)(actions, fd);
}

static int last_kept(int lowest)
{
        int last = -1;

        for (int fd = table_next(lowest); fd >= 0; fd = table_next(fd + 1))
                if (is_kept(fd))
                        last = fd;

        return last;
}

/*
 * Nothing says "all but these", so that the numbers below the last that is kept are closed one by
 * one. Those that are kept lie below 1024.
 */
HOOK int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest)
{
        const int last = lowest < 0 ? -1 : last_kept(lowest);

        for (int fd = lowest; fd <= last; fd++) {
                const int r = posix_spawn_file_actions_addclose(actions, fd);

                if (r != 0)
                        return r;
        }

        return NEXT(posix_spawn_file_actions_addclosefrom_np)(actions,
                                                              last < 0 ? lowest : last + 1);
}
