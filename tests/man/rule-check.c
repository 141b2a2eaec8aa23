/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Judge the rules on standard input, one a line. For each, print one of
 *
 *     right
 *     wrong REASON
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rule.h"

static void judge(const char *line, size_t length)
{
        char memory[RULE_ARENA_SIZE(4096)];
        struct rule_arena arena = {memory, memory + sizeof memory};
        struct rule_error error;
        struct rule rule;

        if (rule_parse(line, length, 0, &arena, &rule, &error, NULL, NULL) < 0)
                printf("wrong %s\n", error.message);
        else
                puts("right");
}

int main(void)
{
        char *line = NULL;
        size_t size = 0;
        ssize_t length;

        while ((length = getline(&line, &size, stdin)) >= 0) {
                if (length > 0 && line[length - 1] == '\n')
                        length--;
                judge(line, length);
        }
        free(line);
        return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
