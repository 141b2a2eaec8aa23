/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of matches: direction, type, address, port, and the globs of Unix sockets. */

#include <errno.h>
#include <string.h>

#include "rules/address.h"
#include "rules/format.h"
#include "rules/glob.h"
#include "rules/parser.h"

int set_direction(struct parser *parser, const struct keyword *keyword, struct span value)
{
        (void)value;
        parser->rule.direction = (enum rule_direction)keyword->setting;
        return 0;
}

int set_type(struct parser *parser, const struct keyword *keyword, struct span value)
{
        (void)value;
        parser->rule.type = (enum rule_type)keyword->setting;
        return 0;
}

static struct rule_address mask_of(unsigned prefix_length)
{
        struct rule_address mask = {};

        for (unsigned i = 0; i < prefix_length; i++)
                mask.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
        return mask;
}

/* Clear the bits after the prefix. Returns whether there were any. */
static bool apply_mask(struct rule_address *address, const struct rule_address *mask)
{
        bool changed = false;

        for (size_t i = 0; i < sizeof(address->bytes); i++) {
                uint8_t masked = address->bytes[i] & mask->bytes[i];

                changed = changed || masked != address->bytes[i];
                address->bytes[i] = masked;
        }
        return changed;
}

static void warn_masked(const struct parser *parser, struct span value)
{
        struct complaint complaint;

        complaint_begin(&complaint, parser, value);
        text_add_quoted(&complaint.message, value.start, value.length);
        text_add_string(&complaint.message, " has bits set after the prefix, taken as ");
        format_address(&complaint.message, &parser->rule);
        complaint_warn(&complaint, parser);
}

/*
 * A prefix counts bits of the form it was written in. One that is shorter than what makes an
 * address IPv4-mapped would cover more than IPv4 while looking like it.
 */
static int parse_prefix(struct parser *parser, struct span prefix, bool dotted)
{
        struct rule *rule = &parser->rule;
        uint32_t number;

        if (span_to_number(prefix, dotted ? 32 : 128, &number) < 0)
                return parser_fail(parser, prefix, "",
                                   dotted ? " is not a prefix length from 0 to 32"
                                          : " is not a prefix length from 0 to 128");
        if (!dotted && rule->address_is_ipv4 && number < 96)
                return parser_fail(parser, prefix, "",
                                   " is too short a prefix for an "
                                   "IPv4-mapped address: at least 96");
        rule->prefix_length = (uint8_t)(dotted ? number + 96 : number);
        return 0;
}

int set_address(struct parser *parser, const struct keyword *keyword, struct span value)
{
        struct rule *rule = &parser->rule;
        struct span address = value, prefix = value;
        bool has_prefix, dotted;
        int r;

        (void)keyword;
        has_prefix = span_split(&prefix, '/', &address);
        if (memchr(address.start, '%', address.length) != NULL)
                return parser_fail(parser, value, "",
                                   " has a zone, which rules don't know: "
                                   "give the address alone");
        if (rule_address_parse(address.start, address.length, &rule->address,
                               &rule->address_is_ipv4) < 0)
                return parser_fail(parser, address, "", " is not an IPv4 or IPv6 address");

        rule->has_address = true;
        rule->prefix_length = 128;
        dotted = memchr(address.start, ':', address.length) == NULL;
        if (has_prefix) {
                r = parse_prefix(parser, prefix, dotted);
                if (r < 0)
                        return r;
        }

        rule->mask = mask_of(rule->prefix_length);
        if (apply_mask(&rule->address, &rule->mask))
                warn_masked(parser, value);
        return 0;
}

static int parse_range(struct parser *parser, struct span value, struct span low, struct span high)
{
        uint32_t first, last;

        if (span_to_number(low, UINT16_MAX, &first) < 0 || first == 0)
                return parser_fail(parser, low, "", " is not a port number from 1 to 65535");
        if (span_to_number(high, UINT16_MAX, &last) < 0 || last == 0)
                return parser_fail(parser, high, "", " is not a port number from 1 to 65535");
        if (first >= last)
                return parser_fail(parser, value, "port range ", " must go from low to high");
        parser->rule.port_first = (uint16_t)first;
        parser->rule.port_last = (uint16_t)last;
        return 0;
}

/* Port 0 is what a program binds that wants any port: it can be matched, but starts no range. */
int set_port(struct parser *parser, const struct keyword *keyword, struct span value)
{
        struct span high = value, low;
        uint32_t port;

        (void)keyword;
        if (span_split(&high, '-', &low))
                return parse_range(parser, value, low, high);
        if (span_to_number(value, UINT16_MAX, &port) < 0)
                return parser_fail(parser, value, "", " is not a port number from 0 to 65535");
        parser->rule.port_first = parser->rule.port_last = (uint16_t)port;
        return 0;
}

int set_from(struct parser *parser, const struct keyword *keyword, struct span value)
{
        const char *wrong;
        char after[96];
        struct text text;
        int r;

        parser->rule.origin = (enum rule_origin)keyword->setting;
        r = parser_take_string(parser, value, &parser->rule.from);
        if (r < 0)
                return r;
        wrong = glob_check(parser->rule.from);
        if (wrong == NULL)
                return 0;

        text_init(&text, after, sizeof(after));
        text_add_char(&text, ' ');
        text_add_string(&text, wrong);
        return parser_fail(parser, value, "pattern ", after);
}
