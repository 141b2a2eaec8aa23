/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rule as a whole: which words go together, and whether they leave a socket a name. */

#include <string.h>
#include <sys/un.h>

#include "rules/parser.h"
#include "rules/placeholder.h"

#define BIT(action) (1u << (action))

/*
 * Longest path or abstract name of a socket: both lose one byte of sun_path, the path to its
 * terminator (which unix(7) leaves optional, and getsockname(2) then hands out a path that
 * is too long for the structure), the name to the NUL in front.
 */
#define TARGET_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

/* Options, and what they say something about. */
static const struct {
        enum slot slot;
        unsigned actions;
        const char *needs;
        bool in_only;     /* has no effect on connects */
        bool stream_only; /* has no effect on datagrams */
} options[] = {
        {SLOT_NOREMOVE, BIT(RULE_PATH), "'path='", true, false},
        {SLOT_MODE, BIT(RULE_PATH), "'path='", true, false},
        {SLOT_USER, BIT(RULE_PATH), "'path='", true, false},
        {SLOT_GROUP, BIT(RULE_PATH), "'path='", true, false},
        {SLOT_PEER, BIT(RULE_PATH) | BIT(RULE_ABSTRACT) | BIT(RULE_SYSTEMD),
         "'path=', 'abstract=' or 'systemd'", true, true},
};

#define N_OPTIONS (sizeof(options) / sizeof(*options))

/* Begin a complaint about an item with its keyword. */
static void begin_with_item(struct complaint *complaint, const struct parser *parser,
                            const struct item *item, const char *rest)
{
        complaint_begin(complaint, parser, item->text);
        complaint_add_keyword(complaint, item->keyword);
        text_add_string(&complaint->message, rest);
}

/* The actions, as they are offered to a rule that has none. */
static const struct {
        const char *name;
        bool in_only; /* about binds alone */
        bool ip_only; /* about IP sockets alone */
} actions[] = {
        {"'path='", false, false},  {"'abstract='", false, false}, {"'systemd'", true, false},
        {"'reject'", false, false}, {"'blackhole'", true, false},  {"'ignore'", false, false},
        {"'inet='", false, true},
};

static int check_action(struct parser *parser)
{
        const struct rule *rule = &parser->rule;
        const char *separator = "";
        struct complaint complaint;

        if (parser->items[SLOT_ACTION].keyword != NULL)
                return 0;
        complaint_begin(&complaint, parser, (struct span){});
        text_add_string(&complaint.message, "the rule has no action: one of ");
        for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
                if ((actions[i].in_only && rule->direction == RULE_OUT) ||
                    (actions[i].ip_only && rule->origin != RULE_FROM_IP))
                        continue;
                text_add_string(&complaint.message, separator);
                text_add_string(&complaint.message, actions[i].name);
                separator = ", ";
        }
        return complaint_fail(&complaint, parser);
}

/* A client has no use for a passed listener, and nobody connects to it. */
static int check_direction(struct parser *parser)
{
        const struct rule *rule = &parser->rule;
        struct complaint complaint;

        if (rule->direction != RULE_OUT ||
            (rule->action != RULE_SYSTEMD && rule->action != RULE_BLACKHOLE))
                return 0;
        begin_with_item(&complaint, parser, &parser->items[SLOT_ACTION],
                        " is about binds alone, it can't go with 'out'");
        return complaint_fail(&complaint, parser);
}

/*
 * Unix sockets have neither address nor port to match, nor a family that could be kept, nor an
 * address of their peers for credentials to stand in.
 */
static int check_origin(struct parser *parser)
{
        static const enum slot slots[] = {SLOT_ADDRESS, SLOT_PORT, SLOT_ACTION, SLOT_PEER};
        struct complaint complaint;

        if (parser->rule.origin == RULE_FROM_IP)
                return 0;
        for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
                const struct item *item = &parser->items[slots[i]];

                if (item->keyword == NULL ||
                    (slots[i] == SLOT_ACTION && parser->rule.action != RULE_INET))
                        continue;
                begin_with_item(&complaint, parser, item,
                                " is about IP sockets, it can't go with ");
                complaint_add_keyword(&complaint, parser->items[SLOT_FROM].keyword);
                return complaint_fail(&complaint, parser);
        }
        return 0;
}

/* inet= keeps the family of the socket. */
static int check_family(struct parser *parser)
{
        const struct rule *rule = &parser->rule;
        struct complaint complaint;

        if (rule->action != RULE_INET || !rule->has_address ||
            rule->address_is_ipv4 == rule->inet_is_ipv4)
                return 0;
        begin_with_item(&complaint, parser, &parser->items[SLOT_ACTION],
                        " must have an address of the same family as ");
        complaint_add_keyword(&complaint, parser->items[SLOT_ADDRESS].keyword);
        return complaint_fail(&complaint, parser);
}

