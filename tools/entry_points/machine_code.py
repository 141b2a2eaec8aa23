# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Which functions of the C library end up in which system calls, read from its machine code.

A list of names made by hand would miss what the next version of the library brings. Its functions
are told apart by their unwind information, since the library is stripped; who calls whom is read
from the instructions. UNSEEN names what can't be read there.
"""

import bisect
import collections
import re
import subprocess

# What a descriptor is made, closed, copied, named or used with, and what a process is made with.
# fcntl(2), ioctl(2) and close(2) count where a function makes them itself, see reach().
RELEVANT = frozenset('''
    accept accept4 bind clone clone3 close_range connect dup dup2 dup3 epoll_ctl execve execveat
    exit_group fork getpeername getsockname getsockopt io_uring_enter io_uring_setup listen
    open_by_handle_at pidfd_getfd recvfrom recvmmsg recvmsg sendfile sendmmsg sendmsg sendto
    setsockopt shutdown socket socketpair splice tee unshare vfork vmsplice'''.split())
DIRECT = frozenset(['close', 'fcntl', 'ioctl'])

# Functions that everything ends up in when it fails, or that only look after themselves.
NOT_FOLLOWED = frozenset('''
    abort __stack_chk_fail __fortify_fail __chk_fail __assert_fail malloc calloc realloc free
    pthread_exit __pthread_unwind pthread_create dlopen dlsym exit __libc_start_main'''.split())

# What is done through a pointer, by a number from a register, or later by a child.
UNSEEN = {
    'fclose': 'close',
    '_IO_fclose': 'close',
    'fcloseall': 'close',
    'pclose': 'close',
    'posix_spawn_file_actions_addclose': 'close',
    'posix_spawn_file_actions_addclosefrom_np': 'close_range',
    'posix_spawn_file_actions_adddup2': 'dup2',
    'syscall': 'any call',
    '_exit': 'exit_group',
    '_Exit': 'exit_group',
}


def output(*command):
    # readelf ends with 1 for what it merely warns of.
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if not result.stdout:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout.splitlines()


def system_call_names():
    names = {}
    for line in output('gcc', '-E', '-dM', '-include', 'sys/syscall.h', '-x', 'c', '/dev/null'):
        match = re.match(r'#define __NR_(\w+) (\d+)$', line)
        if match:
            names[int(match[2])] = match[1]
    return names


class Functions:
    """Where functions begin, and the names of those that are exported."""

    def __init__(self, library):
        exported = collections.defaultdict(set)
        for line in output('nm', '-D', '--defined-only', library):
            address, kind, name = line.split()
            if kind in 'TWi':
                exported[int(address, 16)].add(name.split('@')[0])
        starts = set(exported)
        for line in output('readelf', '--debug-dump=frames', library):
            match = re.search(r'FDE .*pc=([0-9a-f]+)\.\.', line)
            if match:
                starts.add(int(match[1], 16))
        self.starts = sorted(starts)
        self.names = exported

    def of(self, address):
        """The start of the function that the address is in."""
        i = bisect.bisect_right(self.starts, address) - 1
        return self.starts[i] if i >= 0 else address


def read_code(library, functions):
    """Returns who calls whom, and who makes which system calls."""
    numbers = system_call_names()
    starts = set(functions.starts)
    calls, made = collections.defaultdict(set), collections.defaultdict(set)
    number = None
    for line in output('objdump', '-d', '--no-show-raw-insn', '-j', '.text', library):
        match = re.match(r'\s*([0-9a-f]+):\t(\S+)\s*(.*)', line)
        if not match:
            continue
        function = functions.of(int(match[1], 16))
        operation, operands = match[2], match[3]
        constant = re.match(r'\$0x([0-9a-f]+),%[er]ax$', operands)
        if operation == 'mov' and constant:
            number = int(constant[1], 16)
        elif operands == '%eax,%eax' and operation == 'xor':
            number = 0
        elif operands.endswith((',%eax', ',%rax')) and operation not in ('cmp', 'test'):
            number = None
        elif operation == 'syscall':
            made[function].add(numbers.get(number, 'unknown'))
        elif operation.startswith(('call', 'j')):
            target = re.match(r'([0-9a-f]+)', operands)
            if target:
                calls[function].add(functions.of(int(target[1], 16)))
        elif operation == 'lea':
            target = re.search(r'# ([0-9a-f]+)', operands)
            # A function that is handed on, as to clone(2).
            if target and int(target[1], 16) in starts:
                calls[function].add(int(target[1], 16))
    return calls, made


def reach(library):
    """Returns for each exported function the relevant system calls that it ends up in, if any."""
    functions = Functions(library)
    calls, made = read_code(library, functions)
    reached = {}
    for function in set(calls) | set(made) | set(functions.names):
        ignored = NOT_FOLLOWED & functions.names.get(function, set())
        reached[function] = set() if ignored else made[function] & RELEVANT
        if ignored:
            calls[function] = set()
    changed = True
    while changed:
        changed = False
        for function, targets in calls.items():
            before = len(reached[function])
            for target in targets - {function}:
                reached[function] |= reached.get(target, set())
            changed = changed or len(reached[function]) > before

    result = {}
    for function, names in functions.names.items():
        found = reached[function] | made[function] & DIRECT
        for target in calls[function]:
            found |= made[target] & DIRECT
        for name in names:
            all_found = found | ({UNSEEN[name]} if name in UNSEEN else set())
            if all_found:
                result[name] = result.get(name, set()) | all_found
    return result
