/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/options.h"

#include "cli/message.h"
#include "common/array.h"
#include "rules/suggest.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All options. One that has no letter is known to getopt_long(3) by a number beyond letters. */
enum { OPTION_VERSION = 256 };

static const struct {
        int letter;
        const char *name;
        const char *argument; /* as --help calls it */
        const char *help;
} table[] = {
        {'r', "rule", "RULE", "add a rule"},
        {'f', "file", "FILE", "add the rules of a file, one a line ('-': standard input)"},
        {'p', "print", NULL, "print the rules in effect as a table"},
        {'c', "check", NULL, "check rules and program, run nothing"},
        {'v', "verbose", NULL, "let the library log more; again for still more"},
        {'h', "help", NULL, "print this help"},
        {OPTION_VERSION, "version", NULL, "print the version"},
};

#define N_OPTIONS (sizeof(table) / sizeof(*table))

/* The table in the forms that getopt_long(3) wants. "+" and ":" make it stop at the first word that
 * is no option, and tell a missing argument from an unknown option. */
struct forms {
        char letters[2 + 2 * N_OPTIONS + 1];
        struct option names[N_OPTIONS + 1];
};

static void make_forms(struct forms *ret)
{
        char *letter = stpcpy(ret->letters, "+:");

        memset(ret->names, 0, sizeof(ret->names));
        for (size_t i = 0; i < N_OPTIONS; i++) {
                ret->names[i] = (struct option){
                        .name = table[i].name,
                        .has_arg = table[i].argument ? required_argument : no_argument,
                        .val = table[i].letter,
                };
                if (table[i].letter >= OPTION_VERSION)
                        continue;
                *letter++ = (char)table[i].letter;
                if (table[i].argument)
                        *letter++ = ':';
        }
        *letter = '\0';
}

static int add_source(struct options *options, bool is_file)
{
        if (array_grow(&options->sources, options->n_sources, sizeof(*options->sources)) < 0)
                return message_no_memory();
        options->sources[options->n_sources++] =
                (struct rule_source){.is_file = is_file, .value = optarg};
        return 0;
}

/* "did you mean" for long options. word: as it stands on the command line. */
static const char *suggest_option(const char *word)
{
        const char *names[N_OPTIONS + 1] = {};

        if (strncmp(word, "--", 2) != 0)
                return NULL;
        for (size_t i = 0; i < N_OPTIONS; i++)
                names[i] = table[i].name;
        word += 2;
        return suggest(word, strcspn(word, "="), names);
}

/* Whether a long option was cut so short that it begins several. */
static bool is_ambiguous(const char *word)
{
        size_t n = 0;

        for (size_t i = 0; i < N_OPTIONS; i++)
                n += strncmp(word, "--", 2) == 0 &&
                     strncmp(word + 2, table[i].name, strlen(word + 2)) == 0;
        return n > 1;
}

static int fail_usage(void)
{
        message_more(MESSAGE_ERROR, "Try 'ip2unix --help'.");
        return -EINVAL;
}

/* word: the one that getopt_long(3) stumbled over; it may hold several letters. */
static int fail_option(const char *word)
{
        const char *meant = suggest_option(word);

        if (strncmp(word, "--", 2) != 0)
                message(MESSAGE_ERROR, "unknown option '-%c'", optopt);
        else if (optopt)
                message(MESSAGE_ERROR, "option '%.*s' takes no argument", (int)strcspn(word, "="),
                        word);
        else if (is_ambiguous(word))
                message(MESSAGE_ERROR, "option '%s' is the beginning of several", word);
        else if (meant)
                message(MESSAGE_ERROR, "unknown option '%s', did you mean '--%s'?", word, meant);
        else
                message(MESSAGE_ERROR, "unknown option '%s'", word);
        return fail_usage();
}

static int fail_argument(const char *word)
{
        if (strncmp(word, "--", 2) == 0)
                message(MESSAGE_ERROR, "option '%s' needs an argument", word);
        else
                message(MESSAGE_ERROR, "option '-%c' needs an argument", optopt);
        return fail_usage();
}

static int take_option(struct options *options, int option, const char *word)
{
        switch (option) {
        case 'r':
        case 'f':
                return add_source(options, option == 'f');
        case 'p':
                options->print = true;
                return 0;
        case 'c':
                options->check = true;
                return 0;
        case 'v':
                options->verbose++;
                return 0;
        case 'h':
                options->help = true;
                return 0;
        case OPTION_VERSION:
                options->version = true;
                return 0;
        case ':':
                return fail_argument(word);
        default:
                return fail_option(word);
        }
}

static int check_options(const struct options *options)
{
        if (options->help || options->version || options->check || options->print ||
            options->program)
                return 0;
        message(MESSAGE_ERROR, "no program to run");
        return fail_usage();
}

int options_parse(int argc, char **argv, struct options *ret)
{
        struct options options = {};
        struct forms forms;
        int option, r = 0;

        make_forms(&forms);
        opterr = 0;
        while (r == 0) {
                /* Of letters in one word, optind moves on behind the last alone. */
                const char *word = optind < argc ? argv[optind] : "";

                option = getopt_long(argc, argv, forms.letters, forms.names, NULL);
                if (option < 0)
                        break;
                r = take_option(&options, option, word);
        }
        options.program = optind < argc ? argv + optind : NULL;
        if (r == 0)
                r = check_options(&options);
        if (r < 0) {
                options_clear(&options);
                return r;
        }
        *ret = options;
        return 0;
}

void options_clear(struct options *options)
{
        free(options->sources);
        options->sources = NULL;
        options->n_sources = 0;
}

void options_help(void)
{
        puts("Usage: ip2unix [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
             "\n"
             "Run a program whose IP sockets become Unix sockets, as rules say.\n");
        for (size_t i = 0; i < N_OPTIONS; i++) {
                char letter[] = {'-', (char)table[i].letter, ',', '\0'};
                char name[32];

                snprintf(name, sizeof(name), "--%s%s%s", table[i].name,
                         table[i].argument ? " " : "", table[i].argument ? table[i].argument : "");
                printf("  %3s %-14s  %s\n", table[i].letter < OPTION_VERSION ? letter : "", name,
                       table[i].help);
        }
        puts("\n"
             "Of several rules, the first that matches decides. Examples:\n"
             "\n"
             "  ip2unix -r in,tcp,port=8000,path=/tmp/web.sock python3 -m http.server 8000\n"
             "  ip2unix -r out,tcp,path=/tmp/web.sock curl http://localhost/\n"
             "\n"
             "See ip2unix(1), and ip2unix-rules(7) for the rules.");
}
