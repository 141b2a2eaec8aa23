# SPDX-License-Identifier: LGPL-2.1-or-later
"""TFTP: a transfer has a socket of its own on the server's side, which the client then talks to."""

import signal

from stage import needs

SIZE = 1_000_000


def curl(stage, port=69):
    stage.run("curl", "-sSf", "-o", stage.home / "copy", f"tftp://127.0.0.1:{port}/big")
    stage.same_file(stage.home / "files/big", stage.home / "copy")


def tftp(stage, *options):
    """The client of tftp-hpa, by blocks of its own size; both ways."""
    stage.run("tftp", "-m", "binary", *options, "127.0.0.1", "-c", "get", "big",
              stage.home / "copy")
    stage.same_file(stage.home / "files/big", stage.home / "copy")


def tftp_put(stage, *options):
    stage.run("tftp", "-m", "binary", *options, "127.0.0.1", "-c", "put", stage.home / "files/big",
              "sent")
    stage.same_file(stage.home / "files/big", stage.home / "files/sent")
    (stage.home / "files/sent").unlink()


def atftp(stage, *options):
    stage.run("atftp", *options, "-g", "-r", "big", "-l", stage.home / "copy", "127.0.0.1")
    stage.same_file(stage.home / "files/big", stage.home / "copy")


def files(stage, user=None):
    stage.directory("files", user)
    stage.noise("files/big", SIZE)


@needs("/usr/sbin/in.tftpd", "tftp", "atftp", "curl")
def scenario_tftpd_hpa(stage):
    """Its child changes root and user before it binds and connects: names must be abstract."""
    stage.go_datagram()
    stage.go_abstract()
    files(stage, "nobody")
    server = stage.start("in.tftpd", "--ipv4", "--foreground", "--address", ":69", "--secure",
                         "--create", "--permissive", "--user", "nobody", "--verbosity", "4",
                         stage.home / "files", udp=69)
    for options in (["--option", "blksize 1428"], ["--option", "blksize 16384"]):
        atftp(stage, *options)
    tftp(stage)
    tftp_put(stage)
    curl(stage)
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(udp=(69,))


@needs("/usr/sbin/in.tftpd", "tftp", "atftp", "curl")
def scenario_tftpd_hpa_paths(stage):
    """Without another root, files do."""
    stage.go_datagram()
    files(stage, "nobody")
    server = stage.start("in.tftpd", "--ipv4", "--foreground", "--address", ":69", "--create",
                         "--permissive", "--user", "root", stage.home / "files", udp=69)
    path = stage.home / "files"
    stage.run("curl", "-sSf", "-o", stage.home / "copy", f"tftp://127.0.0.1/{path}/big")
    stage.same_file(path / "big", stage.home / "copy")
    stage.run("tftp", "-m", "binary", "127.0.0.1", "-c", "put", path / "big", path / "sent")
    stage.same_file(path / "big", path / "sent")
    stage.run("atftp", "-g", "-r", path / "big", "-l", stage.home / "copy", "127.0.0.1")
    stage.same_file(path / "big", stage.home / "copy")
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(udp=(69,))


@needs("dnsmasq", "tftp", "atftp", "curl")
def scenario_dnsmasq_tftp(stage):
    """All transfers in one process, each with a socket bound to a port of the kernel's choice."""
    stage.go_datagram()
    files(stage)
    server = stage.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
                         "--pid-file=", "--user=root", "--log-facility=-", "--enable-tftp",
                         f"--tftp-root={stage.home}/files", udp=69)
    curl(stage)
    before = stage.descriptors()
    for options in ([], ["--option", "blksize 1428"]):
        atftp(stage, *options)
    tftp(stage)
    server.says(r"sent /run/apps/files/big to 127\.0\.0\.1")
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM, [0])
    stage.closed(udp=(69,))
