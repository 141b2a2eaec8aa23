/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "rules/rule.h"
#include <stddef.h>

/*
 * Complete a rule of the command line with what the library can't know once the program runs: the
 * directory that a path starts from, and the numbers of users and groups, which it would have to
 * ask of the name service from inside of bind(2).
 *
 * rule: as parsed with RULE_PARSE_RELATIVE_PATHS.
 * text, length: what it was parsed from, which errors point into.
 * ret: the completed rule in canonical form, owned by the caller.
 *
 * Errors: -ENOMEM, -EINVAL (ret_error says what).
 */
int complete_rule(const struct rule *rule, const char *text, size_t length, char **ret,
                  struct rule_error *ret_error);

/* Make an error that is about the completed path one of the path as it stands in text. */
void complete_point_at_path(const char *text, size_t length, struct rule_error *error);
