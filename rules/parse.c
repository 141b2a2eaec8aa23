/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The list level of the language: items between commas, each a flag or a key with its value.
 *
 * The backslash: the list undoes "\," and "\\", and leaves any other backslash as it is written,
 * with what follows it. So a glob's "\*" needs no doubling, a literal backslash in a path may
 * stand alone wherever no comma or backslash follows, and what rule_format() writes, which doubles
 * each, reads back the same.
 */

#include <errno.h>
#include <string.h>

#include "rules/parser.h"
#include "rules/suggest.h"

static const struct keyword keywords[] = {
        {"in", SLOT_DIRECTION, VALUE_NONE, set_direction, RULE_IN},
        {"out", SLOT_DIRECTION, VALUE_NONE, set_direction, RULE_OUT},
        {"tcp", SLOT_TYPE, VALUE_NONE, set_type, RULE_STREAM},
        {"stream", SLOT_TYPE, VALUE_NONE, set_type, RULE_STREAM},
        {"udp", SLOT_TYPE, VALUE_NONE, set_type, RULE_DGRAM},
        {"dgram", SLOT_TYPE, VALUE_NONE, set_type, RULE_DGRAM},
        {"datagram", SLOT_TYPE, VALUE_NONE, set_type, RULE_DGRAM},
        {"addr", SLOT_ADDRESS, VALUE_NEEDED, set_address, 0},
        {"address", SLOT_ADDRESS, VALUE_NEEDED, set_address, 0},
        {"port", SLOT_PORT, VALUE_NEEDED, set_port, 0},
        {"from-unix", SLOT_FROM, VALUE_NEEDED, set_from, RULE_FROM_UNIX},
        {"from-abstract", SLOT_FROM, VALUE_NEEDED, set_from, RULE_FROM_ABSTRACT},
        {"path", SLOT_ACTION, VALUE_NEEDED, set_target, RULE_PATH},
        {"abstract", SLOT_ACTION, VALUE_NEEDED, set_target, RULE_ABSTRACT},
        {"systemd", SLOT_ACTION, VALUE_OPTIONAL, set_systemd, RULE_SYSTEMD},
        {"reject", SLOT_ACTION, VALUE_OPTIONAL, set_reject, RULE_REJECT},
        {"blackhole", SLOT_ACTION, VALUE_NONE, set_plain, RULE_BLACKHOLE},
        {"ignore", SLOT_ACTION, VALUE_NONE, set_plain, RULE_IGNORE},
        {"inet", SLOT_ACTION, VALUE_NEEDED, set_inet, RULE_INET},
        {"noremove", SLOT_NOREMOVE, VALUE_NONE, set_noremove, 0},
        {"mode", SLOT_MODE, VALUE_NEEDED, set_mode, 0},
        {"user", SLOT_USER, VALUE_NEEDED, set_owner, 0},
        {"group", SLOT_GROUP, VALUE_NEEDED, set_owner, 0},
        {"peer", SLOT_PEER, VALUE_NEEDED, set_peer, 0},
};

#define N_KEYWORDS (sizeof(keywords) / sizeof(*keywords))

static const struct keyword *find_keyword(struct span key)
{
        for (size_t i = 0; i < N_KEYWORDS; i++)
                if (span_is(key, keywords[i].name))
                        return &keywords[i];
        return NULL;
}

static const struct keyword *suggest_keyword(struct span key)
{
        const char *names[N_KEYWORDS + 1] = {};
        const char *name;

        for (size_t i = 0; i < N_KEYWORDS; i++)
                names[i] = keywords[i].name;
        name = suggest(key.start, key.length, names);
        return name == NULL ? NULL : find_keyword((struct span){name, strlen(name)});
}

static int fail_unknown(struct parser *parser, struct span key, bool has_value)
{
        const struct keyword *meant = suggest_keyword(key);
        struct complaint complaint;

        complaint_begin(&complaint, parser, key);
        text_add_string(&complaint.message, has_value ? "unknown key " : "unknown flag ");
        text_add_quoted(&complaint.message, key.start, key.length);
        if (meant != NULL) {
                text_add_string(&complaint.message, ", did you mean ");
                complaint_add_keyword(&complaint, meant);
                text_add_char(&complaint.message, '?');
        }
        return complaint_fail(&complaint, parser);
}

static bool begins_or_ends_blank(struct span span)
{
        return span.length > 0 && (span.start[0] == ' ' || span.start[span.length - 1] == ' ');
}

/* A blank before or after a word is easily written and never seen again: refuse it. */
static int check_blanks(struct parser *parser, struct span item, struct span key, struct span value)
{
        if (begins_or_ends_blank(key) || begins_or_ends_blank(value))
                return parser_fail(parser, item, "",
                                   " has a blank too many: none are allowed "
                                   "around ',' and '='");
        return 0;
}

static int check_value(struct parser *parser, const struct keyword *keyword, struct span item,
                       struct span value, bool has_value)
{
        if (has_value && keyword->value == VALUE_NONE)
                return parser_fail(parser, item, "", " takes no value");
        if (!has_value && keyword->value == VALUE_NEEDED)
                return parser_fail(parser, item, "", " needs a value");
        if (has_value && value.length == 0)
                return parser_fail(parser, item, "", " has an empty value");
        return 0;
}

