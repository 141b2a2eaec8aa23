/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/environment.h"

#include "cli/message.h"
#include "common/array.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "rules/parts.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY_NAME "/libip2unix.so"

/* What separates the libraries of LD_PRELOAD (ld.so(8)). */
#define SEPARATORS ": "

static bool is_variable(const char *string, const char *name)
{
        size_t length = strlen(name);

        return strncmp(string, name, length) == 0 && string[length] == '=';
}

/* Whether the variable is one that we set, or one of rules that are among ours now. */
static bool is_ours(const char *string, unsigned verbose)
{
        if (is_variable(string, "LD_PRELOAD"))
                return true;
        if (is_variable(string, "IP2UNIX_LOG_LEVEL"))
                return verbose > 0;
        for (size_t part = 1; part <= RULE_PARTS_MAX; part++)
                if (is_variable(string, rule_parts_name(part)))
                        return true;
        return false;
}

static int add_string(struct environment *environment, char *string)
{
        int r = 0;

        /* One element more than strings: the NULL at the end. */
        if (environment->n_strings == 0)
                r = array_grow(&environment->strings, 0, sizeof(char *));
        if (r == 0)
                r = array_grow(&environment->strings, environment->n_strings + 1, sizeof(char *));
        if (r == 0)
                environment->strings[environment->n_strings++] = string;
        return r;
}

/* Add NAME=VALUE, of two pieces. */
static int add_variable(struct environment *environment, const char *name, const char *value,
                        size_t length, const char *end)
{
        _cleanup_(buffer_clear) struct buffer string = BUFFER_INIT;
        int r;

        buffer_add(&string, name);
        buffer_add_char(&string, '=');
        buffer_add_bytes(&string, value, length);
        buffer_add(&string, end);
        r = array_grow(&environment->owned, environment->n_owned, sizeof(char *));
        if (r == 0)
                r = buffer_take(&string, &environment->owned[environment->n_owned]);
        return r < 0 ? r : add_string(environment, environment->owned[environment->n_owned++]);
}

static int add_inherited(struct environment *environment, unsigned verbose)
{
        int r = 0;

        for (char **string = environ; r == 0 && *string; string++)
                if (!is_ours(*string, verbose))
                        r = add_string(environment, *string);
        return r;
}

/* A library of the same name is another version of ours, and two of them would fight. */
static bool is_library(const char *path, size_t length)
{
        size_t name = strlen(LIBRARY_NAME);

        return length >= name && memcmp(path + length - name, LIBRARY_NAME, name) == 0;
}

static int add_preload(struct environment *environment, const char *library)
{
        _cleanup_(buffer_clear) struct buffer value = BUFFER_INIT;
        const char *next = getenv("LD_PRELOAD");

        buffer_add(&value, library);
        while (next && *(next += strspn(next, SEPARATORS))) {
                size_t length = strcspn(next, SEPARATORS);

                if (!is_library(next, length)) {
                        buffer_add_char(&value, ':');
                        buffer_add_bytes(&value, next, length);
                }
                next += length;
        }
        if (buffer_error(&value) < 0)
                return -ENOMEM;
        return add_variable(environment, "LD_PRELOAD", value.data, value.length, "");
}

static int add_parts(struct environment *environment, const char *text)
{
        struct rule_parts parts;
        struct rule_part part;
        int r;

        rule_parts_begin(&parts, text, strlen(text));
        while ((r = rule_parts_next(&parts, &part)) > 0) {
                r = add_variable(environment, part.name, part.text, part.length, part.end);
                if (r < 0)
                        break;
        }
        return r;
}

static int add_rules(struct environment *environment, const struct rule_list *rules)
{
        _cleanup_free_ char *text = NULL;
        int r = rule_list_join(rules, &text);

        if (r < 0)
                return r;
        r = add_parts(environment, text);
        if (r == -E2BIG)
                message(MESSAGE_ERROR,
                        "too many rules: they take %zu bytes, and the environment holds %zu of "
                        "them in %d variables",
                        strlen(text), RULE_PARTS_MAX * RULE_PARTS_STRING_MAX, RULE_PARTS_MAX);
        return r;
}

/* The library's own level is "warning"; nothing goes beyond "debug". */
static int add_log_level(struct environment *environment, unsigned verbose)
{
        static const char *const levels[] = {"notice", "info", "debug"};
        size_t n = sizeof(levels) / sizeof(*levels);
        const char *level;

        if (verbose == 0)
                return 0;
        level = levels[(verbose < n ? verbose : n) - 1];
        return add_variable(environment, "IP2UNIX_LOG_LEVEL", level, strlen(level), "");
}

int environment_make(const struct rule_list *rules, const char *library, unsigned verbose,
                     struct environment *ret)
{
        _cleanup_(environment_clear) struct environment environment = ENVIRONMENT_INIT;
        int r = add_inherited(&environment, verbose);

        if (r == 0)
                r = add_preload(&environment, library);
        if (r == 0)
                r = add_log_level(&environment, verbose);
        if (r == 0)
                r = add_rules(&environment, rules);
        if (r == -ENOMEM)
                message_no_memory();
        if (r < 0)
                return r;
        *ret = environment;
        environment = ENVIRONMENT_INIT;
        return 0;
}

void environment_clear(struct environment *environment)
{
        for (size_t i = 0; i < environment->n_owned; i++)
                free(environment->owned[i]);
        free(environment->owned);
        free(environment->strings);
        *environment = ENVIRONMENT_INIT;
}
