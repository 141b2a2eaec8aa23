# SPDX-License-Identifier: LGPL-2.1-or-later
"""stunnel: TLS in front of a server and in front of its client, threads for both."""

import signal

from stage import PATIENCE, needs

CONFIGURATION = """
foreground = yes
syslog = no
pid =
debug = notice
cert = {home}/cert.pem
key = {home}/key.pem
[in]
accept = 127.0.0.1:7002
connect = 127.0.0.1:7003
[out]
client = yes
accept = 127.0.0.1:7001
connect = 127.0.0.1:7002
verifyChain = yes
CAfile = {home}/cert.pem
"""


@needs("stunnel4", "openssl", "socat")
def scenario_stunnel(stage):
    stage.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
              "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem",
              rules=False)
    big = stage.noise("big", 10_000_000)
    wanted = stage.run("sha256sum", big, rules=False).split()[0]
    echo = stage.start("socat", "TCP4-LISTEN:7003,bind=127.0.0.1,reuseaddr,fork",
                       "SYSTEM:head -c 10000000 | sha256sum", port=7003)
    path = stage.file("stunnel.conf", CONFIGURATION.format(home=stage.home))
    server = stage.start("stunnel4", path, port=7001)
    for _ in range(3):
        with open(big, "rb") as content:
            output = stage.run("socat", "-t", str(PATIENCE), "-", "TCP4:127.0.0.1:7001",
                               stdin=content)
        stage.matches(output, rf"^{wanted} ")
    server.says(r"accepted connection from 127\.0\.0\.1:[1-9]\d+")
    server.says(r"connected remote server from 127\.0\.0\.1:[1-9]\d+")
    server.end(signal.SIGTERM, [0])
    echo.end(signal.SIGTERM, [143, -15])
    stage.closed(7001, 7002, 7003)
