/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ip2unix-refuse: says why a service does not start. The generator makes it the service's only
 * ExecStartPre=, and its failure keeps systemd from going on to ExecStart=.
 */

#include "generator/log.h"
#include <stdio.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
        log_open(false);
        log_message(LOG_LEVEL_ERR, "%s", argc > 1 ? argv[1] : "no reason given");
        return EX_CONFIG;
}
