/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the entry points share. A hook finds out what its descriptor is and calls the object that
 * knows; negative errno becomes -1 and errno here, and nowhere else.
 *
 * For a descriptor that the shim does not track a hook costs a look into the table and a jump.
 */

#include <errno.h>

#include "preload/next.h"
#include "preload/peers.h"
#include "preload/rule-set.h"
#include "preload/table.h"

#define HOOK        __attribute__((visibility("default")))
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A second exported name for a hook, as the C library has it. */
#define HOOK_ALIAS(second, hook)                                                                   \
        extern __typeof__(hook) second __attribute__((alias(#hook), visibility("default")))

static inline int hook_result(int r)
{
        if (r >= 0)
                return r;

        errno = -r;
        return -1;
}

/*
 * Bind as bind(2) would: by the rules, or for real.
 * ret_ruled: whether a rule decided; may be NULL.
 * Returns 0 or a negative errno; errno itself is undefined afterwards.
 */
int hook_bind(int fd, const struct sockaddr *addr, socklen_t length, bool *ret_ruled);

/*
 * Is there anything to decide about a call with an address? Converted sockets must not reach the
 * kernel with an IP address, and any socket may send to a peer of a server's.
 */
static inline bool hook_has_a_say(int fd, const struct sockaddr *addr)
{
        return addr &&
               (rule_set.concerns_out || peers_exist() || WORD_KIND(table_get(fd)) >= WORD_SOCK);
}

/*
 * Connect as connect(2) would: by the rules, or for real.
 * Returns 0 or a negative errno; errno itself is undefined afterwards.
 */
int hook_connect(int fd, const struct sockaddr *addr, socklen_t length);

/*
 * End the listening of a passed socket at one number, and leave systemd's own alone. w: its word,
 * held. Returns 0 or a negative errno.
 */
int hook_shut_listener(int fd, word w);

/*
 * Leave the listeners whose files have to be removed: the process ends. Threads that wait on them
 * notice nothing.
 */
void hook_close_listeners(void);

/* Don't do that any more: there is another process with the very same descriptors. */
void hook_keep_listeners(void);
