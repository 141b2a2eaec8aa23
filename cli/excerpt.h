/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/message.h"

/*
 * Print a rule below a message, and a line of carets under the part of it that the message is
 * about:
 *
 *           in,tpc,port=80,path=/run/web.sock
 *              ^^^
 *
 * Of a rule that is wider than the terminal, what stands around that part is shown.
 *
 * offset, marked: the part, in bytes; 0 marked: the rule as a whole.
 */
void excerpt_print(enum message_level level, const char *rule, size_t length, size_t offset,
                   size_t marked);
