/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ip2unix(1): runs a program under rules. */

#include "cli/environment.h"
#include "cli/inherited.h"
#include "cli/launch.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/rule-file.h"
#include "cli/rule-list.h"
#include "cli/rule-table.h"
#include "cli/shim.h"
#include "common/cleanup.h"
#include "config.h"
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE  2
#define EXIT_CONFIG 78

/* A pipe that is full or gone, a disk that is full: output that got lost is no success. */
static int finish_output(void)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return EXIT_SUCCESS;
        message(MESSAGE_ERROR, "can't write to standard output: %s", strerror(errno));
        return EXIT_FAILURE;
}

static int read_rules(const struct options *options, struct rule_list *ret)
{
        int r = 0;

        ret->warns_unreached = options->check;
        for (size_t i = 0; r == 0 && i < options->n_sources; i++) {
                const struct rule_source *source = &options->sources[i];

                r = source->is_file
                            ? rule_file_read(ret, source->value)
                            : rule_list_add(ret, source->value, strlen(source->value), "-r", NULL);
        }
        /* What those of the inside leave nothing to is meant to be so. */
        ret->warns_unreached = false;
        if (r == 0)
                r = inherited_read(ret);
        if (r == 0 && ret->n_errors == 0 && ret->n_entries == 0) {
                message(MESSAGE_ERROR, "no rules: give some with -r or -f");
                return -EINVAL;
        }
        return r < 0 ? r : ret->n_errors > 0 ? -EINVAL : 0;
}

/* Beside a program the table goes where it can't be mixed up with the program's output. */
static int print_rules(const struct options *options, const struct rule_list *rules)
{
        int r = rule_table_print(rules, options->program ? stderr : stdout);

        return r < 0 ? EXIT_FAILURE : finish_output();
}

/* Returns an exit status, when the program does not run. */
static int run_program(const struct options *options, const struct environment *environment)
{
        if (!options->program)
                return EXIT_SUCCESS;
        if (options->check)
                return launch_check(options->program[0]);
        return launch(options->program, environment->strings);
}

static int run(const struct options *options)
{
        _cleanup_(rule_list_clear) struct rule_list rules = RULE_LIST_INIT;
        _cleanup_(environment_clear) struct environment environment = ENVIRONMENT_INIT;
        _cleanup_free_ char *library = NULL;
        int status = EXIT_SUCCESS;

        if (read_rules(options, &rules) < 0)
                return EXIT_CONFIG;
        if (options->program && shim_find(&library) < 0)
                return LAUNCH_CANNOT_RUN;
        if (environment_make(&rules, library ? library : "", options->verbose, &environment) < 0)
                return EXIT_CONFIG;
        if (options->print)
                status = print_rules(options, &rules);
        return status == EXIT_SUCCESS ? run_program(options, &environment) : status;
}

int main(int argc, char **argv)
{
        struct options options;
        int status = EXIT_SUCCESS;

        /* How wide characters are is what this decides; messages stay as they are. */
        setlocale(LC_CTYPE, "C.UTF-8");
        if (options_parse(argc, argv, &options) < 0)
                return EXIT_USAGE;
        if (options.help)
                options_help();
        else if (options.version)
                puts("ip2unix " IP2UNIX_VERSION);
        else
                status = run(&options);
        options_clear(&options);
        return status == EXIT_SUCCESS ? finish_output() : status;
}
