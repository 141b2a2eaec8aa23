/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The functions that standin.c defines, and with which arguments calls.c times them. The kernel's
 * own time for a call jitters by more than the hooks take, so that a hook can only be measured in
 * front of a function that does nothing.
 *
 * X(type, name, parameters, arguments): fd is a descriptor that the shim does not track, name an IP
 * address.
 */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STANDINS(X)                                                                                \
        X(int, accept4, (int a, struct sockaddr *b, socklen_t *c, int d), (fd, name, &length, 0))  \
        X(int, close, (int a), (fd))                                                               \
        X(int, epoll_ctl, (int a, int b, int c, struct epoll_event *d),                            \
          (fd, EPOLL_CTL_MOD, fd, &event))                                                         \
        X(int, getpeername, (int a, struct sockaddr *b, socklen_t *c), (fd, name, &length))        \
        X(int, getsockname, (int a, struct sockaddr *b, socklen_t *c), (fd, name, &length))        \
        X(int, getsockopt, (int a, int b, int c, void *d, socklen_t *e),                           \
          (fd, SOL_SOCKET, SO_ERROR, &value, &length))                                             \
        X(int, listen, (int a, int b), (fd, 1))                                                    \
        X(ssize_t, read, (int a, void *b, size_t c), (fd, bytes, sizeof bytes))                    \
        X(ssize_t, recv, (int a, void *b, size_t c, int d), (fd, bytes, sizeof bytes, 0))          \
        X(ssize_t, recvfrom, (int a, void *b, size_t c, int d, struct sockaddr *e, socklen_t *f),  \
          (fd, bytes, sizeof bytes, 0, name, &length))                                             \
        X(int, recvmmsg, (int a, struct mmsghdr *b, unsigned c, int d, struct timespec *e),        \
          (fd, messages, 1, 0, NULL))                                                              \
        X(ssize_t, recvmsg, (int a, struct msghdr *b, int c), (fd, &messages->msg_hdr, 0))         \
        X(ssize_t, send, (int a, const void *b, size_t c, int d), (fd, bytes, sizeof bytes, 0))    \
        X(int, sendmmsg, (int a, struct mmsghdr *b, unsigned c, int d), (fd, messages, 1, 0))      \
        X(ssize_t, sendmsg, (int a, const struct msghdr *b, int c), (fd, &messages->msg_hdr, 0))   \
        X(ssize_t, sendto,                                                                         \
          (int a, const void *b, size_t c, int d, const struct sockaddr *e, socklen_t f),          \
          (fd, bytes, sizeof bytes, 0, name, length))                                              \
        X(int, setsockopt, (int a, int b, int c, const void *d, socklen_t e),                      \
          (fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value))                                    \
        X(int, shutdown, (int a, int b), (fd, SHUT_WR))                                            \
        X(ssize_t, write, (int a, const void *b, size_t c), (fd, bytes, sizeof bytes))
