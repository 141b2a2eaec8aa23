/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the ports of clients apart. See port.h. */

#include <stdatomic.h>

#include "preload/endpoint.h"
#include "preload/memory.h"
#include "preload/port.h"

/* Ephemeral ports are in the upper half of all. */
#define PORTS     32768
#define WORD_BITS 64

/*
 * A bit for each port, mapped for the first client. It is of this process alone: a forked child has
 * its parent's connections.
 */
struct ports {
        _Atomic uint64_t taken[PORTS / WORD_BITS];
};

static struct ports *ports;

/* NULL without memory: then ports may repeat. */
static _Atomic uint64_t *find_place(uint16_t port)
{
        struct ports *mapped = memory_share((void **)&ports, sizeof(*ports));

        return mapped ? &mapped->taken[port % PORTS / WORD_BITS] : NULL;
}

static uint64_t find_bit(uint16_t port)
{
        return UINT64_C(1) << (port % WORD_BITS);
}

uint16_t port_take(void)
{
        uint16_t port = 0;

        for (int i = 0; i < PORTS; i++) {
                _Atomic uint64_t *place;

                port = endpoint_ephemeral_port();
                place = find_place(port);
                if (!place || !(atomic_fetch_or(place, find_bit(port)) & find_bit(port)))
                        break;
        }

        return port;
}

void port_give_back(uint16_t port)
{
        _Atomic uint64_t *place = find_place(port);

        if (place)
                atomic_fetch_and(place, ~find_bit(port));
}
