/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/parts.h"
#include "rules/rule.h"
#include "tests/rules/rule-text.h"

/* A list in memory, of lines that are made up. */
struct list {
        char *text;
        size_t length;
        size_t size;
};

static void add(struct list *list, const char *bytes, size_t length)
{
        if (list->size < list->length + length + 1) {
                list->size = 2 * (list->length + length + 1);
                list->text = realloc(list->text, list->size);
                assert_non_null(list->text);
        }
        memcpy(list->text + list->length, bytes, length);
        list->length += length;
        list->text[list->length] = '\0';
}

/* Add a line of so many bytes, with a line break before it where it is not the first. */
static void add_line(struct list *list, char fill, size_t length)
{
        char *line = malloc(length + 1);

        assert_non_null(line);
        line[0] = '\n';
        memset(line + 1, fill, length);
        add(list, line + (list->length == 0), length + (list->length > 0));
        free(line);
}

/* What a reader makes of the parts: the rules of each, with a line break between. */
static void put_together(struct list *whole, const char *value, bool expect_more)
{
        size_t length;

        assert_int_equal(rule_parts_continue(value, &length), expect_more);
        assert_true(length > 0);
        assert_int_not_equal(value[0], '\n');
        if (whole->length > 0)
                add(whole, "\n", 1);
        add(whole, value, length);
}

/* The value of a variable, as it is handed on. */
static char *value_of(const struct rule_part *part)
{
        char *value;

        assert_true(asprintf(&value, "%.*s%s", (int)part->length, part->text, part->end) > 0);
        return value;
}

/* Split the list, read the parts again, and return how many there were. */
static size_t assert_splits(const struct list *list)
{
        struct rule_parts parts;
        struct rule_part part;
        struct list whole = {};
        size_t n = 0;

        rule_parts_begin(&parts, list->text, list->length);
        while (rule_parts_next(&parts, &part) == 1) {
                char *value = value_of(&part);

                n++;
                assert_string_equal(part.name, rule_parts_name(n));
                assert_true(strlen(part.name) + 1 + strlen(value) <= RULE_PARTS_STRING_MAX);
                put_together(&whole, value, parts.length > 0);
                free(value);
        }
        assert_int_equal(rule_parts_next(&parts, &part), 0);
        assert_int_equal(whole.length, list->length);
        assert_memory_equal(whole.text, list->text, list->length);
        free(whole.text);
        return n;
}

static int last_result(const struct list *list)
{
        struct rule_parts parts;
        struct rule_part part;
        int r;

        rule_parts_begin(&parts, list->text, list->length);
        do
                r = rule_parts_next(&parts, &part);
        while (r == 1);
        return r;
}

static void test_names(void **state)
{
        (void)state;
        assert_null(rule_parts_name(0));
        assert_string_equal(rule_parts_name(1), "IP2UNIX_RULES");
        assert_null(rule_parts_name(RULE_PARTS_MAX + 1));
        for (size_t i = 2; i <= RULE_PARTS_MAX; i++) {
                char name[32];

                snprintf(name, sizeof(name), "IP2UNIX_RULES_%zu", i);
                assert_string_equal(rule_parts_name(i), name);
        }
}

static void assert_one_part(const char *text, const char *expected)
{
        struct rule_parts parts;
        struct rule_part part;

        rule_parts_begin(&parts, text, strlen(text));
        assert_int_equal(rule_parts_next(&parts, &part), 1);
        assert_string_equal(part.name, "IP2UNIX_RULES");
        assert_int_equal(part.length, strlen(expected));
        assert_memory_equal(part.text, expected, part.length);
        assert_string_equal(part.end, "");
        assert_int_equal(rule_parts_next(&parts, &part), 0);
}

static void test_short_lists(void **state)
{
        struct rule_parts parts;
        struct rule_part part;

        (void)state;
        assert_one_part("in,ignore", "in,ignore");
        assert_one_part("in,ignore\nout,ignore", "in,ignore\nout,ignore");
        assert_one_part("\n\nin,ignore\n\nout,ignore\n\n", "in,ignore\n\nout,ignore");

        rule_parts_begin(&parts, "", 0);
        assert_int_equal(rule_parts_next(&parts, &part), 0);
        rule_parts_begin(&parts, "\n\n", 2);
        assert_int_equal(rule_parts_next(&parts, &part), 0);
}

/* The list is as long as it was said to be, whatever comes behind. */
static void test_not_terminated(void **state)
{
        struct rule_parts parts;
        struct rule_part part;

        (void)state;
        rule_parts_begin(&parts, "in,ignore\nout,ignore", strlen("in,ignore"));
        assert_int_equal(rule_parts_next(&parts, &part), 1);
        assert_int_equal(part.length, strlen("in,ignore"));
        assert_int_equal(rule_parts_next(&parts, &part), 0);
}

