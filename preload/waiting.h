/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which threads wait in accept(2) on which listener, so that shutdown(2) can wake them.
 *
 * A thread may be cancelled where it waits, and then takes nothing back. So it is its thread id
 * that is noted: whether that thread still lives, the kernel can tell. Async-signal-safe, bounded:
 * a thread that finds no room is not woken.
 */

#include <stdint.h>

/* This thread is about to wait on the socket of that index. Returns a place, or -1. */
int waiting_enter(uint32_t sock_index);

/* It has waited. place: from waiting_enter(). */
void waiting_leave(int place);

/* How many living threads wait on the socket. */
unsigned waiting_count(uint32_t sock_index);
