/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of actions: socket paths and names, descriptor names, errnos, addresses. */

#include <errno.h>
#include <string.h>

#include "rules/address.h"
#include "rules/errno-name.h"
#include "rules/parser.h"
#include "rules/placeholder.h"
#include "rules/suggest.h"
#include "rules/utf8.h"

/* FileDescriptorName= of systemd.socket(5): beyond this, systemd takes another name silently. */
#define FDNAME_LENGTH_MAX 255

/* MAX_ERRNO of the kernel: beyond this, a return value is no error. */
#define ERRNO_MAX 4095

static int fail_placeholder(struct parser *parser, struct span rest)
{
        struct span at = {rest.start, 1};

        if (rest.length > 1) {
                size_t size = utf8_decode(rest.start + 1, rest.length - 1, NULL);

                at.length += size > 0 ? size : 1;
        }
        return parser_fail(parser, at, "unknown placeholder ",
                           ": there are %p, %a and %t, and %% for a percent sign");
}

/*
 * Check the placeholders in the text as written: none of their letters can be part of an escape, so
 * the error can point at the very place.
 */
static int check_placeholders(struct parser *parser, struct span value)
{
        while (value.length > 0) {
                size_t step = 1;

                if (*value.start == '%') {
                        if (value.length < 2 || placeholder_find(value.start[1]) == NULL)
                                return fail_placeholder(parser, value);
                        step = 2;
                }
                value.start += step;
                value.length -= step;
        }
        return 0;
}

static int check_path(struct parser *parser, struct span value)
{
        const char *path = parser->rule.target;

        if (*path != '/' && !(parser->flags & RULE_PARSE_RELATIVE_PATHS))
                return parser_fail(parser, value, "path ", " is not absolute");
        if (path[strlen(path) - 1] == '/')
                return parser_fail(parser, value, "path ", " names a directory");
        return 0;
}

int set_target(struct parser *parser, const struct keyword *keyword, struct span value)
{
        int r;

        parser->rule.action = (enum rule_action)keyword->setting;
        r = check_placeholders(parser, value);
        if (r < 0)
                return r;
        r = parser_take_string(parser, value, &parser->rule.target);
        if (r < 0)
                return r;
        return keyword->setting == RULE_PATH ? check_path(parser, value) : 0;
}

static bool is_fdname_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
}

int set_systemd(struct parser *parser, const struct keyword *keyword, struct span value)
{
        parser->rule.action = (enum rule_action)keyword->setting;
        if (value.length == 0)
                return 0;
        for (size_t i = 0; i < value.length; i++)
                if (!is_fdname_character(value.start[i]))
                        return parser_fail(parser, value, "socket name ",
                                           " may have letters, digits, '-', '_' and '.' alone");
        if (value.length > FDNAME_LENGTH_MAX)
                return parser_fail(parser, value, "socket name ",
                                   " is too long: at most 255 characters");
        return parser_take_string(parser, value, &parser->rule.fdname);
}

static int fail_errno(struct parser *parser, struct span value)
{
        const char *meant = suggest(value.start, value.length, errno_names());
        struct complaint complaint;

        complaint_begin(&complaint, parser, value);
        text_add_string(&complaint.message, "unknown error ");
        text_add_quoted(&complaint.message, value.start, value.length);
        if (meant != NULL) {
                text_add_string(&complaint.message, ", did you mean '");
                text_add_string(&complaint.message, meant);
                text_add_string(&complaint.message, "'?");
        }
        return complaint_fail(&complaint, parser);
}

int set_reject(struct parser *parser, const struct keyword *keyword, struct span value)
{
        uint32_t number;

        parser->rule.action = (enum rule_action)keyword->setting;
        parser->rule.reject_errno = EACCES;
        if (value.length == 0)
                return 0;

        parser->rule.reject_errno = errno_from_name(value.start, value.length);
        if (parser->rule.reject_errno > 0)
                return 0;
        if (span_to_number(value, ERRNO_MAX, &number) < 0 || number == 0)
                return fail_errno(parser, value);
        parser->rule.reject_errno = (int)number;
        return 0;
}

int set_plain(struct parser *parser, const struct keyword *keyword, struct span value)
{
        (void)value;
        parser->rule.action = (enum rule_action)keyword->setting;
        return 0;
}

/*
 * Take ADDR, ADDR:, [ADDR6] or [ADDR6]: off the value. Without brackets nobody can tell where an
 * IPv6 address ends and its port begins.
 */
static int parse_inet_address(struct parser *parser, struct span *value, bool *ret_has_port)
{
        struct rule *rule = &parser->rule;
        bool bracketed = *value->start == '[';
        struct span address = *value;
        int r;

        if (bracketed) {
                value->start++;
                value->length--;
                if (!span_split(value, ']', &address))
                        return parser_fail(parser, address, "", " has a '[' without its ']'");
                *ret_has_port = value->length > 0;
                if (*ret_has_port && *value->start != ':')
                        return parser_fail(parser, *value, "", " after the address is no port");
                if (*ret_has_port)
                        *value = (struct span){value->start + 1, value->length - 1};
        } else
                *ret_has_port = span_split(value, ':', &address);

        if (!bracketed && *ret_has_port && memchr(value->start, ':', value->length) != NULL)
                return parser_fail(parser,
                                   (struct span){address.start, address.length + 1 + value->length},
                                   "", " needs brackets around its IPv6 address");
        r = rule_address_parse(address.start, address.length, &rule->inet_address,
                               &rule->inet_is_ipv4);
        if (r < 0 || bracketed != (memchr(address.start, ':', address.length) != NULL))
                return parser_fail(parser, address, "",
                                   bracketed ? " is not an IPv6 address"
                                             : " is not an IPv4 address, nor an IPv6 address in "
                                               "brackets");
        return 0;
}

int set_inet(struct parser *parser, const struct keyword *keyword, struct span value)
{
        bool has_port = false;
        uint32_t port;
        int r;

        parser->rule.action = (enum rule_action)keyword->setting;
        r = parse_inet_address(parser, &value, &has_port);
        if (r < 0 || !has_port)
                return r;
        if (span_to_number(value, UINT16_MAX, &port) < 0 || port == 0)
                return parser_fail(parser, value, "", " is not a port number from 1 to 65535");
        parser->rule.inet_port = (uint16_t)port;
        return 0;
}
