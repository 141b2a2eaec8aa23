/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages to the administrator: one line on stderr, or in the journal.
 *
 * Async-signal-safe: no stdio, no allocation, errno is kept.
 */

#include <stdbool.h>
#include <sys/syslog.h>

/* Messages less important than this are dropped (LOG_EMERG … LOG_DEBUG); LOG_WARNING at first. */
extern int log_level;

/*
 * Remember what stderr is, so that it is noticed when the program puts something else at that
 * number. journal_stream: the value of $JOURNAL_STREAM (systemd.exec(5)), kept; or NULL.
 */
void log_open(const char *journal_stream);

/*
 * Set the level from a name (as systemd's LogLevelMax= takes) or a number 0 to 7.
 * Returns false, and leaves the level alone, when it is neither.
 */
bool log_set_level(const char *value);

/* Write the strings, joined, as one line. The last argument must be NULL: use log_message(). */
void log_strings(int level, ...) __attribute__((sentinel, cold));

#define log_message(level, ...)                                                                    \
        do {                                                                                       \
                if ((level) <= log_level)                                                          \
                        log_strings((level), __VA_ARGS__, NULL);                                   \
        } while (0)

/* The text of a number, in a buffer of the caller: log_message(…, LOG_NUMBER(port)). */
const char *log_number(char buf[static 24], long long value);
#define LOG_NUMBER(value) log_number((char[24]){0}, (value))

/* An errno in words and by its name, or its number: "Permission denied (EACCES)". */
enum { LOG_ERRNO_MAX = 64 };
const char *log_errno(char buf[static LOG_ERRNO_MAX], int number);
#define LOG_ERRNO(value) log_errno((char[LOG_ERRNO_MAX]){0}, (value))
