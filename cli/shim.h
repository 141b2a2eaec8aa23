/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find the library that is to be preloaded: the one of the build tree when the tool runs from
 * there, else where it is installed. It is made sure that the dynamic loader can load it, which
 * would go on without it else (ld.so(8)).
 *
 * ret: an absolute path, owned by the caller.
 * Errors: negative errnos, printed.
 */
int shim_find(char **ret);
