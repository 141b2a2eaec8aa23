/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What others wait for: proc(5), syscall. See waits.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

#define LOOKS   2 /* a call may also wait for a moment on its way: for a lock, for memory */
#define LOOK_US 1000
#define GUESS   100000 /* microseconds, where the kernel tells nothing but that somebody sleeps */

/* What waits for descriptors. Newer architectures have no poll, select and epoll_wait. */
static const long waiting_calls[] = {
        SYS_read,        SYS_readv,   SYS_recvfrom,   SYS_recvmsg, SYS_recvmmsg,
        SYS_accept,      SYS_accept4, SYS_connect,    SYS_sendto,  SYS_sendmsg,
        SYS_epoll_pwait, SYS_ppoll,   SYS_pselect6,
#ifdef SYS_poll
        SYS_poll,        SYS_select,  SYS_epoll_wait,
#endif
};

/* Returns the length of what is in the file, or -1. */
static ssize_t read_file(const char *path, char *ret, size_t size)
{
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -1;

        n = read(fd, ret, size - 1);
        close(fd);
        if (n >= 0)
                ret[n] = 0;
        return n;
}

static bool is_asleep(const char *task)
{
        char path[64], text[512];
        const char *name_end;

        snprintf(path, sizeof(path), "%s/stat", task);
        if (read_file(path, text, sizeof(text)) < 0)
                return false;

        name_end = strrchr(text, ')');
        return name_end && strncmp(name_end, ") S", 3) == 0;
}

/*
 * The system call that the task waits in, and its first argument, which is of read(2) the
 * descriptor. Returns false when it waits in none. A kernel, or who confines this process, may tell
 * nothing of calls: then it is a guess that who sleeps after a while does so for that.
 */
static bool get_call(const char *task, long *ret_number, unsigned long *ret_argument)
{
        char path[64], text[256];

        snprintf(path, sizeof(path), "%s/syscall", task);
        if (read_file(path, text, sizeof(text)) < 0) {
                if (errno == ESRCH || !is_asleep(task))
                        return false;
                usleep(GUESS);
                *ret_number = SYS_read;
                *ret_argument = (unsigned long)-1;
                return is_asleep(task);
        }
        return sscanf(text, "%ld %lx", ret_number, ret_argument) == 2;
}

static bool waits_for_descriptors(const char *task)
{
        unsigned long argument;
        long number;

        if (!get_call(task, &number, &argument))
                return false;
        for (size_t i = 0; i < sizeof(waiting_calls) / sizeof(waiting_calls[0]); i++)
                if (waiting_calls[i] == number)
                        return true;
        return false;
}

static bool so_many_wait(int threads)
{
        DIR *directory = opendir("/proc/self/task");
        const struct dirent *entry;
        int waiting = 0;

        need(directory != NULL, "/proc/self/task");
        while ((entry = readdir(directory))) {
                char task[64];

                snprintf(task, sizeof(task), "/proc/self/task/%.20s", entry->d_name);
                if (*entry->d_name != '.' && atoi(entry->d_name) != gettid())
                        waiting += waits_for_descriptors(task);
        }
        closedir(directory);
        return waiting >= threads;
}

void until_threads_wait(int threads)
{
        const double end = milliseconds() + PATIENCE;

        for (int looks = 0; looks < LOOKS; usleep(LOOK_US)) {
                looks = so_many_wait(threads) ? looks + 1 : 0;
                need(looks > 0 || milliseconds() < end, "threads that wait");
        }
}

void until_process_waits(pid_t pid)
{
        const double end = milliseconds() + PATIENCE;
        char task[64];

        snprintf(task, sizeof(task), "/proc/%d", (int)pid);
        for (int looks = 0; looks < LOOKS; usleep(LOOK_US)) {
                looks = waits_for_descriptors(task) ? looks + 1 : 0;
                need(looks > 0 || milliseconds() < end, "a process that waits");
        }
}

void until_process_reads(pid_t pid, int fd)
{
        const double end = milliseconds() + PATIENCE;
        char task[64];

        snprintf(task, sizeof(task), "/proc/%d", (int)pid);
        for (bool reads = false; !reads; usleep(LOOK_US)) {
                unsigned long argument;
                long number;

                reads = get_call(task, &number, &argument) && number == SYS_read &&
                        (argument == (unsigned long)fd || argument == (unsigned long)-1);
                need(reads || milliseconds() < end, "a process that reads");
        }
}

void until_orphaned(pid_t parent)
{
        const double end = milliseconds() + PATIENCE;

        while (getppid() == parent) {
                usleep(LOOK_US);
                need(milliseconds() < end, "a parent that ends");
        }
}