/* One byte decides whether a second variable is needed. */
static void test_boundary(void **state)
{
        const size_t room = RULE_PARTS_STRING_MAX - strlen("IP2UNIX_RULES=");

        (void)state;
        for (size_t last = 98; last <= 102; last++) {
                struct list list = {};

                add_line(&list, 'a', room - 101);
                add_line(&list, 'b', last);
                assert_int_equal(assert_splits(&list), last <= 100 ? 1 : 2);
                free(list.text);
        }
}

/* The mark of a part that goes on has to fit as well. */
static void test_boundary_of_mark(void **state)
{
        const size_t room = RULE_PARTS_STRING_MAX - strlen("IP2UNIX_RULES=");

        (void)state;
        for (size_t second = 94; second <= 102; second++) {
                struct rule_parts parts;
                struct rule_part part;
                struct list list = {};

                add_line(&list, 'a', room - 101);
                add_line(&list, 'b', second);
                add_line(&list, 'c', 100);
                assert_int_equal(assert_splits(&list), 2);

                rule_parts_begin(&parts, list.text, list.length);
                assert_int_equal(rule_parts_next(&parts, &part), 1);
                assert_int_equal(part.length, second <= 98 ? room - 100 + second : room - 101);
                free(list.text);
        }
}

static void test_many_lines(void **state)
{
        (void)state;
        for (size_t length = 1; length < 200; length += 37) {
                struct list list = {};

                for (size_t i = 0; i < 9000; i++)
                        add_line(&list, (char)('a' + i % 26), length + i % 7);
                assert_int_equal(assert_splits(&list),
                                 list.length / (RULE_PARTS_STRING_MAX - 200) + 1);
                free(list.text);
        }
}

static void test_longest_rule(void **state)
{
        (void)state;
        for (size_t n = 1; n <= RULE_PARTS_MAX; n++) {
                struct list list = {};

                for (size_t i = 0; i < n; i++)
                        add_line(&list, 'a', RULE_PARTS_RULE_MAX);
                assert_int_equal(assert_splits(&list), n);
                add_line(&list, 'a', RULE_PARTS_RULE_MAX + 1);
                assert_int_equal(last_result(&list), n < RULE_PARTS_MAX ? -EMSGSIZE : -E2BIG);
                free(list.text);
        }
}

static void test_too_many_parts(void **state)
{
        struct list list = {};

        (void)state;
        for (size_t i = 0; i < RULE_PARTS_MAX; i++)
                add_line(&list, 'a', RULE_PARTS_RULE_MAX);
        assert_int_equal(last_result(&list), 0);
        add_line(&list, 'b', 100);
        assert_int_equal(last_result(&list), -E2BIG);
        free(list.text);
}

static void assert_continues(const char *value, bool expected, size_t expected_length)
{
        size_t length;

        assert_int_equal(rule_parts_continue(value, &length), expected);
        assert_int_equal(length, expected_length);
}

static void test_reader(void **state)
{
        (void)state;
        assert_continues("", false, 0);
        assert_continues("+", true, 0);
        assert_continues("\n+", true, 0);
        assert_continues("in,ignore", false, 9);
        assert_continues("in,ignore\n+", true, 9);
        assert_continues("in,ignore\n", false, 10);
        assert_continues("in,ignore+", false, 10);
        assert_continues("in,path=/x\n++", false, 13);
        assert_continues("in,ignore\n+\n", false, 12);
}

/* What ends a part can't be a rule. */
static void test_mark_is_no_rule(void **state)
{
        struct parsed parsed;
        struct rule_error error;

        (void)state;
        assert_int_equal(parse_text("+", &parsed, &error), -EINVAL);
}

/* The kernel has the last word on how long a string may be. */
static int run_with(const char *string)
{
        char *argv[] = {(char *)"true", NULL}, *envp[] = {(char *)string, NULL};
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                execve("/bin/true", argv, envp);
                _exit(errno == E2BIG ? 2 : 3);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WEXITSTATUS(status);
}

static void test_kernel_agrees(void **state)
{
        char *string = malloc(RULE_PARTS_STRING_MAX + 2);

        (void)state;
        assert_non_null(string);
        memset(string, 'x', RULE_PARTS_STRING_MAX + 1);
        string[RULE_PARTS_STRING_MAX + 1] = '\0';
        assert_int_equal(run_with(string), 2);
        string[RULE_PARTS_STRING_MAX] = '\0';
        assert_int_equal(run_with(string), 0);
        free(string);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_short_lists),
                cmocka_unit_test(test_not_terminated),
                cmocka_unit_test(test_boundary),
                cmocka_unit_test(test_boundary_of_mark),
                cmocka_unit_test(test_many_lines),
                cmocka_unit_test(test_longest_rule),
                cmocka_unit_test(test_too_many_parts),
                cmocka_unit_test(test_reader),
                cmocka_unit_test(test_mark_is_no_rule),
                cmocka_unit_test(test_kernel_agrees),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
