/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loads the rules. See rule-set.h. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "preload/environment.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/memory.h"
#include "preload/rule-set.h"
#include "preload/words.h"
#include "rules/address.h"
#include "rules/text.h"

#define EX_CONFIG 78

struct rule_set rule_set;

static void __attribute__((noreturn)) die(void)
{
        kernel_exit(EX_CONFIG);
}

/* A part of the list that the environment has. */
struct part {
        const char *text;
        size_t length;
        bool goes_on;
};

static struct part find_part(size_t number)
{
        struct part part = {.text = environment_get_rules(number)};

        if (!part.text || !*part.text) {
                log_message(LOG_CRIT, number == 1 ? "no rules: " : "rules are missing: ",
                            number <= RULE_PARTS_MAX ? rule_parts_name(number)
                                                     : "the variable after IP2UNIX_RULES_16",
                            " is ", part.text ? "empty" : "not set", ", refusing to start");
                die();
        }

        part.goes_on = rule_parts_continue(part.text, &part.length);
        return part;
}

static size_t count_lines(const struct part *part)
{
        size_t n = 1;

        for (size_t i = 0; i < part->length; i++)
                n += part->text[i] == '\n';

        return n;
}

/* How much there is of all parts together. */
static size_t measure(size_t *ret_lines)
{
        struct part part;
        size_t length = 0, number = 0;

        *ret_lines = 0;
        do {
                part = find_part(++number);
                *ret_lines += count_lines(&part);
                length += part.length;
        } while (part.goes_on);

        return length;
}

static void parse(const char *line, size_t length, size_t number, struct rule_arena *arena,
                  struct rule *ret)
{
        struct rule_error error;

        if (rule_parse(line, length, 0, arena, ret, &error, NULL, NULL) == 0)
                return;

        log_message(LOG_CRIT, "rule ", LOG_NUMBER((long long)number), ": ", error.message);
        die();
}

/* Is there a letter behind a per cent sign that stands for what a program asks? */
static bool varies(const char *target)
{
        for (const char *c = target; *c; c++)
                if (*c == '%' && *++c != 't' && *c != '%')
                        return true;

        return false;
}

/* targets: so many rules that lead datagrams elsewhere came before. */
static void note_target(const struct rule *rule, size_t *targets)
{
        if (rule->origin != RULE_FROM_IP || rule->type == RULE_STREAM ||
            rule->direction == RULE_IN ||
            (rule->action != RULE_PATH && rule->action != RULE_ABSTRACT))
                return;

        rule_set.one_target = (*targets)++ == 0 && !varies(rule->target);
}

static void note(const struct rule *rule, size_t *targets)
{
        const bool is_out = rule->direction != RULE_IN && rule->action != RULE_SYSTEMD &&
                            rule->action != RULE_BLACKHOLE;

        note_target(rule, targets);
        if (rule->origin != RULE_FROM_IP)
                rule_set.concerns_unix = true;
        if (is_out)
                rule_set.names_out = true;
        if (rule->action == RULE_IGNORE)
                return;

        if (rule->direction != RULE_OUT)
                rule_set.concerns_in = true;
        if (is_out)
                rule_set.concerns_out = true;
}

/* Returns the number of the last line. */
static size_t parse_part(const struct part *part, size_t number, struct rule_arena *arena,
                         size_t *targets)
{
        const char *text = part->text, *end = text + part->length;

        for (; text < end; number++) {
                size_t line = word_length(text, '\n');

                line = line < (size_t)(end - text) ? line : (size_t)(end - text);
                if (line > 0) {
                        struct rule *rule = (struct rule *)&rule_set.rules[rule_set.n_rules];

                        parse(text, line, number + 1, arena, rule);
                        note(rule, targets);
                        rule_set.n_rules++;
                }
                text += line + 1;
        }

        return number;
}

void rule_set_load(void)
{
        struct rule_arena arena;
        struct part part;
        size_t lines, size, number = 0, line = 0, targets = 0;
        const size_t length = measure(&lines);
        char *memory;

        size = lines * (sizeof(struct rule) + RULE_ARENA_SIZE(0)) + RULE_ARENA_SIZE(length);
        memory = memory_take(size);
        if (!memory) {
                log_message(LOG_CRIT, "no memory for the rules, refusing to start");
                die();
        }

        rule_set.rules = (struct rule *)memory;
        arena.next = memory + lines * sizeof(struct rule);
        arena.end = memory + size;
        do {
                part = find_part(++number);
                line = parse_part(&part, line, &arena, &targets);
        } while (part.goes_on);

        if (rule_set.n_rules == 0) {
                log_message(LOG_CRIT, "no rules: IP2UNIX_RULES is empty, refusing to start");
                die();
        }

        rule_set.loaded = true;
}

