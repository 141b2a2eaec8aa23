/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the definitions behind our hooks. See next.h. */

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"

bool next_sockets_resolved;
static bool constructed;

/*
 * A call that waits, on a socket that was inherited: the plain system call would be no cancellation
 * point. Returns whether next has the real definition now.
 */
static bool resolve_for_waiting(void)
{
        if (!constructed || next_sockets_resolved)
                return false;

        next_resolve_sockets();
        return true;
}

#if defined(__x86_64__) && defined(__LP64__)

long kernel_call_failed(int number)
{
        errno = number;
        return -1;
}

#endif

/*
 * What NEXT_ALWAYS and NEXT_SOCKET are before they are resolved. kernel_call() sets errno, and
 * errno lives in thread-local storage that the dynamic linker has set up before it runs anybody's
 * code.
 */

static int raw_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
        if (resolve_for_waiting())
                return next.accept4(fd, addr, len, flags);

        return (int)kernel_call(SYS_accept4, fd, addr, len, flags);
}

static int raw_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
        return (int)kernel_call(SYS_bind, fd, addr, len);
}

static int raw_close(int fd)
{
        return (int)kernel_call(SYS_close, fd);
}

static int raw_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
        if (resolve_for_waiting())
                return next.connect(fd, addr, len);

        return (int)kernel_call(SYS_connect, fd, addr, len);
}

static int raw_dup(int fd)
{
        return (int)kernel_call(SYS_dup, fd);
}

static int raw_dup3(int fd, int to, int flags)
{
        return (int)kernel_call(SYS_dup3, fd, to, flags);
}

static int raw_dup2(int fd, int to)
{
        /* dup3() differs in one case: dup2() onto itself only asks whether it is open. */
        if (fd == to)
                return kernel_call(SYS_fcntl, fd, 1 /* F_GETFD */) < 0 ? -1 : fd;

        return raw_dup3(fd, to, 0);
}

static int raw_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        return (int)kernel_call(SYS_epoll_ctl, epfd, op, fd, event);
}

static int raw_execve(const char *path, char *const argv[], char *const envp[])
{
        return (int)kernel_call(SYS_execve, path, argv, envp);
}

static void raw__exit(int status)
{
        kernel_exit(status);
}

static int raw_fcntl(int fd, int cmd, ...)
{
        va_list ap;
        void *arg;

        va_start(ap, cmd);
        arg = va_arg(ap, void *);
        va_end(ap);

        return (int)kernel_call(SYS_fcntl, fd, cmd, arg);
}

static int raw_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
        return (int)kernel_call(SYS_getpeername, fd, addr, len);
}

static int raw_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
        return (int)kernel_call(SYS_getsockname, fd, addr, len);
}

static int raw_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
        return (int)kernel_call(SYS_getsockopt, fd, level, name, value, len);
}

static int raw_ioctl(int fd, unsigned long request, ...)
{
        va_list ap;
        void *arg;

        va_start(ap, request);
        arg = va_arg(ap, void *);
        va_end(ap);

        return (int)kernel_call(SYS_ioctl, fd, request, arg);
}

static int raw_listen(int fd, int backlog)
{
        return (int)kernel_call(SYS_listen, fd, backlog);
}

static ssize_t raw_read(int fd, void *buf, size_t size)
{
        return kernel_call(SYS_read, fd, buf, size);
}

static ssize_t raw_write(int fd, const void *buf, size_t size)
{
        return kernel_call(SYS_write, fd, buf, size);
}

static ssize_t raw_recv(int fd, void *buf, size_t size, int flags)
{
        if (resolve_for_waiting())
                return next.recv(fd, buf, size, flags);

        return kernel_call(SYS_recvfrom, fd, buf, size, flags, NULL, NULL);
}

static ssize_t raw_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *addr,
                            socklen_t *len)
{
        if (resolve_for_waiting())
                return next.recvfrom(fd, buf, size, flags, addr, len);

        return kernel_call(SYS_recvfrom, fd, buf, size, flags, addr, len);
}

static ssize_t raw_recvmsg(int fd, struct msghdr *msg, int flags)
{
        if (resolve_for_waiting())
                return next.recvmsg(fd, msg, flags);

        return kernel_call(SYS_recvmsg, fd, msg, flags);
}

static ssize_t raw_send(int fd, const void *buf, size_t size, int flags)
{
        if (resolve_for_waiting())
                return next.send(fd, buf, size, flags);

        return kernel_call(SYS_sendto, fd, buf, size, flags, NULL, 0);
}

static ssize_t raw_sendmsg(int fd, const struct msghdr *msg, int flags)
{
        if (resolve_for_waiting())
                return next.sendmsg(fd, msg, flags);

        return kernel_call(SYS_sendmsg, fd, msg, flags);
}

static ssize_t raw_sendto(int fd, const void *buf, size_t size, int flags,
                          const struct sockaddr *addr, socklen_t len)
{
        if (resolve_for_waiting())
                return next.sendto(fd, buf, size, flags, addr, len);

        return kernel_call(SYS_sendto, fd, buf, size, flags, addr, len);
}

static int raw_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
        return (int)kernel_call(SYS_setsockopt, fd, level, name, value, len);
}

/* Who has not asked for a socket yet has nothing to lose. */
static int raw_pthread_setcancelstate(int state, int *before)
{
        (void)state;
        *before = 0;
        return 0;
}

static void raw_pthread_testcancel(void)
{
}

static int raw_shutdown(int fd, int how)
{
        return (int)kernel_call(SYS_shutdown, fd, how);
}

static int raw_socket(int domain, int type, int protocol)
{
        return (int)kernel_call(SYS_socket, domain, type, protocol);
}

static int raw_socketpair(int domain, int type, int protocol, int fds[2])
{
        return (int)kernel_call(SYS_socketpair, domain, type, protocol, fds);
}

static long raw_syscall(long number, ...)
{
        long arguments[6];
        va_list ap;

        va_start(ap, number);
        for (int i = 0; i < 6; i++)
                arguments[i] = va_arg(ap, long);
        va_end(ap);

        return kernel_call(number, arguments[0], arguments[1], arguments[2], arguments[3],
                           arguments[4], arguments[5]);
}

#define NEXT_RAW(type, name, parameters) .name = raw_##name,

struct next next = {NEXT_ALWAYS(NEXT_RAW) NEXT_SOCKET(NEXT_RAW)};

#define NEXT_LOOKUP(type, name, parameters)                                                        \
        {                                                                                          \
                void *found = dlsym(RTLD_NEXT, #name);                                             \
                if (found)                                                                         \
                        __atomic_store_n((void **)&next.name, found, __ATOMIC_RELAXED);            \
        }

void next_resolve_always(void)
{
        NEXT_ALWAYS(NEXT_LOOKUP)
        constructed = true;
}

void next_resolve_sockets(void)
{
        NEXT_SOCKET(NEXT_LOOKUP)
        __atomic_store_n(&next_sockets_resolved, true, __ATOMIC_RELEASE);
}

void *next_late(void **slot, const char *name)
{
        void *found;

        found = __atomic_load_n(slot, __ATOMIC_RELAXED);
        if (found)
                return found;

        found = dlsym(RTLD_NEXT, name);
        if (!found) {
                log_message(LOG_CRIT, "the C library has no function ", name);
                kernel_exit(EXIT_FAILURE);
        }

        __atomic_store_n(slot, found, __ATOMIC_RELAXED);
        return found;
}
