/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ip2unix-generator(8): turns rule files into units. Called by systemd, see systemd.generator(7).
 */

#include "config.h"
#include "generator/generate.h"
#include "generator/log.h"
#include "generator/manager.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define USAGE "Usage: ip2unix-generator DIRECTORY [EARLY-DIRECTORY LATE-DIRECTORY]\n"

int main(int argc, char **argv)
{
        struct manager *manager;
        int r;

        if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
                printf(USAGE "\n"
                             "Makes units from rule files, see ip2unix-generator(8). systemd runs "
                             "it at each reload.\n");
                return EXIT_SUCCESS;
        }
        if (argc == 2 && strcmp(argv[1], "--version") == 0) {
                printf("ip2unix %s\n", IP2UNIX_VERSION);
                return EXIT_SUCCESS;
        }
        if (argc != 2 && argc != 4) {
                fputs(USAGE, stderr);
                return EXIT_FAILURE;
        }
        umask(0022);
        /* A log that nobody reads, or a limit for files, is an error of a write, not the end. */
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
        r = manager_new(argv[0], &manager);
        if (r < 0) {
                log_failure(r, "the generator can't begin");
                return EXIT_FAILURE;
        }
        /* Under another root this is an image being built, which the kernel's log is not about. */
        log_open(!manager->user && *manager->root == '\0');
        r = generate(manager, argv[1], argc == 4 ? argv[2] : NULL);
        manager_free(manager);
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
