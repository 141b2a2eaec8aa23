/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages of the command line tool, on standard error. What they quote may hold anything (names of
 * files do): control characters and bytes that are not UTF-8 are written as \xNN, so that a line
 * stays one line and no terminal takes orders from it.
 */

#include <stdbool.h>
#include <stddef.h>

/* As syslog(3) numbers them. */
enum message_level { MESSAGE_ERROR = 3, MESSAGE_WARNING = 4 };

/* Print "ip2unix: TEXT". When standard error is the journal, the line carries its level. */
void message(enum message_level level, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Print a line that belongs to the message before it, without the name of the tool. */
void message_more(enum message_level level, const char *line);

/* Tell of the lack of memory. Returns -ENOMEM. */
int message_no_memory(void);
