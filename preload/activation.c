/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hands out the descriptors that systemd passed. See activation.h. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "preload/activation.h"
#include "preload/inheritance.h"
#include "preload/next.h"
#include "preload/rule-set.h"
#include "preload/words.h"

static bool is_named_by_rules(const char *name)
{
        for (size_t i = 0; i < rule_set.n_rules; i++) {
                const struct rule *rule = &rule_set.rules[i];

                if (rule->action == RULE_SYSTEMD && rule->fdname && word_equals(rule->fdname, name))
                        return true;
        }

        return false;
}

bool activation_wants(const char *name, int type)
{
        const enum rule_type wanted = type == SOCK_DGRAM ? RULE_DGRAM : RULE_STREAM;

        if (is_named_by_rules(name))
                return true;
        if (type == 0)
                return false;

        for (size_t i = 0; i < rule_set.n_rules; i++) {
                const struct rule *rule = &rule_set.rules[i];

                if (rule->action == RULE_SYSTEMD && !rule->fdname &&
                    (rule->type == RULE_ANY_TYPE || rule->type == wanted))
                        return true;
        }

        return false;
}

static bool is_asked_for(const struct kept *k, const char *fdname)
{
        return fdname ? word_equals(k->name, fdname) : !is_named_by_rules(k->name);
}

/* How well does a descriptor suit a bind? The highest wins, the first of several. -1: not at all.
 */
static int fitness(const struct kept *k, const struct rule_query *query, sa_family_t family)
{
        if ((k->type == SOCK_DGRAM) != (query->type == RULE_DGRAM))
                return -1;
        if (k->family == AF_UNIX)
                return 1;
        /* A program that speaks to Unix sockets does not know what an IP address is. */
        if (family == AF_UNIX)
                return -1;

        return (k->endpoint.port == query->port ? 4 : 0) + (k->family == family ? 2 : 0);
}

static bool is_bound_to(const struct kept *k, const struct rule_query *query)
{
        return __atomic_load_n(&k->users, __ATOMIC_ACQUIRE) > 0 && k->bound.port == query->port &&
               memcmp(&k->bound.address, &query->address, sizeof(query->address)) == 0;
}

/* The place of the free descriptor that suits best, or of one that others have already; or -1. */
static int best(const char *fdname, const struct rule_query *query, sa_family_t family, bool taken,
                bool *ret_any)
{
        int found = -1, found_fitness = -1;

        for (int i = 0; i < kept_count(); i++) {
                int f;

                if (!is_asked_for(kept_at(i), fdname))
                        continue;
                f = fitness(kept_at(i), query, family);
                if (f < 0)
                        continue;

                *ret_any = true;
                if (f > found_fitness &&
                    (taken ? is_bound_to(kept_at(i), query)
                           : __atomic_load_n(&kept_at(i)->users, __ATOMIC_RELAXED) == 0)) {
                        found = i;
                        found_fitness = f;
                }
        }

        return found;
}

enum activation_result activation_take(const char *fdname, const struct rule_query *query,
                                       sa_family_t family, bool share, int *ret)
{
        bool any = false;
        int i;

        while ((i = best(fdname, query, family, false, &any)) >= 0) {
                struct kept *kept = kept_at(i);
                int nobody = 0;

                if (!__atomic_compare_exchange_n(&kept->users, &nobody, 1, false, __ATOMIC_ACQ_REL,
                                                 __ATOMIC_RELAXED))
                        continue;
                __atomic_store_n(&kept->taken_by, getpid(), __ATOMIC_RELAXED);
                kept->bound = (struct endpoint){query->address, query->port};
                next.fcntl(kept->fd, F_SETFD, FD_CLOEXEC);
                *ret = i;
                return ACTIVATION_TAKEN;
        }

        if (!any)
                return ACTIVATION_ABSENT;
        i = share ? best(fdname, query, family, true, &any) : -1;
        if (i < 0)
                return ACTIVATION_NONE;

        __atomic_fetch_add(&kept_at(i)->users, 1, __ATOMIC_ACQ_REL);
        *ret = i;
        return ACTIVATION_SHARED;
}

void activation_release(int i)
{
        struct kept *kept = kept_at(i);
        int flags;

        if (__atomic_sub_fetch(&kept->users, 1, __ATOMIC_ACQ_REL) > 0 || !inheritance_is_ours(kept))
                return;

        /* The file lives on, and would send SIGIO to a program that has closed it. */
        flags = next.fcntl(kept->fd, F_GETFL);
        if (flags >= 0 && flags & O_ASYNC)
                next.fcntl(kept->fd, F_SETFL, flags & ~O_ASYNC);
}
