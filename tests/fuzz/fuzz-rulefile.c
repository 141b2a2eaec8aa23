/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The input is the text of a rule file. Whatever it is, reading it ends in units or in complaints
 * that can be shown; and what is taken over from it can be written into a unit file without
 * becoming something else there.
 */

#include <string.h>

#include "generator/rulefile.h"
#include "generator/unit-file.h"
#include "generator/unit-name.h"
#include "generator/unit-text.h"
#include "tests/fuzz/fuzz.h"

/* One line, as systemd takes it. */
static void check_line(const char *text)
{
        FUZZ_CHECK(unit_text_is_valid(text, strlen(text)));
        for (; *text; text++)
                FUZZ_CHECK(*text == '\t' || !unit_text_is_control(*text));
}

static void check_complaints(const struct rulefile *file)
{
        for (size_t i = 0; i < file->n_complaints; i++) {
                char *text;

                FUZZ_CHECK(i == 0 || file->complaints[i - 1].line <= file->complaints[i].line);
                FUZZ_CHECK(rulefile_describe_complaint(file, &file->complaints[i], &text) == 0);
                check_line(text);
                FUZZ_CHECK(!strchr(text, '\t'));
                free(text);
        }
}

/* What comes back when systemd reads an assignment. */
struct expected {
        const struct assignment *assignment;
        unsigned times;
};

static int compare(const char *section, const char *key, const char *value, void *userdata)
{
        struct expected *expected = userdata;

        FUZZ_CHECK(strcmp(section, "Service") == 0);
        if (strcmp(key, "After") == 0 && strcmp(value, "it") == 0 && expected->times == 1)
                return 0;
        FUZZ_CHECK(strcmp(key, expected->assignment->key) == 0);
        FUZZ_CHECK(strcmp(value, expected->assignment->value) == 0);
        expected->times++;
        return 0;
}

static void check_assignments(const struct assignments *assignments)
{
        for (size_t i = 0; i < assignments->n_items; i++) {
                struct expected expected = {.assignment = &assignments->items[i]};
                const char *key = expected.assignment->key, *value = expected.assignment->value;
                size_t size = strlen(key) + strlen(value) + 64;
                char *text = malloc(size);

                FUZZ_CHECK(text != NULL);
                check_line(value);
                snprintf(text, size, "[Service]\n%s=%s\nAfter=it\n", key, value);
                FUZZ_CHECK(unit_file_read(text, strlen(text), compare, &expected) == 0);
                FUZZ_CHECK(expected.times == 1);
                free(text);
        }
}

static void check_rules(const struct rulefile *file)
{
        for (size_t i = 0; i < file->n_rules; i++) {
                check_line(file->rules[i].text);
                FUZZ_CHECK(!file->rules[i].parsed.fdname ||
                           file->rules[i].parsed.action == RULE_SYSTEMD);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct rulefile *file;

        FUZZ_CHECK(rulefile_new("/etc/ip2unix.d/fuzz.conf", &file) == 0);
        FUZZ_CHECK(rulefile_read(file, (const char *)data, size) == 0);
        FUZZ_CHECK(file->unit && unit_name_is_valid(file->unit));
        check_complaints(file);
        check_rules(file);
        check_assignments(&file->service);
        check_assignments(&file->unit_section);
        for (size_t i = 0; i < file->n_sockets; i++) {
                check_assignments(&file->sockets[i].settings);
                FUZZ_CHECK(file->n_complaints > 0 || unit_name_is_valid(file->sockets[i].unit));
        }
        rulefile_free(file);
        return 0;
}
