/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See deep.c. */

#include "tests/preload/deep.h"
#include "tests/preload/net.h"

int deep_listen(void)
{
        return listen_at("127.0.0.1:80");
}
