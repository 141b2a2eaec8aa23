/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/rule-list.h"

/*
 * Add the rules that the tool itself was started under, as rules/parts.h lays them out in the
 * environment. They come after those of the command line, which so have the first say.
 *
 * Errors: -ENOMEM, printed.
 */
int inherited_read(struct rule_list *list);
