/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include "generator/escape.h"

static void add_word(struct buffer *buffer, const char *text)
{
        escape_word(buffer, text, 0);
}

static void add_command_word(struct buffer *buffer, const char *text)
{
        escape_word(buffer, text, ESCAPE_DOLLAR);
}

static void add_instance_word(struct buffer *buffer, const char *text)
{
        escape_word(buffer, text, ESCAPE_INSTANCE);
}

static const struct {
        void (*add)(struct buffer *buffer, const char *text);
        const char *text;
        const char *escaped;
} cases[] = {
        {escape_value, "/a b/100%/\"x\"\\", "/a b/100%%/\"x\"\\"},
        {add_word, "", "\"\""},
        {add_word, "in,tcp\nout,reject", "\"in,tcp\\nout,reject\""},
        {add_word, "a\\b \"c\" 'd' $e ä", "\"a\\\\b \\\"c\\\" 'd' $e ä\""},
        {add_word, "%i %% % %n", "\"%%i %%%% %% %%n\""},
        {add_command_word, "$HOME ${X} $$ \\", "\"$$HOME $${X} $$$$ \\\\\""},
        {add_command_word, "%i", "\"%%i\""},
        {add_instance_word, "80%i %I", "\"80%i %%I\""},
        {add_instance_word, "%%i", "\"%%%%i\""},
        {add_instance_word, "%%%i", "\"%%%%%i\""},
        {add_instance_word, "%", "\"%%\""},
        {escape_glob, "/a*b?c[d]{e}\\f%", "/a\\*b\\?c\\[d]\\{e\\}\\\\f%%"},
        {escape_bind_path, "/a b:c\\d'e\"%", "/a\\ b\\:c\\\\d\\'e\\\"%%"},
        {escape_environment_file, "/lib/a.so:/lib/b.so", "/lib/a.so:/lib/b.so"},
        {escape_environment_file, "/a.so /b.so", "\"/a.so /b.so\""},
        {escape_environment_file, "$LIB/\"a\\`", "\"\\$LIB/\\\"a\\\\\\`\""},
        {escape_visible, "plain ä €", "plain ä €"},
        {escape_visible, "a\nb\x1b\x7f", "a\\x0ab\\x1b\\x7f"},
        {escape_visible, "a\xff\xe2\x82", "a\\xff\\xe2\\x82"},
};

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct buffer buffer = BUFFER_INIT;

                cases[i].add(&buffer, cases[i].text);
                assert_int_equal(buffer_error(&buffer), 0);
                assert_string_equal(buffer.data, cases[i].escaped);
                buffer_clear(&buffer);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
