/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The descriptors that systemd passed: sd_listen_fds(3), read without libsystemd.
 *
 * All of them are kept for the life of the process, at high numbers, out of the program's sight:
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
#include "rules/rule.h"

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
        bool named_by_rules;   /* some systemd=NAME rule asks for it */
};

/* The environment variables that activation_open() reads. Any may be NULL. */
struct activation_environment {
        const char *listen_fds;
        const char *listen_fdnames;
        const char *ip2unix_fds;
};

/*
 * Take over the descriptors that the environment tells of. What is no listening socket (or no
 * datagram socket) is left where it is, with a message. rules: to tell which names are asked for.
 */
void activation_open(const struct activation_environment *environment, const struct rule *rules,
                     size_t n_rules);

/* What a bind gets. */
enum activation_result {
        ACTIVATION_TAKEN,  /* the descriptor is the caller's until activation_release() */
        ACTIVATION_SHARED, /* others have it too */
        ACTIVATION_NONE,   /* all that would do are taken */
        ACTIVATION_ABSENT, /* there is none of that name */
};

/*
 * Choose for a socket that is being bound.
 *
 * fdname: NULL for one that no rule names.
 * query, family: the bind, and the family of the program's socket.
 * share: the socket has SO_REUSEPORT, so that a descriptor will do that was taken for the same
 * address: it is one worker's of several.
 * ret: the place of the descriptor, for activation_kept(), with the first two results.
 */
enum activation_result activation_take(const char *fdname, const struct rule_query *query,
                                       sa_family_t family, bool share, int *ret);

/* One socket less has it. Async-signal-safe. */
void activation_release(int kept);

/*
 * Decide what the program that is about to be executed inherits. To be undone by
 * activation_exec_failed() when exec(3) returns.
 *
 *   - A process that executes itself binds again, whether or not it closes its listener first: what
 *     it has taken goes along.
 *   - Its children execute something else, which must not get what was taken, unless the program
 *     hands its own descriptor over, as nginx does to its successor.
 *   - A child with other credentials and no converted socket to hand over, once the service has
 *     begun to serve (the session of an sshd's user, say), gets nothing at all.
 */
void activation_prepare_exec(void);
void activation_exec_failed(void);

/* The same for posix_spawn(3): this process goes on, and only a child that has left passes nothing.
 */
void activation_prepare_spawn(void);

/* Is this such a child, that has left the service? */
bool activation_is_retired(void);

const struct kept *activation_kept(int kept);

/*
 * Move a kept descriptor out of the way of dup2(2).
 * Errors: -EMFILE: it can't be moved. In a vfork child nothing is moved.
 */
int activation_yield(int fd);

/* The names that were passed, for a message: "http, https" or "none". Cut when too long. */
void activation_names(char *ret, size_t size);

/*
 * The text for IP2UNIX_FDS: where the descriptors are. Those that are close-on-exec by the time of
 * an exec are not there any more, and are not found by who reads it.
 * Errors: -ENOBUFS.
 */
ssize_t activation_format(char *ret, size_t size);

/* Bytes enough for that text and its terminator, wherever the descriptors move; 0: there are none.
 */
size_t activation_format_size(void);
