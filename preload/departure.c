/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes the files of closed listeners. See departure.h. */

#include "preload/departure.h"
#include "preload/process.h"
#include "preload/sock.h"
#include "preload/socket-file.h"

_Atomic bool departure_expected;

struct departure departure_of(int fd, word w)
{
        struct departure departure;
        const struct sock *sock;

        departure.removes = false;
        if (WORD_KIND(w) != WORD_SOCK)
                return departure;

        sock = sock_at(WORD_INDEX(w));
        if (!sock->removes_file || process_is_borrowed())
                return departure;

        departure.file = sock->file;
        departure.removes =
                target_of_socket(fd, &departure.target) && target_is_file(&departure.target);
        return departure;
}

void departure_finish(const struct departure *departure)
{
        if (departure->removes)
                socket_file_remove(&departure->target, departure->file);
}
