/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ip2unix-refuse: keeps a service from starting, and says why. The generator makes it an
 * ExecStartPre=, whose failure keeps systemd from going on to ExecStart=. It has two uses: the only
 * command before a service whose rule file is broken, and the last one before any other, where it
 * refuses what the library can't get into.
 */

#include "common/cleanup.h"
#include "config.h"
#include "generator/log.h"
#include "generator/preloaded.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define UNLESS_PRELOADED "--unless-preloaded"

static int refuse(const char *reason)
{
        log_open(false);
        log_message(LOG_LEVEL_ERR, "%s", reason);
        return EX_CONFIG;
}

/* What is no number of a failure must not turn the refusal into a success. */
static int status_number(const char *text)
{
        int status = text ? atoi(text) : 0;

        return status > 0 && status <= UINT8_MAX ? status : EX_CONFIG;
}

/* status: what to end with, where systemd would take EX_CONFIG for a success. NULL for that. */
static int refuse_unless_preloaded(const char *status)
{
        _cleanup_free_ char *reason = NULL;

        if (preloaded())
                return EXIT_SUCCESS;
        if (preloaded_reason(&reason) < 0)
                reason = NULL;
        log_open(false);
        log_message(LOG_LEVEL_ERR,
                    "libip2unix.so is not preloaded here, so that the service would open its IP "
                    "ports: %s",
                    reason ? reason : "out of memory");
        return status_number(status);
}

static void help(void)
{
        printf("Usage: ip2unix-refuse REASON\n"
               "       ip2unix-refuse --unless-preloaded[=STATUS]\n"
               "\n"
               "Keeps a service from starting: says why, and exits with 78 or with STATUS.\n"
               "ip2unix-generator(8) has systemd run it before a service.\n");
}

int main(int argc, char **argv)
{
        const char *argument = argc > 1 ? argv[1] : "no reason given";

        if (strcmp(argument, UNLESS_PRELOADED) == 0)
                return refuse_unless_preloaded(NULL);
        if (strncmp(argument, UNLESS_PRELOADED "=", strlen(UNLESS_PRELOADED "=")) == 0)
                return refuse_unless_preloaded(argument + strlen(UNLESS_PRELOADED "="));
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
                help();
                return EXIT_SUCCESS;
        }
        if (strcmp(argument, "--version") == 0) {
                printf("ip2unix %s\n", IP2UNIX_VERSION);
                return EXIT_SUCCESS;
        }
        return refuse(argument);
}
