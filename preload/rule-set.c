/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loads the rules. See rule-set.h. */

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/memory.h"
#include "preload/rule-set.h"
#include "preload/words.h"

#define EX_CONFIG 78

struct rule_set rule_set;

static void __attribute__((noreturn)) die(void)
{
        kernel_exit(EX_CONFIG);
}

static size_t count_lines(const char *text)
{
        size_t n = 1;

        for (; *text; text++)
                n += *text == '\n';

        return n;
}

static void parse(const char *line, size_t length, size_t number, struct rule_arena *arena,
                  struct rule *ret)
{
        struct rule_error error;

        if (rule_parse(line, length, 0, arena, ret, &error, NULL, NULL) == 0 &&
            rule_supported(ret, &error) == 0)
                return;

        log_message(LOG_CRIT, "rule ", LOG_NUMBER((long long)number), ": ", error.message);
        die();
}

static bool has_say_in_connects(const struct rule *rule)
{
        return rule->direction != RULE_IN && rule->action == RULE_REJECT;
}

void rule_set_load(const char *text)
{
        struct rule *rules;
        struct rule_arena arena;
        size_t length, lines, size, n = 0;
        char *memory;

        if (!text || !*text) {
                log_message(LOG_CRIT, "no rules: IP2UNIX_RULES is ", text ? "empty" : "not set",
                            ", refusing to start");
                die();
        }

        length = strlen(text);
        lines = count_lines(text);
        size = lines * (sizeof(*rules) + RULE_ARENA_SIZE(0)) + RULE_ARENA_SIZE(length);
        memory = memory_take(size);
        if (!memory) {
                log_message(LOG_CRIT, "no memory for the rules, refusing to start");
                die();
        }

        rules = (struct rule *)memory;
        arena.next = memory + lines * sizeof(*rules);
        arena.end = memory + size;

        for (size_t number = 1; *text; number++) {
                const size_t line = word_length(text, '\n');

                if (line > 0) {
                        parse(text, line, number, &arena, &rules[n]);
                        rule_set.concerns_in |=
                                rules[n].direction != RULE_OUT && rules[n].action != RULE_IGNORE;
                        rule_set.converts_alone |= rules[n].action == RULE_BLACKHOLE;
                        rule_set.concerns_out |= has_say_in_connects(&rules[n]);
                        n++;
                }
                text += line;
                text += *text == '\n';
        }

        if (n == 0) {
                log_message(LOG_CRIT, "no rules: IP2UNIX_RULES is empty, refusing to start");
                die();
        }

        rule_set.rules = rules;
        rule_set.n_rules = n;
        rule_set.loaded = true;
}

const struct rule *rule_set_match(enum rule_direction direction, const struct inet_socket *inet,
                                  const struct endpoint *endpoint, bool is_ipv4,
                                  struct rule_query *ret_query)
{
        *ret_query = (struct rule_query){
                .direction = direction,
                .type = inet->type == SOCK_DGRAM ? RULE_DGRAM : RULE_STREAM,
                .origin = RULE_FROM_IP,
                .is_ipv4 = is_ipv4,
                .address = endpoint->address,
                .port = endpoint->port,
        };

        return rule_match(rule_set.rules, rule_set.n_rules, ret_query);
}
