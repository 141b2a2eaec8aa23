/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells children that share our memory from ourselves. See process.h. */

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/kernel.h"
#include "preload/memory.h"
#include "preload/process.h"

__thread int process_vforks;
__thread pid_t process_vforker;
bool process_is_shared;

/* The process that the memory belongs to; the kernel wipes it in a child of fork(2). */
static _Atomic pid_t *owner;

int process_share(void)
{
        _Atomic pid_t *page;

        if (process_is_shared)
                return 0;

        page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
        if (page == MAP_FAILED)
                return -ENOMEM;
        if (kernel_madvise(page, sizeof(*page), MADV_WIPEONFORK) < 0) {
                int r = -errno;

                (void)kernel_munmap((void *)page, sizeof(*page));
                return r;
        }

        *page = getpid();
        owner = page;
        process_is_shared = true;
        return 0;
}

pid_t process_id(void)
{
        static _Atomic pid_t *page;
        _Atomic pid_t *known = __atomic_load_n(&page, __ATOMIC_ACQUIRE);
        pid_t id;

        if (!known) {
                known = memory_share((void **)&page, sizeof(*known));
                if (!known || kernel_madvise((void *)known, sizeof(*known), MADV_WIPEONFORK) < 0)
                        return getpid();
        }

        id = atomic_load_explicit(known, memory_order_relaxed);
        if (id == 0) {
                id = getpid();
                atomic_store_explicit(known, id, memory_order_relaxed);
        }
        return id;
}

/* Nobody has waited for it yet, so that its number is still taken; its descriptors are closed. */
static bool has_ended(pid_t pid)
{
        const int file = kernel_pidfd_open(pid);
        bool ended;

        if (file < 0)
                return false;

        ended = kernel_events(file, POLLIN) & POLLIN;
        kernel_close(file);
        return ended;
}

bool process_is_heir_of(pid_t pid)
{
        const int saved = errno;
        bool heir;

        if (pid == getpid())
                return true;
        /* In a PID namespace of its own it can't see who is there, and is nobody's heir. */
        if (kernel_getppid() == 0)
                return false;

        heir = kernel_kill(pid, 0) < 0 ? errno == ESRCH : has_ended(pid);
        errno = saved;
        return heir;
}

bool process_is_stranger(void)
{
        pid_t pid = getpid(), nobody = 0;

        /* After fork(2) the page is empty, and the first to ask is the new process itself. */
        if (atomic_compare_exchange_strong(owner, &nobody, pid))
                return false;

        return nobody != pid;
}

#if defined(__x86_64__)
/* vfork.S sets errno here. */
int process_vfork_failed(int number)
{
        errno = number;
        return -1;
}
#endif