static void add_name(struct text *text, const struct rule_query *query)
{
        char address[RULE_ADDRESS_TEXT_MAX];

        if (query->origin != RULE_FROM_IP) {
                text_add_string(text, query->origin == RULE_FROM_ABSTRACT ? "@" : "");
                text_add_printable(text, query->name, query->name_length);
                return;
        }

        (void)rule_address_format(&query->address, query->is_ipv4, address);
        text_add_string(text, query->is_ipv4 ? "" : "[");
        text_add_string(text, address);
        text_add_string(text, query->is_ipv4 ? ":" : "]:");
        text_add_unsigned(text, query->port);
}

const char *rule_set_text(char buf[static QUERY_TEXT_MAX], const struct rule_query *query)
{
        struct text text;

        text_init(&text, buf, QUERY_TEXT_MAX);
        add_name(&text, query);
        text_add_string(&text, query->type == RULE_DGRAM ? ", datagram" : ", stream");
        (void)text_finish(&text);
        return buf;
}

/* For an administrator who wonders why a rule does not match. */
static void tell(const struct rule_query *query, const struct rule *rule)
{
        log_message(LOG_DEBUG,
                    query->direction == RULE_IN ? "bind to "
                    : query->type == RULE_DGRAM ? "to "
                                                : "connect to ",
                    QUERY_TEXT(query), ": ", rule ? "rule " : "no rule",
                    rule ? LOG_NUMBER(rule - rule_set.rules + 1) : "");
}

/* The rule that decides, unless it says to ignore the call. */
static const struct rule *decide(const struct rule_query *query)
{
        const struct rule *rule = rule_match(rule_set.rules, rule_set.n_rules, query);

        if (log_level >= LOG_DEBUG)
                tell(query, rule);
        return rule && rule->action != RULE_IGNORE ? rule : NULL;
}

static struct rule_query query_of(enum rule_direction direction, const struct inet_socket *inet,
                                  const struct endpoint *endpoint, bool is_ipv4)
{
        return (struct rule_query){
                .direction = direction,
                .type = inet->type == SOCK_DGRAM ? RULE_DGRAM : RULE_STREAM,
                .origin = RULE_FROM_IP,
                .is_ipv4 = is_ipv4,
                .address = endpoint->address,
                .port = endpoint->port,
        };
}

const struct rule *rule_set_match(enum rule_direction direction, const struct inet_socket *inet,
                                  const struct endpoint *endpoint, bool is_ipv4,
                                  struct rule_query *ret_query)
{
        *ret_query = query_of(direction, inet, endpoint, is_ipv4);
        return decide(ret_query);
}

const struct rule *rule_set_find(enum rule_direction direction, const struct inet_socket *inet,
                                 const struct endpoint *endpoint, bool is_ipv4)
{
        const struct rule_query query = query_of(direction, inet, endpoint, is_ipv4);

        return rule_match(rule_set.rules, rule_set.n_rules, &query);
}

int rule_set_reject(const struct rule *rule, const struct rule_query *query)
{
        log_message(LOG_INFO, QUERY_TEXT(query), ": rejected: ", LOG_ERRNO(rule->reject_errno));
        return -rule->reject_errno;
}

static size_t path_length(const char *path, size_t size)
{
        size_t length = 0;

        while (length < size && path[length])
                length++;

        return length;
}

const struct rule *rule_set_match_unix(enum rule_direction direction,
                                       const struct inet_socket *inet, const struct sockaddr *addr,
                                       socklen_t length, struct rule_query *ret_query)
{
        const char *path = ((const struct sockaddr_un *)addr)->sun_path;
        size_t size = length - offsetof(struct sockaddr_un, sun_path);
        bool abstract;

        if (length <= offsetof(struct sockaddr_un, sun_path) || length > sizeof(struct sockaddr_un))
                return NULL;

        abstract = !*path;
        *ret_query = (struct rule_query){
                .direction = direction,
                .type = inet->type == SOCK_DGRAM ? RULE_DGRAM : RULE_STREAM,
                .origin = abstract ? RULE_FROM_ABSTRACT : RULE_FROM_UNIX,
                .name = path + abstract,
                /* A path may have a NUL that counts, or none: unix(7). */
                .name_length = abstract ? size - 1 : path_length(path, size),
        };

        return decide(ret_query);
}
