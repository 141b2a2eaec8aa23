# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kernel tells of this namespace: its processes, its sockets, and what it has sent.

"tcp" and "udp" name a kind of socket, whatever became of it: under rules, Unix sockets.
"""

import os
from pathlib import Path

# What /proc/net/tcp says of a listening socket, and /proc/net/unix of its flags (SO_ACCEPTCON); the
# types of sockets there.
TCP_LISTEN = "0A"
UNIX_ACCEPTS = 0x10000
UNIX_TYPES = {"tcp": 1, "udp": 2}


def _read(path):
    """The text of a file in /proc, empty when the process is gone."""
    try:
        return Path(path).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def processes():
    """The numbers of all living processes but this one."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and entry != "1":
            state = _read(f"/proc/{entry}/stat").rpartition(")")[2].split()[:1]
            if state and state[0] not in "ZX":
                found.append(int(entry))
    return found


def command_line(process):
    return _read(f"/proc/{process}/cmdline").replace("\0", " ").strip()


def children(process):
    """The numbers of the living children of a process."""
    parent = f"\nPPid:\t{process}\n"
    return {child for child in processes() if parent in _read(f"/proc/{child}/status")}


def ip_sockets(kind):
    """Pairs of local port and state of all TCP or UDP sockets."""
    found = []
    for name in (kind, f"{kind}6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            found.append((int(fields[1].rpartition(":")[2], 16), fields[3]))
    return found


def ip_listens(port, kind="tcp"):
    """Whether an IP socket listens on the port, or is bound to it."""
    return any(number == port and (kind == "udp" or state == TCP_LISTEN)
               for number, state in ip_sockets(kind))


def counters():
    """What the kernel has counted in this network namespace, by protocol and name."""
    found = {}
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        protocol, *names = names.split()
        found.update(zip((protocol.rstrip(":") + name for name in names), values.split()[1:]))
    found.update(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return {name: int(value) for name, value in found.items()}


def tcp_segments():
    return counters()["TcpOutSegs"]


def udp_datagrams():
    """UDP is counted by family, TCP is not."""
    counted = counters()
    return sum(counted.get(f"{protocol}OutDatagrams", 0)
               for protocol in ("Udp", "UdpLite", "Udp6", "UdpLite6"))


def unix_paths(kind):
    """The names of all Unix sockets that a server of that kind listens on."""
    found = []
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and int(fields[4], 16) == UNIX_TYPES[kind] and (
                kind == "udp" or int(fields[3], 16) & UNIX_ACCEPTS):
            found.append(fields[7])
    return found
