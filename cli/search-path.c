/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/search-path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* _CS_PATH of confstr(3), which is what execvp(3) takes where PATH is not set. */
#define PATH_DEFAULT "/bin:/usr/bin"

void search_path_begin(struct search_path *search, const char *name)
{
        const char *path = getenv("PATH");

        search->name = name;
        search->next = path ? path : PATH_DEFAULT;
        if (strchr(name, '/'))
                search->next = "";
        if (*name == '\0' || strlen(name) >= PATH_MAX)
                search->next = NULL;
}

bool search_path_next(struct search_path *search, char ret[static PATH_MAX])
{
        while (search->next) {
                const char *directory = search->next;
                int length = (int)strcspn(directory, ":");
                int n;

                search->next = directory[length] == ':' ? directory + length + 1 : NULL;
                n = snprintf(ret, PATH_MAX, "%.*s%s%s", length, directory, length > 0 ? "/" : "",
                             search->name);
                if (n < PATH_MAX)
                        return true;
        }
        return false;
}

bool search_path_goes_on(int error)
{
        static const int errors[] = {EACCES, ENOENT, ESTALE, ENOTDIR, ENODEV, ETIMEDOUT};

        for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
                if (error == errors[i])
                        return true;
        return false;
}
