/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rules in tests are written as text. */

#include <string.h>

#include "rules/rule.h"

/* A rule with the memory that its strings live in. */
struct parsed {
        struct rule rule;
        char memory[2048];
};

/* Parse the text into parsed; on failure, the rule is untouched and error says why. */
static inline int parse_text(const char *text, struct parsed *parsed, struct rule_error *error)
{
        struct rule_arena arena = {parsed->memory, parsed->memory + sizeof(parsed->memory)};

        return rule_parse(text, strlen(text), 0, &arena, &parsed->rule, error, NULL, NULL);
}
