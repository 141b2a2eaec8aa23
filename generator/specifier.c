/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/specifier.h"

#include "common/buffer.h"
#include "generator/unit-name.h"
#include <errno.h>
#include <string.h>

static int add_specifier(struct buffer *buffer, char specifier, const char *unit, const char *home)
{
        size_t name = strlen(unit) - strlen(unit_name_suffix(unit));
        size_t prefix = strcspn(unit, "@");

        if (prefix > name)
                prefix = name;
        switch (specifier) {
        case '%':
                buffer_add_char(buffer, '%');
                return 0;
        case 'n':
                buffer_add(buffer, unit);
                return 0;
        case 'N':
                buffer_add_bytes(buffer, unit, name);
                return 0;
        case 'p':
                buffer_add_bytes(buffer, unit, prefix);
                return 0;
        case 'h':
                if (!home)
                        return -EOPNOTSUPP;
                buffer_add(buffer, home);
                return 0;
        case 'i':
                if (unit_name_is_template(unit))
                        return -EOPNOTSUPP;
                if (prefix < name)
                        buffer_add_bytes(buffer, unit + prefix + 1, name - prefix - 1);
                return 0;
        default:
                return -EOPNOTSUPP;
        }
}

int specifier_expand(const char *text, const char *unit, const char *home, char **ret)
{
        struct buffer buffer = BUFFER_INIT;
        int r = 0;

        while (r == 0 && *text) {
                size_t plain = strcspn(text, "%");

                buffer_add_bytes(&buffer, text, plain);
                text += plain;
                if (*text == '\0')
                        break;
                r = add_specifier(&buffer, text[1], unit, home);
                text += 2;
        }
        if (r == 0)
                r = buffer_take(&buffer, ret);
        if (r < 0)
                buffer_clear(&buffer);
        return r;
}
