/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides what the next program gets. See inheritance.h. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "preload/inheritance.h"
#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/process.h"
#include "preload/table.h"

/* Whose process it was when it began. */
static struct {
        uid_t uid, euid;
        gid_t gid;
} started_as;

static bool begun_before;

void inheritance_open(bool begun)
{
        begun_before = begun;
        if (kept_count() == 0 && !begun)
                return;

        started_as.uid = kernel_getuid();
        started_as.euid = kernel_geteuid();
        started_as.gid = kernel_getgid();
}

bool inheritance_is_ours(const struct kept *k)
{
        return k->taken_by != 0 && process_is_heir_of(k->taken_by);
}

bool inheritance_has_begun(void)
{
        if (begun_before)
                return true;

        for (int i = 0; i < kept_count(); i++)
                if (kept_at(i)->taken_by != 0)
                        return true;

        return false;
}

int inheritance_next_socket(int fd)
{
        for (fd = table_next(fd); fd >= 0; fd = table_next(fd + 1))
                if (sock_of(table_get(fd)) && !(next.fcntl(fd, F_GETFD) & FD_CLOEXEC))
                        return fd;

        return -1;
}

bool inheritance_is_retired(void)
{
        if (!inheritance_has_begun())
                return false;

        for (int i = 0; i < kept_count(); i++)
                if (inheritance_is_ours(kept_at(i)))
                        return false;

        /* With a converted socket in its hands the next program needs us, whoever runs it. */
        return (kernel_getuid() != started_as.uid || kernel_geteuid() != started_as.euid ||
                kernel_getgid() != started_as.gid) &&
               inheritance_next_socket(0) < 0;
}

/* Does the program itself hand its listener to the next one? */
static void keep_what_is_inherited(void)
{
        for (int fd = inheritance_next_socket(0); fd >= 0; fd = inheritance_next_socket(fd + 1)) {
                const word w = table_get(fd);
                const int place = WORD_KIND(w) == WORD_SOCK ? sock_at(WORD_INDEX(w))->kept : -1;

                if (place >= 0)
                        next.fcntl(kept_at(place)->fd, F_SETFD, 0);
        }
}

void inheritance_prepare_exec(void)
{
        const int saved = errno;
        bool retired;

        if (kept_count() == 0)
                return;

        retired = inheritance_is_retired();
        for (int i = 0; i < kept_count(); i++)
                if (retired)
                        next.fcntl(kept_at(i)->fd, F_SETFD, FD_CLOEXEC);
                else if (inheritance_is_ours(kept_at(i)))
                        next.fcntl(kept_at(i)->fd, F_SETFD, 0);
        keep_what_is_inherited();
        errno = saved;
}

void inheritance_prepare_spawn(void)
{
        const int saved = errno;

        if (kept_count() > 0 && inheritance_is_retired())
                for (int i = 0; i < kept_count(); i++)
                        next.fcntl(kept_at(i)->fd, F_SETFD, FD_CLOEXEC);
        errno = saved;
}

void inheritance_exec_failed(void)
{
        const int saved = errno;

        for (int i = 0; i < kept_count(); i++)
                next.fcntl(kept_at(i)->fd, F_SETFD, kept_at(i)->taken_by != 0 ? FD_CLOEXEC : 0);
        errno = saved;
}
