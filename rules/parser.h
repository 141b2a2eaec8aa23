/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files that make up rule_parse() share: parse.c takes the list apart, value-*.c read what
 * stands behind the '=' of each key, check.c looks at the rule as a whole.
 *
 * All functions that return int give 0 or a negative errno, the parser's error being filled in.
 */

#include "rules/rule.h"
#include "rules/text.h"

/* A part of the rule's text, as written. */
struct span {
        const char *start;
        size_t length;
};

/* What a rule can have one of. */
enum slot {
        SLOT_DIRECTION,
        SLOT_TYPE,
        SLOT_ADDRESS,
        SLOT_PORT,
        SLOT_FROM,
        SLOT_ACTION,
        SLOT_NOREMOVE,
        SLOT_MODE,
        SLOT_USER,
        SLOT_GROUP,
        SLOT_PEER,
        N_SLOTS,
};

struct parser;
struct keyword;

/* Takes a keyword over into the rule. value is empty where the keyword has none. */
typedef int (*keyword_fn)(struct parser *parser, const struct keyword *keyword, struct span value);

/* A word of the language. */
struct keyword {
        const char *name;
        enum slot slot;
        enum { VALUE_NONE, VALUE_OPTIONAL, VALUE_NEEDED } value;
        keyword_fn set;
        int setting; /* the enum value in the rule that this word stands for, where there is one */
};

/* What was written into a slot. */
struct item {
        const struct keyword *keyword; /* NULL: nothing */
        struct span text;              /* all of it, key and value */
        bool has_value;
};

struct parser {
        struct span text;
        unsigned flags;
        struct rule_arena *arena;
        struct rule rule; /* in the making */
        struct span item; /* that is being read */
        struct item items[N_SLOTS];
        struct rule_error *error;
        rule_warning_fn warn;
        void *userdata;
};

/*
 * A message in the making. Begin it with the place it blames, add to its text, and end it in one of
 * the two ways.
 */
struct complaint {
        struct rule_error error;
        struct text message;
};

/* Begin a complaint about a part of the rule's text; NULL start: the rule as a whole. */
void complaint_begin(struct complaint *complaint, const struct parser *parser, struct span at);

/* Add a keyword as users write it: 'tcp', 'port='. */
void complaint_add_keyword(struct complaint *complaint, const struct keyword *keyword);

/* Make it the error of the parser. Returns -EINVAL. */
int complaint_fail(struct complaint *complaint, struct parser *parser);

/* Hand it to the parser's warning function, if there is one. */
void complaint_warn(struct complaint *complaint, const struct parser *parser);

/*
 * Fail at the span, with a message that quotes it between the two strings. Where the span is empty,
 * the item that it is part of stands in for it.
 * Returns -EINVAL.
 */
int parser_fail(struct parser *parser, struct span at, const char *before, const char *after);

/*
 * Copy the value into the arena as a string, with the escapes of the list undone.
 * Errors: -ENOMEM (the arena is full).
 */
int parser_take_string(struct parser *parser, struct span value, const char **ret);

/*
 * Read a decimal number without sign or leading zeros, at most max (below 10^9).
 * Errors: -EINVAL, without a message.
 */
int span_to_number(struct span span, uint32_t max, uint32_t *ret);

/* Does the span hold exactly this word? */
bool span_is(struct span span, const char *word);

/* Take off what comes before the first such character, and the character. Returns false: none. */
bool span_split(struct span *span, char separator, struct span *ret_before);

/* value-match.c: the matches */
int set_direction(struct parser *parser, const struct keyword *keyword, struct span value);
int set_type(struct parser *parser, const struct keyword *keyword, struct span value);
int set_address(struct parser *parser, const struct keyword *keyword, struct span value);
int set_port(struct parser *parser, const struct keyword *keyword, struct span value);
int set_from(struct parser *parser, const struct keyword *keyword, struct span value);

/* value-action.c: the actions */
int set_target(struct parser *parser, const struct keyword *keyword, struct span value);
int set_systemd(struct parser *parser, const struct keyword *keyword, struct span value);
int set_reject(struct parser *parser, const struct keyword *keyword, struct span value);
int set_plain(struct parser *parser, const struct keyword *keyword, struct span value);
int set_inet(struct parser *parser, const struct keyword *keyword, struct span value);

/* value-option.c: the options of actions */
int set_noremove(struct parser *parser, const struct keyword *keyword, struct span value);
int set_mode(struct parser *parser, const struct keyword *keyword, struct span value);
int set_owner(struct parser *parser, const struct keyword *keyword, struct span value);
int set_peer(struct parser *parser, const struct keyword *keyword, struct span value);

/* check.c: does what was read make sense together? */
int check_rule(struct parser *parser);
