/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "rules/glob.h"
#include "rules/rule.h"

/* What rules are compared with, in the form that compares fastest. */
struct subject {
        const struct rule_query *query;
        uint64_t address[2];
        unsigned actions; /* bits of the actions that can be taken */
};

static void load(const struct rule_address *address, uint64_t ret[static 2])
{
        memcpy(ret, address->bytes, sizeof(address->bytes));
}

/* A rule is about one family: ::/0 has nothing to compare, and still means IPv6 sockets. */
static bool matches_address(const struct rule *rule, const struct subject *subject)
{
        uint64_t address[2], mask[2];

        if (!rule->has_address)
                return true;
        if (rule->address_is_ipv4 != subject->query->is_ipv4)
                return false;
        load(&rule->address, address);
        load(&rule->mask, mask);
        return (((address[0] ^ subject->address[0]) & mask[0]) |
                ((address[1] ^ subject->address[1]) & mask[1])) == 0;
}

/*
 * Most rules of a list are passed over: the comparisons are in the order of what tells rules apart
 * most often, at the least cost.
 */
static bool matches(const struct rule *rule, const struct subject *subject)
{
        const struct rule_query *query = subject->query;

        if (query->port < rule->port_first || query->port > rule->port_last)
                return false;
        if (rule->direction != RULE_BOTH && rule->direction != query->direction)
                return false;
        if (!(subject->actions >> rule->action & 1))
                return false;
        if (rule->type != RULE_ANY_TYPE && rule->type != query->type)
                return false;
        if (rule->origin != query->origin)
                return false;
        if (rule->origin != RULE_FROM_IP)
                return glob_match(rule->from, query->name_length == 0 ? "" : query->name,
                                  query->name_length);
        return matches_address(rule, subject);
}

const struct rule *rule_match(const struct rule *rules, size_t n_rules,
                              const struct rule_query *query)
{
        struct subject subject = {.query = query, .actions = ~0u};

        /* These two apply to binds, also where the rule does not say "in". */
        if (query->direction == RULE_OUT)
                subject.actions &= ~(1u << RULE_SYSTEMD | 1u << RULE_BLACKHOLE);
        load(&query->address, subject.address);

        for (size_t i = 0; i < n_rules; i++)
                if (matches(&rules[i], &subject))
                        return &rules[i];
        return NULL;
}
