/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The name that the socket at a target was bound by.
 *
 * What it sends comes from that name, which need not be the one that the rule has: /var/run is a
 * link to /run, a link may lead to one server today and to another one tomorrow, and a service may
 * have mounts or a root directory of its own, where we can't look. But the kernel tells the name to
 * who connects to the socket.
 */

#include "preload/target.h"

/*
 * place: the target's in the table of peers. The kernel is asked once in ten milliseconds, however
 * often this is called: a stranger can bring about calls. Async-signal-safe. errno is kept.
 * Returns false when it is the same name, or when nobody is there who could be asked.
 */
bool bound_name_of(const struct target *target, uint32_t place, struct target *ret);

/*
 * Can anybody have that name for his socket? A path that does not begin at the root begins wherever
 * its process was. Then only a connection shows who it is: tie.h.
 */
static inline bool bound_name_is_relative(const struct target *name)
{
        return name->address.sun_path[0] != '/' && name->address.sun_path[0] != 0;
}
