/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "rules/glob.h"
#include "rules/rule.h"

#define BIT(direction) (1u << (direction))

/* As rule_match() has it: two actions apply to binds, also where the rule does not say "in". */
static unsigned directions(const struct rule *rule)
{
        if (rule->direction != RULE_BOTH)
                return BIT(rule->direction);
        if (rule->action == RULE_SYSTEMD || rule->action == RULE_BLACKHOLE)
                return BIT(RULE_IN);
        return BIT(RULE_IN) | BIT(RULE_OUT);
}

/* A rule without an address is about both families, one with ::/0 is not. */
static bool covers_address(const struct rule *a, const struct rule *b)
{
        if (!a->has_address)
                return true;
        if (!b->has_address || a->address_is_ipv4 != b->address_is_ipv4 ||
            a->prefix_length > b->prefix_length)
                return false;
        for (size_t i = 0; i < sizeof(a->mask.bytes); i++)
                if (((a->address.bytes[i] ^ b->address.bytes[i]) & a->mask.bytes[i]) != 0)
                        return false;
        return true;
}

bool rule_covers(const struct rule *a, const struct rule *b)
{
        if (a->port_first > b->port_first || a->port_last < b->port_last)
                return false;
        if (directions(b) & ~directions(a))
                return false;
        if (a->type != RULE_ANY_TYPE && a->type != b->type)
                return false;
        if (a->origin != b->origin)
                return false;
        if (a->origin != RULE_FROM_IP)
                return glob_covers(a->from, b->from);
        return covers_address(a, b);
}
