/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pieces of rules in text, as both rule_format() and rule_describe() write them. */

#include "rules/rule.h"
#include "rules/text.h"

/* 10.0.0.0/8; the prefix is left out where it is the whole address. */
void format_address(struct text *text, const struct rule *rule);

/* 80 or 80-90 */
void format_ports(struct text *text, const struct rule *rule);

/* 127.0.0.1, 127.0.0.1:80 or [::1]:80 */
void format_inet(struct text *text, const struct rule *rule);

/* ECONNREFUSED, or the number where it has no name. */
void format_errno(struct text *text, int number);

/* Does the rule say anything about the port? */
bool format_has_ports(const struct rule *rule);
