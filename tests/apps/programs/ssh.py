# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenSSH: sshd starts itself anew for each connection, and asks for the peer there."""

import os
import signal

from stage import PATIENCE, needs, wait_until

CONFIGURATION = """
ListenAddress 127.0.0.1
Port 22
HostKey {home}/ssh/host
AuthorizedKeysFile {home}/ssh/user.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
LogLevel VERBOSE
Subsystem sftp internal-sftp
"""


def start(stage):
    stage.directory("ssh", mode=0o700)
    for name in ("host", "user"):
        stage.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stage.home / "ssh" / name,
                  rules=False)
    os.mkdir("/run/sshd", 0o755)
    path = stage.file("ssh/sshd_config", CONFIGURATION.format(home=stage.home))
    return stage.start("/usr/sbin/sshd", "-D", "-e", "-f", path, port=22)


def options(stage):
    return ["-F", "/dev/null", "-i", stage.home / "ssh/user", "-o", "BatchMode=yes", "-o",
            "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
            "LogLevel=ERROR", "-o", f"ConnectTimeout={PATIENCE}", "-o", "IPQoS=throughput"]


def login(stage, *command, **keywords):
    return stage.run("ssh", *options(stage), "root@127.0.0.1", *command, **keywords)


@needs("/usr/sbin/sshd", "ssh", "scp")
def scenario_ssh_and_scp(stage):
    server = start(stage)
    connection = login(stage, 'echo "$SSH_CONNECTION"; echo "$SSH_CLIENT"')
    client = stage.matches(connection, r"^127\.0\.0\.1 ([1-9]\d+) 127\.0\.0\.1 22$")[1]
    stage.matches(connection, rf"^127\.0\.0\.1 {client} 22$")
    server.says(rf"Accepted publickey for root from 127\.0\.0\.1 port {client} ssh2")
    stage.check("UNKNOWN" not in server.output(), server.output())
    before = stage.descriptors()
    big = stage.noise("big", 100_000_000)
    for name, mode in (("there", []), ("legacy", ["-O"])):
        stage.run("scp", "-q", *mode, *options(stage), big, f"root@127.0.0.1:{stage.home}/{name}")
        stage.same_file(big, stage.home / name)
        os.unlink(stage.home / name)
    stage.run("scp", "-q", *options(stage), f"root@127.0.0.1:{big}", stage.home / "back")
    stage.same_file(big, stage.home / "back")
    if stage.rules:
        proxy = f"ProxyCommand=socat - UNIX-CONNECT:{stage.socket(22)}"
        answer = stage.run("ssh", *options(stage), "-o", proxy, "root@127.0.0.1",
                           'echo "$SSH_CONNECTION"', rules=False)
        stage.matches(answer, r"^127\.0\.0\.1 [1-9]\d+ 127\.0\.0\.1 22$")
    stage.keeps_descriptors(before)
    server.end()
    stage.closed(22)


@needs("/usr/sbin/sshd", "ssh", "curl", "python3")
def scenario_ssh_forwarding(stage):
    """Both ends listen and connect for others; several sessions over one connection."""
    server = start(stage)
    stage.noise("www/big", 20_000_000)
    web = stage.start("python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                      stage.home / "www", "8000", port=8000)
    control = ["-S", stage.home / "control"]
    tunnel = stage.start("ssh", *options(stage), "-o", "ExitOnForwardFailure=yes", "-M", *control,
                         "-N", "-L", "127.0.0.1:8001:127.0.0.1:8000",
                         "-R", "127.0.0.1:8002:127.0.0.1:8000", "-D", "127.0.0.1:8003",
                         "root@127.0.0.1", port=8001)
    wait_until(lambda: stage.listens(8002) and stage.listens(8003), "forwarded ports")
    for port in (8001, 8002):
        stage.run("curl", "-sSf", "-o", stage.home / "copy", f"http://127.0.0.1:{port}/big")
        stage.same_file(stage.home / "www/big", stage.home / "copy")
    stage.run("curl", "-sSf", "-o", stage.home / "copy", "--socks5", "127.0.0.1:8003",
              "http://127.0.0.1:8000/big")
    stage.same_file(stage.home / "www/big", stage.home / "copy")
    shared = stage.run("ssh", *options(stage), *control, "root@127.0.0.1", "echo over it")
    stage.equal("shared connection", shared, "over it\n")
    stage.run("ssh", *options(stage), *control, "-O", "exit", "root@127.0.0.1")
    tunnel.wait()
    wait_until(lambda: not stage.listens(8002), "the far end stops listening")
    web.end(signal.SIGINT, [0, -2, 1, 130])
    server.end()
    stage.closed(22, 8000, 8001, 8002, 8003)
