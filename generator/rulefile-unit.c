/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/rulefile-unit.h"

#include "common/cleanup.h"
#include "generator/unit-name.h"
#include "rules/suggest.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r"

/* Whether drop-ins of this name are those of many. */
static bool is_prefix(const char *name)
{
        const char *at = strchr(name, '@');

        return (at ? at : unit_name_suffix(name))[-1] == '-';
}

int rulefile_unit_name(const char *written, char **ret)
{
        _cleanup_free_ char *name = NULL;
        const char *suffix = unit_name_suffix(written);

        if (asprintf(&name, "%s%s", written, suffix ? "" : ".service") < 0) {
                name = NULL;
                return -ENOMEM;
        }
        if (!unit_name_is_valid(name) || strcmp(unit_name_suffix(name), ".service") != 0 ||
            is_prefix(name))
                return -EINVAL;
        *ret = TAKE(name);
        return 0;
}

int rulefile_unit_meant(const char *written, char **ret)
{
        static const char *const words[] = {"service", NULL};
        _cleanup_free_ char *name = NULL;
        const char *dot = strrchr(written, '.');
        int r;

        *ret = NULL;
        if (!dot || unit_name_suffix(written) || !suggest(dot + 1, strlen(dot + 1), words))
                return 0;
        if (asprintf(&name, "%.*s.service", (int)(dot - written), written) < 0) {
                name = NULL;
                return -ENOMEM;
        }
        r = rulefile_unit_name(name, ret);
        return r == -EINVAL ? 0 : r;
}

int rulefile_unit_default(const char *path, char **ret)
{
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        size_t length = strlen(name);
        _cleanup_free_ char *unit = NULL;

        if (length > strlen(".conf") && strcmp(name + length - strlen(".conf"), ".conf") == 0)
                length -= strlen(".conf");
        unit = strndup(name, length);
        return unit ? rulefile_unit_name(unit, ret) : -ENOMEM;
}

/* What stands behind the '=' of a line that is, or was meant to be, a Unit=; else NULL. */
static char *value_of_unit(char *line)
{
        static const char *const words[] = {"Unit", NULL};
        char *equals = strchr(line, '='), *end;
        size_t length;

        line += strspn(line, BLANKS);
        if (!equals || *line == '#' || *line == ';')
                return NULL;
        for (length = (size_t)(equals - line); length > 0; length--)
                if (!strchr(BLANKS, line[length - 1]))
                        break;
        if (!suggest(line, length, words))
                return NULL;
        equals += 1 + strspn(equals + 1, BLANKS);
        for (end = equals + strlen(equals); end > equals && strchr(BLANKS, end[-1]); end--)
                end[-1] = '\0';
        return equals;
}

int rulefile_unit_salvage(const char *data, size_t size, char **ret)
{
        const char *end = data + size;
        size_t length;

        *ret = NULL;
        for (; data < end; data += length + (data + length < end)) {
                const char *newline = memchr(data, '\n', (size_t)(end - data));
                _cleanup_free_ char *line = NULL;
                const char *value;
                int r;

                length = (size_t)((newline ? newline : end) - data);
                line = strndup(data, length);
                if (!line)
                        return -ENOMEM;
                value = value_of_unit(line);
                if (!value)
                        continue;
                r = rulefile_unit_meant(value, ret);
                if (r == 0 && !*ret)
                        r = rulefile_unit_name(value, ret);
                if (r != -EINVAL)
                        return r;
        }
        return 0;
}