/* "'udp' overrides the earlier 'tcp'", "'port=' is given twice" */
static void complain_repeated(struct complaint *complaint, const struct keyword *keyword,
                              const struct keyword *earlier, const char *between, const char *after)
{
        complaint_add_keyword(complaint, keyword);
        if (keyword == earlier) {
                text_add_string(&complaint->message, " is given twice");
                return;
        }
        text_add_string(&complaint->message, between);
        complaint_add_keyword(complaint, earlier);
        text_add_string(&complaint->message, after);
}

/*
 * The word has been there before, or one that takes the same place. Of flags the last one wins, but
 * two values or two actions leave nobody sure what was meant.
 */
static int check_repeated(struct parser *parser, const struct keyword *keyword, struct span item,
                          bool has_value)
{
        const struct item *earlier = &parser->items[keyword->slot];
        bool differ = keyword != earlier->keyword;
        struct complaint complaint;

        if (earlier->keyword == NULL)
                return 0;

        complaint_begin(&complaint, parser, item);
        if (differ && keyword->slot == SLOT_ACTION) {
                complain_repeated(&complaint, keyword, earlier->keyword, " after ",
                                  ": a rule has one action");
                return complaint_fail(&complaint, parser);
        }
        if (has_value || earlier->has_value) {
                complain_repeated(&complaint, keyword, earlier->keyword, " and ",
                                  " exclude each other");
                return complaint_fail(&complaint, parser);
        }
        complain_repeated(&complaint, keyword, earlier->keyword, " overrides the earlier ", "");
        complaint_warn(&complaint, parser);
        return 0;
}

/* There is nothing to point at but the comma: the one after the item, or else the one before. */
static int fail_empty_item(struct parser *parser, struct span item)
{
        bool last = item.start == parser->text.start + parser->text.length;
        struct complaint complaint;

        complaint_begin(&complaint, parser, (struct span){item.start - last, 1});
        text_add_string(&complaint.message,
                        last ? "nothing comes after ','" : "nothing comes before ','");
        return complaint_fail(&complaint, parser);
}

static int parse_item(struct parser *parser, struct span item)
{
        const struct keyword *keyword;
        struct span key, value = item;
        bool has_value;
        int r;

        if (item.length == 0)
                return fail_empty_item(parser, item);

        parser->item = item;
        has_value = span_split(&value, '=', &key);
        if (!has_value) {
                key = item;
                value = (struct span){};
        }

        r = check_blanks(parser, item, key, value);
        if (r < 0)
                return r;
        keyword = find_keyword(key);
        if (keyword == NULL)
                return fail_unknown(parser, key, has_value);
        r = check_value(parser, keyword, item, value, has_value);
        if (r < 0)
                return r;
        r = check_repeated(parser, keyword, item, has_value);
        if (r < 0)
                return r;

        parser->items[keyword->slot] =
                (struct item){.keyword = keyword, .text = item, .has_value = has_value};
        return keyword->set(parser, keyword, value);
}

/* Take the next item off the list, with the comma that ends it. */
static struct span take_item(struct span *list, bool *ret_last)
{
        size_t i = 0;

        while (i < list->length && list->start[i] != ',')
                i += list->start[i] == '\\' && i + 1 < list->length &&
                                     (list->start[i + 1] == ',' || list->start[i + 1] == '\\')
                             ? 2
                             : 1;

        struct span item = {list->start, i};

        *ret_last = i == list->length;
        list->start += *ret_last ? i : i + 1;
        list->length -= *ret_last ? i : i + 1;
        return item;
}

static int parse_list(struct parser *parser)
{
        struct span list = parser->text;
        bool last = false;
        int r;

        while (!last) {
                struct span item = take_item(&list, &last);

                r = parse_item(parser, item);
                if (r < 0)
                        return r;
        }
        return 0;
}

/*
 * Rules travel in lines and in environment variables, and end up in messages: a control character
 * is a mistake there, or an attack.
 */
static int check_bytes(struct parser *parser)
{
        for (size_t i = 0; i < parser->text.length; i++) {
                uint8_t byte = (uint8_t)parser->text.start[i];

                if (byte < 0x20 || byte == 0x7f)
                        return parser_fail(parser, (struct span){parser->text.start + i, 1},
                                           "control character ", " in a rule");
        }
        return 0;
}

static int fail_empty(struct parser *parser)
{
        struct complaint complaint;

        complaint_begin(&complaint, parser, (struct span){});
        text_add_string(&complaint.message, "the rule is empty");
        return complaint_fail(&complaint, parser);
}

static int parse_text(struct parser *parser)
{
        int r;

        if (parser->text.length == 0)
                return fail_empty(parser);
        r = check_bytes(parser);
        if (r < 0)
                return r;
        r = parse_list(parser);
        if (r < 0)
                return r;
        return check_rule(parser);
}

int rule_parse(const char *text, size_t length, unsigned flags, struct rule_arena *arena,
               struct rule *ret, struct rule_error *ret_error, rule_warning_fn warn, void *userdata)
{
        struct parser parser = {
                .text = {text, length},
                .flags = flags,
                .arena = arena,
                .rule = {.port_last = UINT16_MAX, .mode = RULE_MODE_UNSET},
                .error = ret_error,
                .warn = warn,
                .userdata = userdata,
        };
        char *start = arena->next;
        int r;

        r = parse_text(&parser);
        if (r < 0) {
                arena->next = start;
                return r;
        }
        *ret = parser.rule;
        return 0;
}
