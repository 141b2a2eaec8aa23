/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Has another thread or process come as far as to wait? The kernel knows, and no test has to guess
 * how long that takes on a machine that is busy.
 *
 * Each of them ends the program when it has not come so far within PATIENCE (net.h).
 */

#include <sys/types.h>

/*
 * So many other threads of this process wait in system calls that wait for descriptors
 * (recvfrom(2), accept(2), poll(2) and their like).
 */
void until_threads_wait(int threads);

/* The process, of one thread, waits in such a call. */
void until_process_waits(pid_t pid);

/* The process waits in read(2) of that descriptor. */
void until_process_reads(pid_t pid, int fd);

/* The process has ended that forked this one: all that it had open is closed. */
void until_orphaned(pid_t parent);
