/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The definitions that our hooks stand in front of: the C library's, or those of the next
 * preloaded library. Hooks call these and not syscall(2), so that cancellation points stay
 * cancellation points and several preloaded libraries can be stacked.
 *
 * Every dlsym(3) costs some 400 ns, in every process that starts, so they are resolved by need:
 *
 *   NEXT_ALWAYS  by the constructor. Any process may call them, and may do so in a signal handler
 *                (signal-safety(7)), where dlsym() has no place.
 *   NEXT_SOCKET  as soon as the process has a socket that may concern us: when it was passed one,
 *                makes one, or is found to have inherited one.
 *   NEXT_LATE    one by one at their first call: no handler may make it.
 *
 * Until they are resolved, the first two make the plain system call, but for calls that wait: those
 * resolve at once, or they would be no cancellation points. So they do for other
 * libraries' IFUNC resolvers, which run before any constructor.
 */

#include <netdb.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <wordexp.h>

/* X(return type, name, parameters) */
#define NEXT_ALWAYS(X)                                                                             \
        X(int, close, (int))                                                                       \
        X(int, dup, (int))                                                                         \
        X(int, dup2, (int, int))                                                                   \
        X(int, execve, (const char *, char *const[], char *const[]))                               \
        X(int, fcntl, (int, int, ...))                                                             \
        X(ssize_t, read, (int, void *, size_t))                                                    \
        X(ssize_t, write, (int, const void *, size_t))

#define NEXT_SOCKET(X)                                                                             \
        X(void, _exit, (int))                                                                      \
        X(int, accept4, (int, struct sockaddr *, socklen_t *, int))                                \
        X(int, bind, (int, const struct sockaddr *, socklen_t))                                    \
        X(int, connect, (int, const struct sockaddr *, socklen_t))                                 \
        X(int, dup3, (int, int, int))                                                              \
        X(int, epoll_ctl, (int, int, int, struct epoll_event *))                                   \
        X(int, getpeername, (int, struct sockaddr *, socklen_t *))                                 \
        X(int, getsockname, (int, struct sockaddr *, socklen_t *))                                 \
        X(int, getsockopt, (int, int, int, void *, socklen_t *))                                   \
        X(int, ioctl, (int, unsigned long, ...))                                                   \
        X(int, listen, (int, int))                                                                 \
        X(int, pthread_setcancelstate, (int, int *))                                               \
        X(void, pthread_testcancel, (void))                                                        \
        X(ssize_t, recv, (int, void *, size_t, int))                                               \
        X(ssize_t, recvfrom, (int, void *, size_t, int, struct sockaddr *, socklen_t *))           \
        X(ssize_t, recvmsg, (int, struct msghdr *, int))                                           \
        X(ssize_t, send, (int, const void *, size_t, int))                                         \
        X(ssize_t, sendmsg, (int, const struct msghdr *, int))                                     \
        X(ssize_t, sendto, (int, const void *, size_t, int, const struct sockaddr *, socklen_t))   \
        X(int, setsockopt, (int, int, int, const void *, socklen_t))                               \
        X(int, shutdown, (int, int))                                                               \
        X(int, socket, (int, int, int))                                                            \
        X(int, socketpair, (int, int, int, int *))                                                 \
        X(long, syscall, (long, ...))

#define NEXT_LATE(X)                                                                               \
        X(int, clone, (int (*)(void *), void *, int, void *, ...))                                 \
        X(void, closefrom, (int))                                                                  \
        X(int, daemon, (int, int))                                                                 \
        X(void *, dlopen, (const char *, int))                                                     \
        X(int, execveat, (int, const char *, char *const[], char *const[], int))                   \
        X(int, execvpe, (const char *, char *const[], char *const[]))                              \
        X(int, fclose, (FILE *))                                                                   \
        X(int, fexecve, (int, char *const[], char *const[]))                                       \
        X(void, freeaddrinfo, (struct addrinfo *))                                                 \
        X(int, forkpty, (int *, char *, const struct termios *, const struct winsize *))           \
        X(FILE *, freopen, (const char *, const char *, FILE *))                                   \
        X(FILE *, freopen64, (const char *, const char *, FILE *))                                 \
        X(int, login_tty, (int))                                                                   \
        X(int, getaddrinfo,                                                                        \
          (const char *, const char *, const struct addrinfo *, struct addrinfo **))               \
        X(struct hostent *, gethostbyname, (const char *))                                         \
        X(struct hostent *, gethostbyname2, (const char *, int))                                   \
        X(int, gethostbyname_r,                                                                    \
          (const char *, struct hostent *, char *, size_t, struct hostent **, int *))              \
        X(int, gethostbyname2_r,                                                                   \
          (const char *, int, struct hostent *, char *, size_t, struct hostent **, int *))         \
        X(FILE *, popen, (const char *, const char *))                                             \
        X(int, posix_spawn,                                                                        \
          (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,   \
           char *const[], char *const[]))                                                          \
        X(int, posix_spawn_file_actions_addclose, (posix_spawn_file_actions_t *, int))             \
        X(int, posix_spawn_file_actions_addclosefrom_np, (posix_spawn_file_actions_t *, int))      \
        X(int, posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t *, int, int))         \
        X(int, posix_spawnp,                                                                       \
          (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,   \
           char *const[], char *const[]))                                                          \
        X(void, quick_exit, (int))                                                                 \
        X(int, recvmmsg, (int, struct mmsghdr *, unsigned, int, struct timespec *))                \
        X(ssize_t, readv, (int, const struct iovec *, int))                                        \
        X(ssize_t, writev, (int, const struct iovec *, int))                                       \
        X(ssize_t, __read_chk, (int, void *, size_t, size_t))                                      \
        X(ssize_t, __recv_chk, (int, void *, size_t, size_t, int))                                 \
        X(ssize_t, __recvfrom_chk,                                                                 \
          (int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *))                      \
        X(int, sendmmsg, (int, struct mmsghdr *, unsigned, int))                                   \
        X(int, system, (const char *))                                                             \
        X(int, wordexp, (const char *, wordexp_t *, int))

#define NEXT_MEMBER(type, name, parameters) type(*name) parameters;

struct next {
        NEXT_ALWAYS(NEXT_MEMBER)
        NEXT_SOCKET(NEXT_MEMBER)
        NEXT_LATE(NEXT_MEMBER)
};

extern struct next next;

/* Call one of NEXT_LATE: NEXT(fclose)(stream). */
#define NEXT(name) ((__typeof__(next.name))next_late((void **)&next.name, #name))

/* Resolve NEXT_ALWAYS. Called once, by the constructor. */
void next_resolve_always(void);

/*
 * Resolve NEXT_SOCKET, the first time that it is called. Two threads may both do it: they find the
 * same.
 */
extern bool next_sockets_resolved;
void next_resolve_sockets(void);

static inline void next_need_sockets(void)
{
        if (__builtin_expect(!__atomic_load_n(&next_sockets_resolved, __ATOMIC_ACQUIRE), 0))
                next_resolve_sockets();
}

/*
 * Return *slot, having looked up name first if it was NULL. Two threads may both look up: they
 * find the same. A name that nobody defines ends the process with a message.
 */
void *next_late(void **slot, const char *name);
