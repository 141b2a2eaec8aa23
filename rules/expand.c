/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "rules/address.h"
#include "rules/placeholder.h"

static bool has_address(const struct rule_query *query)
{
        return query != NULL && query->origin == RULE_FROM_IP;
}

static void add_port(struct text *text, const struct rule_query *query)
{
        if (has_address(query))
                text_add_unsigned(text, query->port);
        else
                text_add_string(text, "unknown");
}

static void add_address(struct text *text, const struct rule_query *query)
{
        char address[RULE_ADDRESS_TEXT_MAX] = "unknown";

        if (has_address(query))
                rule_address_format(&query->address, query->is_ipv4, address);
        text_add_string(text, address);
}

static void add_type(struct text *text, const struct rule_query *query)
{
        static const char *const names[] = {
                [RULE_ANY_TYPE] = "unknown",
                [RULE_STREAM] = "tcp",
                [RULE_DGRAM] = "udp",
        };

        text_add_string(text, names[query == NULL ? RULE_ANY_TYPE : query->type]);
}

static void add_percent(struct text *text, const struct rule_query *query)
{
        (void)query;
        text_add_char(text, '%');
}

static const struct placeholder placeholders[] = {
        {'p', add_port},
        {'a', add_address},
        {'t', add_type},
        {'%', add_percent},
};

const struct placeholder *placeholder_find(char letter)
{
        for (size_t i = 0; i < sizeof(placeholders) / sizeof(*placeholders); i++)
                if (placeholders[i].letter == letter)
                        return &placeholders[i];
        return NULL;
}

/* The placeholder that stands at this place of a target, or NULL for an ordinary character. */
static const struct placeholder *placeholder_at(const char *target)
{
        return *target == '%' ? placeholder_find(target[1]) : NULL;
}

/*
 * The socket whose values have the fewest characters: of a range the lowest port, of a prefix the
 * address that is zero where it is free. The shortest address of all is "::".
 */
static struct rule_query shortest_query(const struct rule *rule)
{
        return (struct rule_query){
                .type = rule->type == RULE_ANY_TYPE ? RULE_STREAM : rule->type,
                .origin = rule->origin,
                .is_ipv4 = rule->has_address && rule->address_is_ipv4,
                .address = rule->address,
                .port = rule->port_first,
        };
}

static size_t value_length(const struct placeholder *placeholder, const struct rule_query *query)
{
        char value[RULE_ADDRESS_TEXT_MAX];
        struct text text;

        text_init(&text, value, sizeof(value));
        placeholder->add(&text, query);
        return (size_t)(text.next - text.begin);
}

size_t placeholder_min_length(const struct rule *rule)
{
        const struct rule_query query = shortest_query(rule);
        const char *target = rule->target;
        size_t length = 0;

        while (*target != '\0') {
                const struct placeholder *placeholder = placeholder_at(target);

                length += placeholder == NULL ? 1 : value_length(placeholder, &query);
                target += placeholder == NULL ? 1 : 2;
        }
        return length;
}

ssize_t rule_expand(const char *target, const struct rule_query *query, char *ret, size_t size)
{
        struct text text;
        ssize_t length;

        if (size == 0)
                return -ENAMETOOLONG;

        text_init(&text, ret, size);
        while (*target != '\0') {
                const struct placeholder *placeholder = placeholder_at(target);

                if (placeholder == NULL)
                        text_add_char(&text, *target);
                else
                        placeholder->add(&text, query);
                target += placeholder == NULL ? 1 : 2;
        }
        length = text_finish(&text);
        return length < 0 ? -ENAMETOOLONG : length;
}
