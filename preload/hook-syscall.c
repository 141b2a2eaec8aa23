/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * syscall(2): libuv closes descriptors with it, since close(2) is a cancellation point, and makes
 * the newer calls with it; node and named are built on libuv. What concerns sockets goes to the
 * hook of that name, everything else to the next definition.
 *
 * Calls that are made without the C library, by an instruction of the program's own, are out of
 * reach.
 */

#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/cancel.h"
#include "preload/hook.h"

/* Elsewhere kernel-call.S has nothing for our own use. */
#if defined(__x86_64__) && defined(__LP64__)

/* Not declared by every C library. */
HOOK int close_range(unsigned first, unsigned last, int flags);
HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags);
HOOK int pidfd_getfd(int pidfd, int fd, unsigned flags);

#define POINTER(type, argument) ((type *)(argument))
#define ADDRESS(argument)       POINTER(struct sockaddr, argument)
#define LENGTH(argument)        POINTER(socklen_t, argument)
#define STRINGS(argument)       POINTER(char *, argument)

/* X(name, argument...) */
#define CALLS(X)                                                                                   \
        X(bind, (int)a, ADDRESS(b), (socklen_t)c)                                                  \
        X(close_range, (unsigned)a, (unsigned)b, (int)c)                                           \
        X(dup, (int)a)                                                                             \
        X(dup2, (int)a, (int)b)                                                                    \
        X(dup3, (int)a, (int)b, (int)c)                                                            \
        X(epoll_ctl, (int)a, (int)b, (int)c, POINTER(struct epoll_event, d))                       \
        X(execve, POINTER(char, a), STRINGS(b), STRINGS(c))                                        \
        X(execveat, (int)a, POINTER(char, b), STRINGS(c), STRINGS(d), (int)e)                      \
        X(getpeername, (int)a, ADDRESS(b), LENGTH(c))                                              \
        X(getsockname, (int)a, ADDRESS(b), LENGTH(c))                                              \
        X(getsockopt, (int)a, (int)b, (int)c, POINTER(void, d), LENGTH(e))                         \
        X(ioctl, (int)a, (unsigned long)b, POINTER(void, c))                                       \
        X(listen, (int)a, (int)b)                                                                  \
        X(pidfd_getfd, (int)a, (int)b, (unsigned)c)                                                \
        X(setsockopt, (int)a, (int)b, (int)c, POINTER(void, d), (socklen_t)e)                      \
        X(shutdown, (int)a, (int)b)                                                                \
        X(socket, (int)a, (int)b, (int)c)                                                          \
        X(socketpair, (int)a, (int)b, (int)c, POINTER(int, d))

/* By these names they are cancellation points: pthreads(7). */
#define CANCELLATION_POINTS(X)                                                                     \
        X(accept, (int)a, ADDRESS(b), LENGTH(c))                                                   \
        X(accept4, (int)a, ADDRESS(b), LENGTH(c), (int)d)                                          \
        X(close, (int)a)                                                                           \
        X(connect, (int)a, ADDRESS(b), (socklen_t)c)                                               \
        X(fcntl, (int)a, (int)b, POINTER(void, c))                                                 \
        X(recvfrom, (int)a, POINTER(void, b), (size_t)c, (int)d, ADDRESS(e), LENGTH(f))            \
        X(recvmmsg, (int)a, POINTER(struct mmsghdr, b), (unsigned)c, (int)d,                       \
          POINTER(struct timespec, e))                                                             \
        X(recvmsg, (int)a, POINTER(struct msghdr, b), (int)c)                                      \
        X(sendmmsg, (int)a, POINTER(struct mmsghdr, b), (unsigned)c, (int)d)                       \
        X(sendmsg, (int)a, POINTER(struct msghdr, b), (int)c)                                      \
        X(sendto, (int)a, POINTER(void, b), (size_t)c, (int)d, ADDRESS(e), (socklen_t)f)

#define CASE(name, ...)                                                                            \
        case SYS_##name:                                                                           \
                return name(__VA_ARGS__);

#define CASE_WITHOUT_CANCELLATION(name, ...)                                                       \
        case SYS_##name:                                                                           \
                before = cancel_disable();                                                         \
                r = name(__VA_ARGS__);                                                             \
                cancel_restore(before);                                                            \
                return r;

#define LABEL(name, ...) case SYS_##name:

/* Apart from the hook, which has nothing to save for the others. */
static long __attribute__((noinline))
route(long number, long a, long b, long c, long d, long e, long f)
{
        int before;
        long r;

        switch (number) {
                CALLS(CASE)
                CANCELLATION_POINTS(CASE_WITHOUT_CANCELLATION)
        default:
                /*
                 * io_uring_setup(2): what goes through a ring makes, connects and closes sockets
                 * around us. Programs live without: older kernels have none, and containers
                 * forbid it.
                 */
                return hook_result(-ENOSYS);
        }
}

/*
 * With all the arguments that a system call can have: those that were not given are read as what
 * happens to be there, and so does the C library.
 */
HOOK long hook_syscall(long number, long a, long b, long c, long d, long e,
                       long f) __asm__("syscall");

long hook_syscall(long number, long a, long b, long c, long d, long e, long f)
{
        switch (number) {
                CALLS(LABEL)
                CANCELLATION_POINTS(LABEL)
        case SYS_io_uring_setup:
                return route(number, a, b, c, d, e, f);
        default:
                /* futex(2), most of all. */
                return next.syscall(number, a, b, c, d, e, f);
        }
}

#endif
