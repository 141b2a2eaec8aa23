/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/instance.h"

#include <string.h>

void instance_fill(struct buffer *buffer, const char *text, const char *name)
{
        while (*text) {
                size_t plain = strcspn(text, "%");

                buffer_add_bytes(buffer, text, plain);
                text += plain;
                if (*text == '\0')
                        break;
                if (text[1] == 'i') {
                        buffer_add(buffer, name);
                        text += 2;
                } else {
                        plain = text[1] == '%' ? 2 : 1;
                        buffer_add_bytes(buffer, text, plain);
                        text += plain;
                }
        }
}
