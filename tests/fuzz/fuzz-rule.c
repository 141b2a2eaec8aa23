/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The input is the text of a rule. Whatever it is, the parser answers with a rule or with an error
 * that can be shown; a rule comes back from its canonical form, and can be described, expanded and
 * matched.
 */

#include <errno.h>
#include <string.h>

#include "rules/placeholder.h"
#include "rules/rule.h"
#include "rules/utf8.h"
#include "tests/fuzz/fuzz.h"

/* Everything of a rule besides its strings, in the longest form. */
#define FIXED_MAX 1024

static void check_line(const char *line, size_t length)
{
        while (length > 0) {
                size_t size = utf8_decode(line, length, NULL);

                FUZZ_CHECK(size > 0);
                FUZZ_CHECK((uint8_t)*line >= 0x20);
                line += size;
                length -= size;
        }
}

static void check_error(const struct rule_error *error, size_t text_length)
{
        FUZZ_CHECK(error->offset <= text_length);
        FUZZ_CHECK(error->length <= text_length - error->offset);
        FUZZ_CHECK(memchr(error->message, '\0', sizeof(error->message)) != NULL);
        FUZZ_CHECK(error->message[0] != '\0');
        check_line(error->message, strlen(error->message));
}

static void check_warning(const struct rule_error *warning, void *userdata)
{
        check_error(warning, *(size_t *)userdata);
}

/* A rule with the memory of its strings, which is no larger than promised to be enough. */
struct parsed {
        struct rule rule;
        char *memory;
};

static int parse(const char *text, size_t length, unsigned flags, struct parsed *ret)
{
        size_t size = RULE_ARENA_SIZE(length);
        char *memory = malloc(size);
        struct rule_arena arena = {memory, memory + size};
        struct rule_error error;
        int r;

        FUZZ_CHECK(memory != NULL);
        r = rule_parse(text, length, flags, &arena, &ret->rule, &error, check_warning, &length);
        if (r < 0) {
                FUZZ_CHECK(r == -EINVAL);
                FUZZ_CHECK(arena.next == memory);
                check_error(&error, length);
                free(memory);
                return r;
        }
        ret->memory = memory;
        return 0;
}

