/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * System calls without the C library's functions for them, for what the shim seldom needs: every
 * function that a library imports costs every process that starts 200 ns for the dynamic linker to
 * find it. As with those functions, the result is -1 and errno on failure.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/*
 * syscall(2) for our own use: the name itself is that of a hook, and hooks make such calls before
 * the C library's can be found. Up to six arguments.
 */
#if defined(__x86_64__) && defined(__LP64__)
long kernel_call(long number, ...) __attribute__((visibility("hidden")));

/* For kernel-call.S: set errno and return -1. */
long kernel_call_failed(int number) __attribute__((visibility("hidden")));
#else
#define kernel_call syscall
#endif

/* A signal set as the kernel has it: one bit a signal. */
#define KERNEL_SIGNAL(signal) (UINT64_C(1) << ((signal)-1))

static inline int kernel_block_signals(int how, const uint64_t *set, uint64_t *ret_before)
{
        return (int)kernel_call(SYS_rt_sigprocmask, how, set, ret_before, sizeof(*set));
}

static inline void kernel_block_all_signals(uint64_t *ret_before)
{
        const uint64_t all = ~UINT64_C(0);

        (void)kernel_block_signals(SIG_BLOCK, &all, ret_before);
}

static inline int kernel_pending_signals(uint64_t *ret)
{
        return (int)kernel_call(SYS_rt_sigpending, ret, sizeof(*ret));
}

/* Take a pending signal of the set off, without waiting. */
static inline int kernel_take_signal(const uint64_t *set)
{
        static const struct {
                int64_t seconds, nanoseconds;
        } now;

        return (int)kernel_call(SYS_rt_sigtimedwait, set, NULL, &now, sizeof(*set));
}

static inline pid_t kernel_getppid(void)
{
        return (pid_t)kernel_call(SYS_getppid);
}

static inline pid_t kernel_gettid(void)
{
        return (pid_t)kernel_call(SYS_gettid);
}

static inline int kernel_tgkill(pid_t process, pid_t thread, int signal)
{
        return (int)kernel_call(SYS_tgkill, process, thread, signal);
}

/* Not a cancellation point, as nanosleep(2) of the C library is. */
static inline void kernel_sleep_microseconds(int64_t microseconds)
{
        const struct {
                int64_t seconds, nanoseconds;
        } time = {0, microseconds * 1000};

        kernel_call(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL);
}

static inline void kernel_sleep_millisecond(void)
{
        kernel_sleep_microseconds(1000);
}

static inline int64_t kernel_milliseconds(void)
{
        int64_t time[2] = {0};

        kernel_call(SYS_clock_gettime, CLOCK_MONOTONIC, time);
        return time[0] * 1000 + time[1] / 1000000;
}

static inline void kernel_yield(void)
{
        const int saved = errno;

        kernel_call(SYS_sched_yield);
        errno = saved;
}

static inline int kernel_kill(pid_t pid, int signal)
{
        return (int)kernel_call(SYS_kill, pid, signal);
}

static inline uid_t kernel_getuid(void)
{
        return (uid_t)kernel_call(SYS_getuid);
}

static inline uid_t kernel_geteuid(void)
{
        return (uid_t)kernel_call(SYS_geteuid);
}

static inline gid_t kernel_getgid(void)
{
        return (gid_t)kernel_call(SYS_getgid);
}

/* getrlimit(2) of this process; the kernel's structure has 64 bits everywhere. */
static inline int kernel_getrlimit(int resource, uint64_t *ret_soft)
{
        uint64_t limits[2] = {0};
        const int r = (int)kernel_call(SYS_prlimit64, 0, resource, NULL, limits);

        *ret_soft = limits[0];
        return r;
}

/* The C library has it since glibc 2.34, the kernel since 5.9. */
static inline int kernel_close_range(unsigned first, unsigned last, int flags)
{
#ifdef SYS_close_range
        return (int)kernel_call(SYS_close_range, first, last, flags);
#else
        (void)first;
        (void)last;
        (void)flags;
        errno = ENOSYS;
        return -1;
#endif
}

/* A socket that nobody else is to know of. */
static inline int kernel_socket(int domain, int type, int protocol)
{
        return (int)kernel_call(SYS_socket, domain, type, protocol);
}

static inline int kernel_socketpair(int domain, int type, int protocol, int ret[2])
{
        return (int)kernel_call(SYS_socketpair, domain, type, protocol, ret);
}

