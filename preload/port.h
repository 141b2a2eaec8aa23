/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The ports of clients that have not bound their sockets: the kernel gives no two connections of a
 * process the same, however long one of them lives.
 */

#include <stdint.h>

/*
 * A port that no other client's connection of this process has, as long as there is one.
 * Async-signal-safe.
 */
uint16_t port_take(void);

void port_give_back(uint16_t port);
