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
        {'p', sizeof("0") - 1, add_port},
        {'a', sizeof("::") - 1, add_address},
        {'t', sizeof("tcp") - 1, add_type},
        {'%', sizeof("%") - 1, add_percent},
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

size_t placeholder_min_length(const char *target)
{
        size_t length = 0;

        while (*target != '\0') {
                const struct placeholder *placeholder = placeholder_at(target);

                length += placeholder == NULL ? 1 : placeholder->min_length;
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
