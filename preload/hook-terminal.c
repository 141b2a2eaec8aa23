/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * login_tty(3), forkpty(3): the C library puts a terminal in the place of standard input, output
 * and error without calling dup2(2) by its exported name. A server that systemd or inetd started
 * may have its connection there.
 */

#include <pty.h>
#include <utmp.h>

#include "preload/hook.h"

static void forget_standard_streams(void)
{
        for (int fd = 0; fd <= 2; fd++)
                table_forget(fd);
}

HOOK int login_tty(int fd)
{
        const int r = NEXT(login_tty)(fd);

        if (r == 0) {
                forget_standard_streams();
                table_forget(fd);
        }
        return r;
}

HOOK int forkpty(int *ret_master, char *ret_name, const struct termios *settings,
                 const struct winsize *size)
{
        const int pid = NEXT(forkpty)(ret_master, ret_name, settings, size);

        if (pid == 0)
                forget_standard_streams();
        return pid;
}
