/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "rules/format.h"

/* What the rule is about in effect: two of the actions know one direction alone. */
static enum rule_direction direction_of(const struct rule *rule)
{
        if (rule->action == RULE_SYSTEMD || rule->action == RULE_BLACKHOLE)
                return RULE_IN;
        return rule->direction;
}

static void add_quoted(struct text *text, const char *string)
{
        text_add_char(text, '\'');
        text_add_printable(text, string, strlen(string));
        text_add_char(text, '\'');
}

static void add_kind(struct text *text, const struct rule *rule)
{
        static const char *const kinds[][2] = {
                [RULE_ANY_TYPE] = {"IP", "Unix"},
                [RULE_STREAM] = {"TCP", "Unix stream"},
                [RULE_DGRAM] = {"UDP", "Unix datagram"},
        };

        text_add_string(text, kinds[rule->type][rule->origin != RULE_FROM_IP]);
}

/* "listening TCP sockets" */
static void add_sockets(struct text *text, const struct rule *rule)
{
        static const char *const directions[] = {
                [RULE_BOTH] = "",
                [RULE_IN] = "listening ",
                [RULE_OUT] = "connecting ",
        };

        text_add_string(text, directions[direction_of(rule)]);
        add_kind(text, rule);
        text_add_string(text, " sockets");
}

/* "on", "to" or "with" addresses and ports, or a Unix socket's name. */
static void add_where(struct text *text, const struct rule *rule)
{
        static const char *const prepositions[] = {
                [RULE_BOTH] = " with ",
                [RULE_IN] = " on ",
                [RULE_OUT] = " to ",
        };
        bool has_ports = format_has_ports(rule);

        if (rule->origin != RULE_FROM_IP) {
                text_add_string(text, rule->origin == RULE_FROM_UNIX ? " whose path matches "
                                                                     : " whose name matches ");
                add_quoted(text, rule->from);
                return;
        }
        if (!rule->has_address && !has_ports)
                return;

        text_add_string(text, prepositions[direction_of(rule)]);
        if (rule->has_address) {
                text_add_string(text, rule->prefix_length < 128 ? "an address in " : "address ");
                format_address(text, rule);
        }
        if (rule->has_address && has_ports)
                text_add_string(text, " and ");
        if (has_ports) {
                text_add_string(text, rule->port_first < rule->port_last ? "ports " : "port ");
                format_ports(text, rule);
        }
}

/* Names are quoted, numbers are not. */
static void add_account(struct text *text, const char *account)
{
        if (account[strspn(account, "0123456789")] == '\0')
                text_add_string(text, account);
        else
                add_quoted(text, account);
}

static void begin_option(struct text *text, bool *first, const char *option)
{
        text_add_string(text, *first ? " (" : ", ");
        text_add_string(text, option);
        *first = false;
}

/* " (mode 0660, group 'www-data', kept when closed)" */
static void add_options(struct text *text, const struct rule *rule)
{
        bool first = true;

        if (rule->noremove)
                begin_option(text, &first, "kept when closed");
        if (rule->mode != RULE_MODE_UNSET) {
                begin_option(text, &first, "mode ");
                text_add_octal(text, rule->mode);
        }
        if (rule->user != NULL) {
                begin_option(text, &first, "user ");
                add_account(text, rule->user);
        }
        if (rule->group != NULL) {
                begin_option(text, &first, "group ");
                add_account(text, rule->group);
        }
        if (rule->peer_credentials)
                begin_option(text, &first, "peers' addresses carry their credentials");
        if (!first)
                text_add_char(text, ')');
}

/* As a verb, in the plural. */
static void add_action(struct text *text, const struct rule *rule)
{
        static const char *const blackholes[] = {
                [RULE_ANY_TYPE] = "seem to listen, and nothing comes in",
                [RULE_STREAM] = "seem to listen, and nobody can connect",
                [RULE_DGRAM] = "seem to be bound, and nothing comes in",
        };

        switch (rule->action) {
        case RULE_PATH:
                text_add_string(text, "use the Unix socket ");
                add_quoted(text, rule->target);
                break;
        case RULE_ABSTRACT:
                text_add_string(text, "use the abstract Unix socket ");
                add_quoted(text, rule->target);
                break;
        case RULE_SYSTEMD:
                if (rule->fdname == NULL) {
                        text_add_string(text, "use a socket that systemd passed and no rule names");
                        break;
                }
                text_add_string(text, "use the socket named ");
                add_quoted(text, rule->fdname);
                text_add_string(text, " that systemd passed");
                break;
        case RULE_REJECT:
                text_add_string(text, "fail with ");
                format_errno(text, rule->reject_errno);
                break;
        case RULE_BLACKHOLE:
                text_add_string(text, blackholes[rule->type]);
                break;
        case RULE_IGNORE:
                text_add_string(text, "are left alone");
                break;
        case RULE_INET:
                text_add_string(text, "use the address ");
                format_inet(text, rule);
                text_add_string(text, " instead");
                break;
        }
        add_options(text, rule);
}

static void add_place(struct text *text, const struct rule *rule)
{
        if (rule->has_address)
                format_address(text, rule);
        if (format_has_ports(rule)) {
                text_add_string(text, rule->has_address ? ", " : "");
                text_add_string(text, rule->port_first < rule->port_last ? "ports " : "port ");
                format_ports(text, rule);
        }
        if (rule->from != NULL) {
                text_add_string(text, rule->origin == RULE_FROM_UNIX ? "path " : "abstract name ");
                add_quoted(text, rule->from);
        }
        if (text->next == text->begin)
                text_add_string(text, "any");
}

static void add_sentence(struct text *text, const struct rule *rule)
{
        add_sockets(text, rule);
        add_where(text, rule);
        text_add_char(text, ' ');
        add_action(text, rule);
}

static void add_direction(struct text *text, const struct rule *rule)
{
        static const char *const directions[] = {
                [RULE_BOTH] = "in, out",
                [RULE_IN] = "in",
                [RULE_OUT] = "out",
        };

        text_add_string(text, directions[direction_of(rule)]);
}

static ssize_t describe(void (*add)(struct text *text, const struct rule *rule),
                        const struct rule *rule, char *ret, size_t size)
{
        struct text text;

        if (size == 0)
                return -ENOBUFS;
        text_init(&text, ret, size);
        add(&text, rule);
        return text_finish(&text);
}

ssize_t rule_describe(const struct rule *rule, char *ret, size_t size)
{
        return describe(add_sentence, rule, ret, size);
}

ssize_t rule_describe_direction(const struct rule *rule, char *ret, size_t size)
{
        return describe(add_direction, rule, ret, size);
}

ssize_t rule_describe_sockets(const struct rule *rule, char *ret, size_t size)
{
        return describe(add_kind, rule, ret, size);
}

ssize_t rule_describe_place(const struct rule *rule, char *ret, size_t size)
{
        return describe(add_place, rule, ret, size);
}

ssize_t rule_describe_action(const struct rule *rule, char *ret, size_t size)
{
        return describe(add_action, rule, ret, size);
}
