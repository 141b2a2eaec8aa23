/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the ports of clients apart. See port.h. */

#include <stdatomic.h>

#include "preload/endpoint.h"
#include "preload/port.h"

/* Ephemeral ports are in the upper half of all. */
#define PORTS     32768
#define WORD_BITS 64

/* A bit for each port. It is of this process alone: a forked child has its parent's connections. */
static _Atomic uint64_t taken[PORTS / WORD_BITS];

static _Atomic uint64_t *find_word(uint16_t port)
{
        return &taken[port % PORTS / WORD_BITS];
}

static uint64_t find_bit(uint16_t port)
{
        return UINT64_C(1) << (port % WORD_BITS);
}

uint16_t port_take(void)
{
        uint16_t port = 0;

        for (int i = 0; i < PORTS; i++) {
                port = endpoint_ephemeral_port();
                if (!(atomic_fetch_or(find_word(port), find_bit(port)) & find_bit(port)))
                        break;
        }

        return port;
}

void port_give_back(uint16_t port)
{
        atomic_fetch_and(find_word(port), ~find_bit(port));
}
