/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-name.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const suffixes[] = {
        ".service", ".socket", ".target", ".device", ".mount", ".automount",
        ".swap",    ".timer",  ".path",   ".slice",  ".scope",
};

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

const char *unit_name_suffix(const char *name)
{
        const char *dot = strrchr(name, '.');

        if (!dot || dot == name)
                return NULL;
        for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
                if (strcmp(dot, suffixes[i]) == 0)
                        return dot;
        return NULL;
}

bool unit_name_is_valid(const char *name)
{
        const char *suffix = unit_name_suffix(name);

        if (!suffix || strlen(name) > UNIT_NAME_LENGTH_MAX)
                return false;
        /* The first '@' parts prefix and instance, and only the instance may have more of them. */
        return name[0] != '@' && strspn(name, LETTERS ":-_.\\@") == strlen(name);
}

/* The text behind the first '@', or NULL. */
static const char *instance_of(const char *name)
{
        const char *at = strchr(name, '@');

        return at && at < unit_name_suffix(name) ? at + 1 : NULL;
}

bool unit_name_is_template(const char *name)
{
        const char *instance = instance_of(name);

        return instance && instance == unit_name_suffix(name);
}

bool unit_name_is_instance(const char *name)
{
        const char *instance = instance_of(name);

        return instance && instance != unit_name_suffix(name);
}

int unit_name_template(const char *name, char **ret)
{
        if (!unit_name_is_instance(name))
                return -EINVAL;
        if (asprintf(ret, "%.*s%s", (int)(instance_of(name) - name), name, unit_name_suffix(name)) <
            0)
                return -ENOMEM;
        return 0;
}

int unit_name_fill(const char *template, const char *instance, char **ret)
{
        const char *text = instance_of(instance);

        if (!unit_name_is_template(template) || !unit_name_is_instance(instance))
                return -EINVAL;
        if (asprintf(ret, "%.*s%.*s%s", (int)(instance_of(template) - template), template,
                     (int)(unit_name_suffix(instance) - text), text,
                     unit_name_suffix(template)) < 0)
                return -ENOMEM;
        return 0;
}

int unit_name_socket(const char *service, const char *socket, char **ret)
{
        const char *suffix = unit_name_suffix(service);
        const char *instance = instance_of(service);
        size_t prefix = (size_t)((instance ? instance - 1 : suffix) - service);
        const char *rest = service + prefix;

        if (strlen(service) - strlen(suffix) + strlen(socket) + strlen("-.socket") >
            UNIT_NAME_LENGTH_MAX)
                return -ENAMETOOLONG;
        if (asprintf(ret, "%.*s-%s%.*s.socket", (int)prefix, service, socket, (int)(suffix - rest),
                     rest) < 0)
                return -ENOMEM;
        return 0;
}
