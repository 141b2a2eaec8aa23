/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether a program is one that a preloaded library can work in, as far as its file tells.
 */

enum program_kind {
        PROGRAM_PRELOADABLE,
        PROGRAM_STATIC,       /* no dynamic loader, which would do the preloading */
        PROGRAM_GO,           /* makes its system calls itself, past every library */
        PROGRAM_FOREIGN,      /* another word size or processor than our library */
        PROGRAM_SET_ID,       /* set-user-ID or set-group-ID: the loader leaves our library out */
        PROGRAM_CAPABILITIES, /* file capabilities: the same */
        PROGRAM_UNKNOWN,      /* neither ELF nor a script: whatever runs it can't be seen */
};

/*
 * Look at a program; for a script at its interpreter.
 *
 * root, path: as root_open() wants them. Without a slash the name is looked up in a search path.
 * search: its directories, NULL-terminated; NULL for those where systemd looks.
 *
 * Errors: those of root_open(), -ELOOP when interpreters lead on and on, -EIO.
 */
int program_inspect(const char *root, const char *path, char *const *search,
                    enum program_kind *ret);

/* Why no library can be preloaded: "is statically linked". NULL when one can, or may. */
const char *program_obstacle(enum program_kind kind);
