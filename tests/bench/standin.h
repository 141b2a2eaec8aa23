/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The functions that standin.c defines, and with which arguments calls.c times them. The kernel's
 * own time for a call jitters by more than the hooks take, so that a hook can only be measured in
 * front of a function that does nothing.
 *
 * X(name, parameters, arguments): fd is a descriptor that the shim does not track, name an IP
 * address.
 */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STANDINS(X)                                                                                \
        X(accept4, (int a, struct sockaddr *b, socklen_t *c, int d), (fd, name, &length, 0))       \
        X(close, (int a), (fd))                                                                    \
        X(epoll_ctl, (int a, int b, int c, struct epoll_event *d),                                 \
          (fd, EPOLL_CTL_MOD, fd, &event))                                                         \
        X(getpeername, (int a, struct sockaddr *b, socklen_t *c), (fd, name, &length))             \
        X(getsockname, (int a, struct sockaddr *b, socklen_t *c), (fd, name, &length))             \
        X(getsockopt, (int a, int b, int c, void *d, socklen_t *e),                                \
          (fd, SOL_SOCKET, SO_ERROR, &value, &length))                                             \
        X(listen, (int a, int b), (fd, 1))                                                         \
        X(setsockopt, (int a, int b, int c, const void *d, socklen_t e),                           \
          (fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value))                                    \
        X(shutdown, (int a, int b), (fd, SHUT_WR))
