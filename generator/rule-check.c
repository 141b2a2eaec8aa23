/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/rule-check.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "generator/instance.h"
#include "generator/unit-name.h"
#include "rules/rule.h"
#include <errno.h>
#include <string.h>

/*
 * What stands for an instance's name while a template's rules are checked: valid wherever a rule
 * may hold one, in a port as in a path. The shim checks again, with the real one.
 */
#define SAMPLE_INSTANCE "1"

/* The rule that is being parsed. */
struct warned_rule {
        struct rulefile *file;
        unsigned line;
        int error;
};

static void take_warning(const struct rule_error *warning, void *userdata)
{
        struct warned_rule *rule = userdata;

        if (rule->error == 0)
                rule->error = rulefile_warn(rule->file, rule->line, "%s", warning->message);
}

int rule_check(struct rulefile *file, struct rulefile_rule *rule)
{
        _cleanup_(buffer_clear) struct buffer text = BUFFER_INIT;
        struct rule_arena arena;
        struct warned_rule warned = {.file = file, .line = rule->line};
        struct rule_error error;
        size_t size;
        int r;

        rule->of_instance =
                file->unit && unit_name_is_template(file->unit) && strstr(rule->text, "%i");
        if (rule->of_instance)
                instance_fill(&text, rule->text, SAMPLE_INSTANCE);
        else
                buffer_add(&text, rule->text);
        if (buffer_error(&text) < 0)
                return -ENOMEM;
        size = RULE_ARENA_SIZE(text.length);
        rule->memory = malloc(size);
        if (!rule->memory)
                return -ENOMEM;
        arena = (struct rule_arena){.next = rule->memory, .end = rule->memory + size};
        r = rule_parse(text.data ? text.data : "", text.length, 0, &arena, &rule->parsed, &error,
                       take_warning, &warned);
        if (r == -ENOMEM || warned.error < 0)
                return -ENOMEM;
        if (r < 0)
                return rulefile_complain(file, rule->line, "%s", error.message);
        return 0;
}
