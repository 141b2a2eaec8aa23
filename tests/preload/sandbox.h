/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What activate.c puts around a program: the namespaces, limits and filters that services run
 * under. Each changes the calling process, which executes the program next. Where the machine does
 * not let it be made, the test ends as skipped, with the reason.
 */

/* A network namespace of its own, with a loopback interface where every port is free. */
void sandbox_network(void);

/* The kernel refuses IP sockets, as RestrictAddressFamilies=AF_UNIX lets it. */
void sandbox_no_inet(void);

/*
 * The kernel kills whoever calls what systemd 252 has not heard of, as
 * SystemCallFilter=@system-service lets it: system calls are numbered in the order of their coming,
 * and its last is 450.
 */
void sandbox_known_calls(void);

/* The limit of descriptors; 0: as high as it can be. */
void sandbox_descriptors(int limit);

/*
 * A root directory that is read-only and has no /tmp, /run or /dev, nor any other place to write
 * to.
 *
 * directory: an empty one, over which the new root is mounted.
 * program: where the program is; ret: where it is then.
 * preload: the libraries of LD_PRELOAD, separated by colons, the same way.
 */
void sandbox_read_only(const char *directory, char **program, char **preload);

/* A file system of its own at the directory, with room for so many inodes. */
void sandbox_tmpfs(const char *directory, int inodes);

/* Another user, whose the directory becomes. program: what has to be within his reach. */
void sandbox_user(int user, const char *directory, const char *program, const char *preload);
