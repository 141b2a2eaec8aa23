/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/rule-list.h"

/* What stands for standard input where a file is named. */
#define RULE_FILE_STDIN "-"

/*
 * Add the rules of a file: one a line, leading blanks stripped, empty lines and those that begin
 * with '#' skipped. That the file can't be read is printed, and counted as an error of the list.
 *
 * Errors: -ENOMEM, printed.
 */
int rule_file_read(struct rule_list *list, const char *name);
