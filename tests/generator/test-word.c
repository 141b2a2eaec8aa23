/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "generator/word.h"

#define WORDS_MAX 4

static const struct {
        const char *text;
        const char *words[WORDS_MAX]; /* up to the first NULL */
        int last;                     /* what is returned after them */
} cases[] = {
        {"", {NULL}, 0},
        {" \t ", {NULL}, 0},
        {"one", {"one"}, 0},
        {" one  two\tthree ", {"one", "two", "three"}, 0},
        {"\"a b\" 'c d' e", {"a b", "c d", "e"}, 0},
        {"a\"b c\"d", {"ab cd"}, 0},
        {"\"\" x", {"", "x"}, 0},
        {"'it\"s' \"it's\"", {"it\"s", "it's"}, 0},
        {"a\\ b", {NULL}, -EINVAL},
        {"a\\sb \\x41\\t\\101\\\\", {"a b", "A\tA\\"}, 0},
        {"\\u00e4\\U0001f600", {"ä😀"}, 0},
        {"\"a\\\"b\"", {"a\"b"}, 0},
        {"one \"two", {"one"}, -EINVAL},
        {"\\x4", {NULL}, -EINVAL},
        {"\\x00", {NULL}, -EINVAL},
        {"\\u0000", {NULL}, -EINVAL},
        {"\\U00110000", {NULL}, -EINVAL},
        {"\\777", {NULL}, -EINVAL},
        {"\\", {NULL}, -EINVAL},
};

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                const char *rest = cases[i].text;
                char *word;

                for (size_t j = 0; j < WORDS_MAX && cases[i].words[j]; j++) {
                        assert_int_equal(word_next(&rest, &word), 1);
                        assert_string_equal(word, cases[i].words[j]);
                        free(word);
                }
                assert_int_equal(word_next(&rest, &word), cases[i].last);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