static bool same_string(const char *a, const char *b)
{
        return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_same(const struct rule *a, const struct rule *b)
{
        FUZZ_CHECK(a->direction == b->direction);
        FUZZ_CHECK(a->type == b->type);
        FUZZ_CHECK(a->origin == b->origin);
        FUZZ_CHECK(a->action == b->action);
        FUZZ_CHECK(a->has_address == b->has_address);
        FUZZ_CHECK(a->address_is_ipv4 == b->address_is_ipv4);
        FUZZ_CHECK(a->prefix_length == b->prefix_length);
        FUZZ_CHECK(memcmp(&a->address, &b->address, sizeof(a->address)) == 0);
        FUZZ_CHECK(memcmp(&a->mask, &b->mask, sizeof(a->mask)) == 0);
        FUZZ_CHECK(a->port_first == b->port_first);
        FUZZ_CHECK(a->port_last == b->port_last);
        FUZZ_CHECK(same_string(a->from, b->from));
        FUZZ_CHECK(same_string(a->target, b->target));
        FUZZ_CHECK(same_string(a->fdname, b->fdname));
        FUZZ_CHECK(a->reject_errno == b->reject_errno);
        FUZZ_CHECK(memcmp(&a->inet_address, &b->inet_address, sizeof(a->inet_address)) == 0);
        FUZZ_CHECK(a->inet_is_ipv4 == b->inet_is_ipv4);
        FUZZ_CHECK(a->inet_port == b->inet_port);
        FUZZ_CHECK(a->noremove == b->noremove);
        FUZZ_CHECK(a->peer_credentials == b->peer_credentials);
        FUZZ_CHECK(a->mode == b->mode);
        FUZZ_CHECK(same_string(a->user, b->user));
        FUZZ_CHECK(same_string(a->group, b->group));
}

static void check_canonical(const struct rule *rule, unsigned flags, size_t text_length)
{
        size_t size = FIXED_MAX + 2 * text_length;
        char *first = malloc(size), *second = malloc(size);
        struct parsed again;
        ssize_t length;

        FUZZ_CHECK(first != NULL && second != NULL);
        length = rule_format(rule, first, size);
        FUZZ_CHECK(length > 0 && strlen(first) == (size_t)length);
        FUZZ_CHECK(parse(first, (size_t)length, flags, &again) == 0);
        check_same(rule, &again.rule);
        FUZZ_CHECK(rule_format(&again.rule, second, size) == length);
        FUZZ_CHECK(strcmp(first, second) == 0);
        FUZZ_CHECK(rule_format(rule, second, (size_t)length) == -ENOBUFS);

        free(again.memory);
        free(second);
        free(first);
}

/* The sentence ends with what becomes of the sockets. */
static void check_described(const struct rule *rule, size_t text_length)
{
        /* Bytes that can't be printed take four. */
        size_t size = FIXED_MAX + 4 * text_length;
        char *whole = malloc(size), *part = malloc(size);
        ssize_t length;

        FUZZ_CHECK(whole != NULL && part != NULL);
        length = rule_describe(rule, whole, size);
        FUZZ_CHECK(length > 0);
        check_line(whole, (size_t)length);
        length = rule_describe_place(rule, part, size);
        FUZZ_CHECK(length > 0);
        check_line(part, (size_t)length);
        length = rule_describe_action(rule, part, size);
        FUZZ_CHECK(length > 0);
        FUZZ_CHECK(strcmp(whole + strlen(whole) - (size_t)length, part) == 0);

        free(part);
        free(whole);
}

static void check_matches(const struct rule *rule, const char *text, size_t length)
{
        struct rule_query query = {.address = rule->address, .is_ipv4 = rule->address_is_ipv4};
        bool in_only = rule->action == RULE_SYSTEMD || rule->action == RULE_BLACKHOLE;

        query.direction = rule->direction == RULE_OUT ? RULE_OUT : RULE_IN;
        query.type = rule->type == RULE_DGRAM ? RULE_DGRAM : RULE_STREAM;
        query.origin = rule->origin;
        query.port = rule->port_last;
        query.name = text;
        query.name_length = length < 107 ? length : 107;

        /* An IP socket with just what the rule asks for is one that it matches. */
        if (rule->origin == RULE_FROM_IP)
                FUZZ_CHECK(rule_match(rule, 1, &query) == rule);
        else
                rule_match(rule, 1, &query);

        query.direction = RULE_OUT;
        if (in_only)
                FUZZ_CHECK(rule_match(rule, 1, &query) == NULL);
        query.origin = (enum rule_origin)((rule->origin + 1) % 3);
        FUZZ_CHECK(rule_match(rule, 1, &query) == NULL);
}

/* The length of the target for such a socket, which the rule is about. */
static ssize_t expand(const struct rule *rule, bool is_ipv4, const struct rule_address *address,
                      uint16_t port)
{
        struct rule_query query = {
                .type = rule->type == RULE_DGRAM ? RULE_DGRAM : RULE_STREAM,
                .origin = rule->origin,
                .is_ipv4 = is_ipv4,
                .address = *address,
                .port = port,
        };
        char name[108];
        ssize_t length = rule_expand(rule->target, &query, name, sizeof(name));

        FUZZ_CHECK(length == -ENAMETOOLONG || (length > 0 && strlen(name) == (size_t)length));
        FUZZ_CHECK(length < 0 || (size_t)length >= placeholder_min_length(rule));
        return length;
}

/* A target that was taken is short enough for one socket at least, and no socket has a shorter. */
static void check_expanded(const struct rule *rule)
{
        struct rule_address address = rule->address;

        if (rule->target == NULL)
                return;
        FUZZ_CHECK(expand(rule, rule->address_is_ipv4, &address, rule->port_first) > 0);
        for (size_t i = 0; i < sizeof(address.bytes); i++)
                address.bytes[i] |= (uint8_t)~rule->mask.bytes[i];
        expand(rule, rule->address_is_ipv4, &address, rule->port_last);
        if (!rule->has_address) {
                memset(address.bytes, 0, 10);
                expand(rule, true, &address, rule->port_last);
        }
}

static void check_rule_text(const char *text, size_t length, unsigned flags)
{
        struct parsed parsed;

        if (parse(text, length, flags, &parsed) < 0)
                return;

        check_canonical(&parsed.rule, flags, length);
        check_described(&parsed.rule, length);
        check_matches(&parsed.rule, text, length);
        check_expanded(&parsed.rule);
        free(parsed.memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = size > 0 ? (const char *)data : "";

        check_rule_text(text, size, 0);
        check_rule_text(text, size, RULE_PARSE_RELATIVE_PATHS);
        return 0;
}
