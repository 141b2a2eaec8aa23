/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/rule-list.h"
#include <stdio.h>

/* Print the rules as a table, each with where it comes from. Errors: -ENOMEM, printed. */
int rule_table_print(const struct rule_list *list, FILE *stream);