/* Not a cancellation point. */
static inline int kernel_connect(int fd, const void *addr, unsigned length)
{
        return (int)kernel_call(SYS_connect, fd, addr, length);
}

/* Linux 5.3. */
static inline int kernel_pidfd_open(pid_t pid)
{
        return (int)kernel_call(SYS_pidfd_open, pid, 0);
}

/* Which of the events of poll(2) has happened? Without waiting, and no cancellation point. */
static inline int kernel_events(int fd, short events)
{
        struct pollfd event = {.fd = fd, .events = events};
        int64_t now[2] = {0};

        return kernel_call(SYS_ppoll, &event, 1, now, NULL, 0) == 1 ? event.revents : 0;
}

static inline int kernel_wait(int fd, short events, int64_t milliseconds)
{
        struct pollfd event = {.fd = fd, .events = events};
        int64_t time[2] = {milliseconds / 1000, milliseconds % 1000 * 1000000};

        return (int)kernel_call(SYS_ppoll, &event, 1, time, NULL, 0);
}

static inline int kernel_shutdown(int fd, int how)
{
        return (int)kernel_call(SYS_shutdown, fd, how);
}

static inline int kernel_bind(int fd, const void *addr, unsigned length)
{
        return (int)kernel_call(SYS_bind, fd, addr, length);
}

/* Neither is a cancellation point. */
static inline ssize_t kernel_send(int fd, const void *buf, size_t size, int flags)
{
        return kernel_call(SYS_sendto, fd, buf, size, flags, NULL, 0);
}

static inline ssize_t kernel_receive(int fd, void *buf, size_t size, int flags)
{
        return kernel_call(SYS_recvfrom, fd, buf, size, flags, NULL, NULL);
}

static inline int kernel_openat(int directory, const char *path, int flags)
{
        return (int)kernel_call(SYS_openat, directory, path, flags, 0);
}

static inline ssize_t kernel_read(int file, void *buf, size_t size)
{
        return kernel_call(SYS_read, file, buf, size);
}

/* Of files that we have opened ourselves: not a cancellation point, and no hook. */
static inline void kernel_close(int file)
{
        const int saved = errno;

        (void)kernel_call(SYS_close, file);
        errno = saved;
}

static inline int kernel_stat(const char *path, struct stat *ret)
{
        return (int)kernel_call(SYS_newfstatat, AT_FDCWD, path, ret, 0);
}

static inline int kernel_lstat(const char *path, struct stat *ret)
{
        return (int)kernel_call(SYS_newfstatat, AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW);
}

static inline int kernel_unlink(const char *path)
{
        return (int)kernel_call(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* Fails with EEXIST where the new name is taken. Since Linux 3.15. */
static inline int kernel_rename_new(const char *from, const char *to)
{
        return (int)kernel_call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
                                1 /* RENAME_NOREPLACE */);
}

static inline int kernel_flock(int file, int operation)
{
        return (int)kernel_call(SYS_flock, file, operation);
}

static inline int kernel_fchmod(int file, mode_t mode)
{
        return (int)kernel_call(SYS_fchmod, file, mode);
}

static inline int kernel_fchmodat(int directory, const char *path, mode_t mode)
{
        return (int)kernel_call(SYS_fchmodat, directory, path, mode);
}

/* Since Linux 6.6; the number is the same on all architectures. */
static inline int kernel_fchmodat2(int directory, const char *path, mode_t mode, int flags)
{
        return (int)kernel_call(452, directory, path, mode, flags);
}

static inline int kernel_fchownat(int directory, const char *path, uid_t user, gid_t group,
                                  int flags)
{
        return (int)kernel_call(SYS_fchownat, directory, path, user, group, flags);
}

static inline int kernel_access(const char *path, int mode)
{
        return (int)kernel_call(SYS_faccessat, AT_FDCWD, path, mode);
}

static inline ssize_t kernel_getrandom(void *buf, size_t size, unsigned flags)
{
        return kernel_call(SYS_getrandom, buf, size, flags);
}

static inline int kernel_madvise(void *addr, size_t size, int advice)
{
        return (int)kernel_call(SYS_madvise, addr, size, advice);
}

static inline int kernel_munmap(void *addr, size_t size)
{
        return (int)kernel_call(SYS_munmap, addr, size);
}

static inline void __attribute__((noreturn)) kernel_exit(int status)
{
        for (;;)
                kernel_call(SYS_exit_group, status);
}
