/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which service a rule file is about. */

#include <stddef.h>

/*
 * Make the name of a service of what was written: without a suffix ".service" is added.
 *
 * "foo-.service" and "foo-@.service" are none: their drop-ins would be those of all services whose
 * names begin with "foo-" (systemd.unit(5)).
 *
 * ret: owned by the caller. Errors: -EINVAL when it is none, -ENOMEM.
 */
int rulefile_unit_name(const char *written, char **ret);

/*
 * The service that was meant by a name with a misspelt suffix ("web.servcie").
 * ret: owned by the caller, NULL when that is not what is wrong. Errors: -ENOMEM.
 */
int rulefile_unit_meant(const char *written, char **ret);

/*
 * The service of a file that doesn't name one: "web.conf" is about web.service. ret and errors as
 * for rulefile_unit_name().
 */
int rulefile_unit_default(const char *path, char **ret);

/*
 * Find out which service a file is about that can't be used: take the first line that looks like a
 * Unit= with a name, whatever section it is in and however that begins. So a misspelt section does
 * not let the service start that the rules were written for.
 *
 * ret: owned by the caller, NULL when there is no such line. Errors: -ENOMEM.
 */
int rulefile_unit_salvage(const char *data, size_t size, char **ret);
