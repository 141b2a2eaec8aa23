/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/format.h"

#include <errno.h>

#include "rules/address.h"
#include "rules/errno-name.h"

void format_address(struct text *text, const struct rule *rule)
{
        char address[RULE_ADDRESS_TEXT_MAX];

        rule_address_format(&rule->address, rule->address_is_ipv4, address);
        text_add_string(text, address);
        if (rule->prefix_length == 128)
                return;
        text_add_char(text, '/');
        text_add_unsigned(text,
                          rule->address_is_ipv4 ? rule->prefix_length - 96u : rule->prefix_length);
}

bool format_has_ports(const struct rule *rule)
{
        return rule->port_first != 0 || rule->port_last != UINT16_MAX;
}

void format_ports(struct text *text, const struct rule *rule)
{
        text_add_unsigned(text, rule->port_first);
        if (rule->port_last == rule->port_first)
                return;
        text_add_char(text, '-');
        text_add_unsigned(text, rule->port_last);
}

void format_inet(struct text *text, const struct rule *rule)
{
        char address[RULE_ADDRESS_TEXT_MAX];

        rule_address_format(&rule->inet_address, rule->inet_is_ipv4, address);
        text_add_string(text, rule->inet_is_ipv4 ? "" : "[");
        text_add_string(text, address);
        text_add_string(text, rule->inet_is_ipv4 ? "" : "]");
        if (rule->inet_port == 0)
                return;
        text_add_char(text, ':');
        text_add_unsigned(text, rule->inet_port);
}

void format_errno(struct text *text, int number)
{
        const char *name = errno_to_name(number);

        if (name != NULL)
                text_add_string(text, name);
        else
                text_add_signed(text, number);
}

/* Begin the next item of the list. */
static void add_word(struct text *text, const char *word)
{
        if (text->next > text->begin)
                text_add_char(text, ',');
        text_add_string(text, word);
}

/* Add KEY=VALUE, the value escaped the way that parser_take_string() undoes. */
static void add_string(struct text *text, const char *key, const char *value)
{
        if (value == NULL)
                return;
        add_word(text, key);
        text_add_char(text, '=');
        for (; *value != '\0'; value++) {
                if (*value == ',' || *value == '\\')
                        text_add_char(text, '\\');
                text_add_char(text, *value);
        }
}

static void add_matches(struct text *text, const struct rule *rule)
{
        static const char *const directions[] = {[RULE_IN] = "in", [RULE_OUT] = "out"};
        static const char *const types[] = {[RULE_STREAM] = "tcp", [RULE_DGRAM] = "udp"};

        if (rule->direction != RULE_BOTH)
                add_word(text, directions[rule->direction]);
        if (rule->type != RULE_ANY_TYPE)
                add_word(text, types[rule->type]);
        if (rule->has_address) {
                add_word(text, "addr=");
                format_address(text, rule);
        }
        if (format_has_ports(rule)) {
                add_word(text, "port=");
                format_ports(text, rule);
        }
        add_string(text, rule->origin == RULE_FROM_UNIX ? "from-unix" : "from-abstract",
                   rule->from);
}

static void add_action(struct text *text, const struct rule *rule)
{
        switch (rule->action) {
        case RULE_PATH:
                add_string(text, "path", rule->target);
                break;
        case RULE_ABSTRACT:
                add_string(text, "abstract", rule->target);
                break;
        case RULE_SYSTEMD:
                if (rule->fdname == NULL)
                        add_word(text, "systemd");
                add_string(text, "systemd", rule->fdname);
                break;
        case RULE_REJECT:
                add_word(text, "reject");
                if (rule->reject_errno == EACCES)
                        break;
                text_add_char(text, '=');
                format_errno(text, rule->reject_errno);
                break;
        case RULE_BLACKHOLE:
                add_word(text, "blackhole");
                break;
        case RULE_IGNORE:
                add_word(text, "ignore");
                break;
        case RULE_INET:
                add_word(text, "inet=");
                format_inet(text, rule);
                break;
        }
}

static void add_options(struct text *text, const struct rule *rule)
{
        if (rule->noremove)
                add_word(text, "noremove");
        if (rule->mode != RULE_MODE_UNSET) {
                add_word(text, "mode=");
                text_add_octal(text, rule->mode);
        }
        add_string(text, "user", rule->user);
        add_string(text, "group", rule->group);
        if (rule->peer_credentials)
                add_word(text, "peer=credentials");
}

ssize_t rule_format(const struct rule *rule, char *ret, size_t size)
{
        struct text text;

        if (size == 0)
                return -ENOBUFS;
        text_init(&text, ret, size);
        add_matches(&text, rule);
        add_action(&text, rule);
        add_options(&text, rule);
        return text_finish(&text);
}
