/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a library saw that used sockets before main(). */

#include <stdbool.h>

struct early_results {
        bool ran;
        int fd, bind, name, family, option, type, copy, copy2, close, pair, bad_close, bad_errno;
};

extern struct early_results early_resolver __attribute__((visibility("default")));
extern struct early_results early_constructor __attribute__((visibility("default")));

int early_answer(void);