/* The value of path= or abstract=, as written. */
static struct span target_span(const struct parser *parser)
{
        struct span value = parser->items[SLOT_ACTION].text, key;

        span_split(&value, '=', &key);
        return value;
}

/* Too long whatever the placeholders become: where it depends on them, the socket call tells. */
static int check_length(struct parser *parser)
{
        if (parser->rule.target == NULL || placeholder_min_length(&parser->rule) <= TARGET_MAX)
                return 0;
        return parser_fail(parser, target_span(parser),
                           parser->rule.action == RULE_PATH ? "path " : "abstract name ",
                           " is too long for a socket: at most 107 bytes");
}

/* All sockets that the rule is about would lead to one name. */
static void warn_unknown(struct parser *parser)
{
        struct span target = target_span(parser);
        struct complaint complaint;

        if (parser->rule.target == NULL || parser->rule.origin == RULE_FROM_IP)
                return;
        for (; target.length > 1; target.start++, target.length--) {
                if (*target.start != '%')
                        continue;
                if (target.start[1] == 'p' || target.start[1] == 'a') {
                        complaint_begin(&complaint, parser, (struct span){target.start, 2});
                        text_add_quoted(&complaint.message, target.start, 2);
                        text_add_string(&complaint.message, " is 'unknown' with ");
                        complaint_add_keyword(&complaint, parser->items[SLOT_FROM].keyword);
                        complaint_warn(&complaint, parser);
                }
                target.start++;
                target.length--;
        }
}

/* How comments begin elsewhere, and options that a blank was meant to part from the name. */
static const char *const swallowed[] = {"#", ";", "mode=", "user=", "group=", "peer=", "noremove"};

static bool is_swallowed(struct span rest)
{
        for (size_t i = 0; i < sizeof(swallowed) / sizeof(*swallowed); i++) {
                const size_t length = strlen(swallowed[i]);

                if (rest.length >= length && memcmp(rest.start, swallowed[i], length) == 0)
                        return true;
        }
        return false;
}

static void warn_swallowed(struct parser *parser)
{
        struct span rest = target_span(parser);
        struct complaint complaint;

        if (parser->rule.target == NULL)
                return;
        while (rest.length > 0) {
                const bool is_blank = *rest.start == ' ';

                rest.start++;
                rest.length--;
                if (!is_blank || !is_swallowed(rest))
                        continue;
                complaint_begin(&complaint, parser, rest);
                text_add_quoted(&complaint.message, rest.start, rest.length);
                text_add_string(&complaint.message, " is taken for a part of ");
                complaint_add_keyword(&complaint, parser->items[SLOT_ACTION].keyword);
                complaint_warn(&complaint, parser);
                return;
        }
}

/* One word is enough, whatever else is in the way: the option is to go. */
static void warn_without_effect(struct parser *parser, size_t option)
{
        const bool on_connects = options[option].in_only && parser->rule.direction == RULE_OUT;
        struct complaint complaint;

        if (!on_connects && (!options[option].stream_only || parser->rule.type != RULE_DGRAM))
                return;
        begin_with_item(&complaint, parser, &parser->items[options[option].slot],
                        " has no effect with ");
        complaint_add_keyword(&complaint,
                              parser->items[on_connects ? SLOT_DIRECTION : SLOT_TYPE].keyword);
        complaint_warn(&complaint, parser);
}

static int check_option(struct parser *parser, size_t option)
{
        const struct item *item = &parser->items[options[option].slot];
        struct complaint complaint;

        if (item->keyword == NULL)
                return 0;
        if (!(options[option].actions & BIT(parser->rule.action))) {
                begin_with_item(&complaint, parser, item, " goes with ");
                text_add_string(&complaint.message, options[option].needs);
                text_add_string(&complaint.message, " alone");
                return complaint_fail(&complaint, parser);
        }
        warn_without_effect(parser, option);
        return 0;
}

int check_rule(struct parser *parser)
{
        static int (*const checks[])(struct parser *) = {
                check_action, check_direction, check_origin, check_family, check_length,
        };
        int r;

        for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
                r = checks[i](parser);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < N_OPTIONS; i++) {
                r = check_option(parser, i);
                if (r < 0)
                        return r;
        }
        warn_unknown(parser);
        warn_swallowed(parser);
        return 0;
}
