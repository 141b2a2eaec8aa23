/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/reach-check.h"

#include "common/cleanup.h"

/* Nobody reads on after so many: it is one rule that stands too early. */
#define WARNINGS_MAX 20

/* The rule before this one that covers it, or NULL. */
static const struct rulefile_rule *find_cover(const struct unit *unit,
                                              const struct rulefile_rule *rule,
                                              const struct rulefile **ret_file)
{
        size_t n_compared = 0;

        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_rules; j++) {
                        const struct rulefile_rule *other = &unit->files[i]->rules[j];

                        if (other == rule || n_compared++ == RULE_COVERS_MAX)
                                return NULL;
                        if (other->of_instance || !rule_covers(&other->parsed, &rule->parsed))
                                continue;
                        *ret_file = unit->files[i];
                        return other;
                }
        return NULL;
}

/* Returns whether there was something to warn of, or -ENOMEM. */
static int check_rule(const struct unit *unit, struct rulefile *file,
                      const struct rulefile_rule *rule)
{
        const struct rulefile *other;
        const struct rulefile_rule *cover;
        _cleanup_free_ char *place = NULL;
        int r;

        /* What instances make of it is not known. */
        if (rule->of_instance)
                return 0;
        cover = find_cover(unit, rule, &other);
        if (!cover)
                return 0;
        r = rulefile_name_line(file, other, cover->line, &place);
        if (r == 0)
                r = rulefile_warn(file, rule->line,
                                  "rule is never reached: %s matches all that it does", place);
        return r < 0 ? r : 1;
}

int reach_check_unit(const struct unit *unit)
{
        int n_warnings = 0;

        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_rules; j++) {
                        int r = check_rule(unit, unit->files[i], &unit->files[i]->rules[j]);

                        if (r < 0)
                                return r;
                        n_warnings += r;
                        if (n_warnings == WARNINGS_MAX)
                                return 0;
                }
        return 0;
}
