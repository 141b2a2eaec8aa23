/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rule as a whole: which words go together, and what this version carries out. */

#include <errno.h>

#include "rules/parser.h"

#define BIT(action) (1u << (action))

/* Options, and the actions that they say something about. */
static const struct {
        enum slot slot;
        unsigned actions;
        const char *needs;
        bool in_only; /* has no effect on connects */
} options[] = {
        {SLOT_NOREMOVE, BIT(RULE_PATH), "'path='", true},
        {SLOT_MODE, BIT(RULE_PATH), "'path='", true},
        {SLOT_USER, BIT(RULE_PATH), "'path='", true},
        {SLOT_GROUP, BIT(RULE_PATH), "'path='", true},
        {SLOT_PEER, BIT(RULE_PATH) | BIT(RULE_ABSTRACT) | BIT(RULE_SYSTEMD),
         "'path=', 'abstract=' or 'systemd'", false},
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

/* Those that rule_supported() would refuse are not offered. */
static int check_action(struct parser *parser)
{
        struct complaint complaint;

        if (parser->items[SLOT_ACTION].keyword != NULL)
                return 0;
        complaint_begin(&complaint, parser, (struct span){});
        text_add_string(&complaint.message,
                        "the rule has no action: one of 'systemd', 'reject', 'blackhole', "
                        "'ignore'");
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

/* Unix sockets have neither address nor port to match, nor a family that could be kept. */
static int check_origin(struct parser *parser)
{
        static const enum slot slots[] = {SLOT_ADDRESS, SLOT_PORT, SLOT_ACTION};
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
        if (options[option].in_only && parser->rule.direction == RULE_OUT) {
                begin_with_item(&complaint, parser, item, " has no effect with 'out'");
                complaint_warn(&complaint, parser);
        }
        return 0;
}

int check_rule(struct parser *parser)
{
        static int (*const checks[])(struct parser *) = {
                check_action,
                check_direction,
                check_origin,
                check_family,
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
        return 0;
}

/* What the language has and the shim can't carry out yet. */
static const char *find_unsupported(const struct rule *rule)
{
        static const char *const actions[] = {
                [RULE_PATH] = "'path='",
                [RULE_ABSTRACT] = "'abstract='",
                [RULE_INET] = "'inet='",
        };
        static const char *const origins[] = {
                [RULE_FROM_IP] = NULL,
                [RULE_FROM_UNIX] = "'from-unix='",
                [RULE_FROM_ABSTRACT] = "'from-abstract='",
        };

        if (origins[rule->origin] != NULL)
                return origins[rule->origin];
        return actions[rule->action];
}

int rule_supported(const struct rule *rule, struct rule_error *ret_error)
{
        const char *unsupported = find_unsupported(rule);
        struct text message;

        if (unsupported == NULL)
                return 0;

        ret_error->offset = 0;
        ret_error->length = 0;
        text_init(&message, ret_error->message, sizeof(ret_error->message));
        text_add_string(&message, unsupported);
        text_add_string(&message, " is not supported by this version yet");
        text_finish(&message);
        return -EOPNOTSUPP;
}
