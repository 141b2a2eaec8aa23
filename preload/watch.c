/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notes epoll registrations. See watch.h. */

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "preload/log.h"
#include "preload/memory.h"
#include "preload/next.h"
#include "preload/process.h"
#include "preload/watch.h"

#define WATCHES        128
#define WATCHES_PASSED 64 /* of them, for passed sockets alone */

/* Who may write to a note: nobody has it, somebody is at it, or it is about fd and epfd. */
#define OWNER_NONE        ((uint64_t)0)
#define OWNER_BUSY        UINT64_MAX
#define OWNER(epfd, fd)   ((uint64_t)(uint32_t)(epfd) << 32 | (uint32_t)(fd) | UINT64_C(1) << 63)
#define OWNER_EPFD(owner) ((int)((owner) >> 32 & 0x7fffffff))
#define OWNER_FD(owner)   ((int)((owner)&0xffffffff))

struct watch {
        _Atomic uint64_t owner;
        struct epoll_event event;
        pid_t pid; /* who registered it */
};

static struct watch *watches; /* WATCHES of them, once there is one */

static _Atomic int watches_used; /* none beyond has ever been used */

/* Write a note where there was another, or none. Returns false when somebody else was faster. */
static bool write_note(int i, uint64_t before, uint64_t owner, const struct epoll_event *event)
{
        if (!atomic_compare_exchange_strong(&watches[i].owner, &before, OWNER_BUSY))
                return false;

        watches[i].event = *event;
        watches[i].pid = getpid();
        atomic_store(&watches[i].owner, owner);
        return true;
}

static void clear_note(int i, uint64_t owner)
{
        (void)atomic_compare_exchange_strong(&watches[i].owner, &owner, OWNER_NONE);
}

static bool is_note(uint64_t owner)
{
        return owner != OWNER_NONE && owner != OWNER_BUSY;
}

static bool is_about(uint64_t owner, int fd)
{
        return is_note(owner) && OWNER_FD(owner) == fd;
}

static int find(uint64_t owner)
{
        for (int i = 0; i < atomic_load(&watches_used); i++)
                if (atomic_load(&watches[i].owner) == owner)
                        return i;

        return -1;
}

static void add(uint64_t owner, const struct epoll_event *event, bool passed)
{
        if (!memory_share((void **)&watches, WATCHES * sizeof(*watches)))
                return;

        for (int i = 0; i < (passed ? WATCHES : WATCHES - WATCHES_PASSED); i++) {
                int used = atomic_load(&watches_used);

                if (!write_note(i, OWNER_NONE, owner, event))
                        continue;
                while (used <= i && !atomic_compare_exchange_weak(&watches_used, &used, i + 1))
                        ;
                return;
        }

        log_message(passed ? LOG_WARNING : LOG_INFO, "too many ",
                    passed ? "listeners" : "unbound sockets", " in epoll to remember");
}

void watch_note(int epfd, int op, int fd, const struct epoll_event *event, bool passed)
{
        const uint64_t owner = OWNER(epfd, fd);
        const int i = find(owner);

        switch (op) {
        case EPOLL_CTL_ADD:
        case EPOLL_CTL_MOD:
                if (i >= 0)
                        (void)write_note(i, owner, owner, event);
                else
                        add(owner, event, passed);
                break;
        case EPOLL_CTL_DEL:
                if (i >= 0)
                        atomic_store(&watches[i].owner, OWNER_NONE);
                break;
        }
}

void watch_suspend(int fd)
{
        for (int i = 0; i < atomic_load(&watches_used); i++) {
                const uint64_t owner = atomic_load(&watches[i].owner);
                struct epoll_event unused = {0};

                if (!is_about(owner, fd))
                        continue;
                /* An epoll that has been closed meanwhile, and its number perhaps used again. */
                if (next.epoll_ctl(OWNER_EPFD(owner), EPOLL_CTL_DEL, fd, &unused) < 0)
                        clear_note(i, owner);
        }
}

void watch_resume(int fd)
{
        for (int i = 0; i < atomic_load(&watches_used); i++) {
                const uint64_t owner = atomic_load(&watches[i].owner);
                struct epoll_event event;

                if (!is_about(owner, fd))
                        continue;

                event = watches[i].event;
                if (next.epoll_ctl(OWNER_EPFD(owner), EPOLL_CTL_ADD, fd, &event) < 0)
                        log_message(LOG_WARNING, "cannot register the socket in epoll again: ",
                                    LOG_ERRNO(errno));
        }
}

void watch_remove(int fd)
{
        for (int i = 0; i < atomic_load(&watches_used); i++) {
                const uint64_t owner = atomic_load(&watches[i].owner);
                struct epoll_event unused = {0};

                if (!is_about(owner, fd))
                        continue;
                if (process_is_heir_of(watches[i].pid))
                        (void)next.epoll_ctl(OWNER_EPFD(owner), EPOLL_CTL_DEL, fd, &unused);
                clear_note(i, owner);
        }
}

void watch_forget(int fd)
{
        for (int i = 0; i < atomic_load(&watches_used); i++) {
                const uint64_t owner = atomic_load(&watches[i].owner);

                if (is_note(owner) && (OWNER_FD(owner) == fd || OWNER_EPFD(owner) == fd))
                        clear_note(i, owner);
        }
}
