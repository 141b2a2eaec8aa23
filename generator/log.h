/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages of the generator. systemd gives the generators of the system manager /dev/null for
 * stderr, so there they also go to the kernel's log, from where the journal fetches them.
 */

#include <stdbool.h>

/* Levels as syslog(3) numbers them. */
enum log_level { LOG_LEVEL_ERR = 3, LOG_LEVEL_WARNING = 4 };

/* kmsg: also write to /dev/kmsg, when there is one. */
void log_open(bool kmsg);

void log_message(enum log_level level, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Log what failed, with the text of a negative errno behind it. */
void log_failure(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
