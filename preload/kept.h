/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The descriptors that systemd passed: sd_listen_fds(3), read without libsystemd.
 *
 * Those that no rule can take are the program's, which may know how to take sockets from systemd by
 * itself: they stay where sd_listen_fds(3) looks for them, from 3 on without a gap, and LISTEN_FDS
 * and LISTEN_FDNAMES tell of them alone.
 *
 * All others are kept for the life of the process, at high numbers, out of the program's sight:
 * a bind takes a duplicate, so that the program may close its socket and bind it again. Until a
 * descriptor is taken it is inherited by every program that this one executes, since the one that
 * binds may be a grandchild (a shell, a launcher). Once taken it is close-on-exec, like the
 * listeners of a program that takes care, unless the process that took it executes itself.
 *
 * Across exec the environment variable IP2UNIX_FDS says where they are, each with its device and
 * inode: a number that another socket has got meanwhile is not believed.
 */

#include <stddef.h>

#include "preload/endpoint.h"

/* What is kept, enough of it to choose. */
struct kept {
        int fd;
        const char *name;
        sa_family_t family;       /* AF_UNIX, AF_INET or AF_INET6 */
        int type;                 /* SOCK_STREAM or SOCK_DGRAM */
        struct endpoint endpoint; /* of IP sockets */
        dev_t dev;
        ino_t ino;
        int users;             /* sockets that have it; 0: it is free */
        struct endpoint bound; /* where the program believes that it is bound */
        pid_t taken_by;        /* the process that took it first */
};

/* The environment variables that kept_open() reads. Any may be NULL. */
struct kept_environment {
        const char *listen_fds;
        const char *listen_fdnames;
        const char *listen_pid;
        const char *ip2unix_fds;
};

/*
 * Can a rule take a descriptor of that name? type: SOCK_STREAM, SOCK_DGRAM, or 0 for what is no
 * listening socket: does a rule name it?
 */
typedef bool (*kept_wants_fn)(const char *name, int type);

/* What is left to the program of what systemd passed. */
struct kept_left {
        unsigned count;    /* for LISTEN_FDS; 0: nothing that it should hear of */
        const char *names; /* for LISTEN_FDNAMES; as long as what was there, at most */
};

/*
 * Take over those of the descriptors that the environment tells of which a rule wants. What a rule
 * names and is no listening socket (or no datagram socket) is left to the program, with a message.
 * For the constructor.
 */
struct kept_left kept_open(const struct kept_environment *environment, kept_wants_fn wants);

/* How many there are; places go from 0. */
int kept_count(void);
struct kept *kept_at(int place);

/*
 * Move a kept descriptor out of the way of dup2(2).
 * Errors: -EMFILE: it can't be moved. In a vfork child nothing is moved.
 */
int kept_yield(int fd);

/*
 * What was passed, for a message: "'http' (stream), 'dns' (datagram)" or "none"; what is kept
 * before what is left. What has no name is called as sd_listen_fds_with_names(3) calls it:
 * 'unknown'. Cut when too long.
 */
void kept_names(char *ret, size_t size);

/*
 * The text for IP2UNIX_FDS: where the descriptors are. Those that are close-on-exec by the time of
 * an exec are not there any more, and are not found by who reads it.
 * Errors: -ENOBUFS.
 */
ssize_t kept_format(char *ret, size_t size);

/* Bytes enough for that text and its terminator, wherever the descriptors move; 0: there are none.
 */
size_t kept_format_size(void);
