/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What deep-library.c has for deep.c. Returns a socket that listens at 127.0.0.1:80, or -1. */

int deep_listen(void) __attribute__((visibility("default")));
