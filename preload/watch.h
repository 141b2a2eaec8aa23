/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * epoll(7) registrations of IP sockets that may yet be converted.
 *
 * A registration belongs to the open file and not to the number: when the number gets another
 * socket, the old one stays registered and the new one is not. So the few that are made before
 * bind(2) are noted, to be made again. Asynchronous-signal-safe, bounded: what finds no room is not
 * carried over, with a message.
 */

#include <sys/epoll.h>

/* Note, change or forget what epoll_ctl(2) has just done with an unbound IP socket. */
void watch_note(int epfd, int op, int fd, const struct epoll_event *event);

/* Take the registrations of fd out of the kernel: to be called before the socket is replaced. */
void watch_suspend(int fd);

/* Register what is at fd now as it was noted, and forget the notes. */
void watch_resume(int fd);

/* Forget notes about a descriptor that is closed, be it the socket or the epoll. */
void watch_forget(int fd);
