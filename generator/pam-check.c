/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/pam-check.h"

#include "common/cleanup.h"
#include "common/root.h"
#include <errno.h>
#include <string.h>

#define FILE_SIZE_MAX ((size_t)1024 * 1024)

/* Those that pam_env reads when it is not told of others. */
static const char *const files[] = {"/etc/environment", "/etc/security/pam_env.conf"};

/* "LD_PRELOAD=..." in the one, with "export" or not, and "LD_PRELOAD DEFAULT=..." in the other. */
static bool sets_preload(const char *line)
{
        line += strspn(line, " \t");
        if (strncmp(line, "export", strlen("export")) == 0)
                line += strlen("export") + strspn(line + strlen("export"), " \t");
        if (strncmp(line, "LD_PRELOAD", strlen("LD_PRELOAD")) != 0)
                return false;
        line += strlen("LD_PRELOAD");
        return *line == '=' || *line == ' ' || *line == '\t';
}

int pam_check_preload(const char *root, const char **ret)
{
        *ret = NULL;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                _cleanup_free_ char *data = NULL;
                char *line, *rest;
                size_t size;
                int r = root_read(root, files[i], FILE_SIZE_MAX, &data, &size);

                if (r == -ENOMEM)
                        return r;
                rest = r < 0 ? NULL : data;
                while ((line = strsep(&rest, "\n")))
                        if (sets_preload(line))
                                *ret = files[i];
        }
        return 0;
}
