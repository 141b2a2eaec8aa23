/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * epoll(7) registrations of sockets that change what they are.
 *
 * A registration belongs to the open file and not to the number. When a number gets another socket
 * by bind(2), the old one stays registered and the new one is not. And when the program closes a
 * listener, the file lives on at the number where systemd's descriptors are kept, and would go on
 * to wake a program that has forgotten it. So registrations of unbound sockets, of passed ones, and
 * of clients of datagrams, which may become IP sockets again, are noted, to be made again or taken
 * back. Async-signal-safe, bounded: what finds no room is not carried over, with a message.
 */

#include <stdbool.h>
#include <sys/epoll.h>

/* Note, change or forget what epoll_ctl(2) has just done with such a socket. */
void watch_note(int epfd, int op, int fd, const struct epoll_event *event);

/* Take the registrations of fd out of the kernel: to be called before the socket is replaced. */
void watch_suspend(int fd);

/* Register what is at fd now as it was noted. */
void watch_resume(int fd);

/*
 * Take back what this process has registered of a passed socket that is about to be closed. A
 * forked child that closes its copy has the same epoll as its parent, whose registrations stay.
 */
void watch_remove(int fd);

/* Forget notes about a socket, or those about an epoll, whose descriptor is closed. */
void watch_forget(int fd);
void watch_forget_epoll(int epfd);
