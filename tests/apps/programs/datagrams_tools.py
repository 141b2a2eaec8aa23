# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tools that send and receive datagrams: socat, netcat, ncat, the shell, iperf3, DTLS, mosh."""

import json
import re
import signal

from kernel import processes
from stage import needs, wait_until

ADDRESS = r"127\.0\.0\.1"
PORT = r"[1-9]\d{3,4}"


@needs("socat")
def scenario_socat_datagrams(stage):
    """A child for each client, with a socket connected to it, and one for each datagram."""
    stage.go_datagram()
    talk = stage.start("socat", "UDP4-LISTEN:7000,bind=127.0.0.1,reuseaddr,fork",
                       "SYSTEM:echo $SOCAT_PEERADDR $SOCAT_PEERPORT $SOCAT_SOCKPORT; cat", udp=7000)
    each = stage.start("socat", "UDP6-RECVFROM:7001,bind=[::1],reuseaddr,fork",
                       "SYSTEM:echo $SOCAT_PEERADDR $SOCAT_PEERPORT; cat", udp=7001)
    catches = stage.start("socat", "-u", "-b", "30000", "UDP4-RECV:7002,bind=127.0.0.1",
                          "CREATE:caught", udp=7002)
    for _ in range(3):
        output = stage.talk("socat", "-", "UDP4:127.0.0.1:7000", lines=[("hello\n", "^hello$")])
        stage.matches(output, rf"^{ADDRESS} {PORT} 7000$")
        output = stage.talk("socat", "-", "UDP6-SENDTO:[::1]:7001", lines=[("hello\n", "^hello$")])
        stage.matches(output, rf"^\[0000(:0000){{6}}:0001\] {PORT}$")
    for port in range(6001, 6021):
        stage.run("socat", "-u", "-b", "30000", "-",
                  f"UDP4-SENDTO:127.0.0.1:7002,bind=127.0.0.1:{port}", input="x" * 20_000)
    wait_until(lambda: (stage.home / "caught").stat().st_size == 400_000, "all has arrived")
    for server, port in ((talk, 7000), (each, 7001), (catches, 7002)):
        # With the children, who do not know that their clients have gone.
        server.end(signal.SIGTERM, [143, -15], group=True)
        stage.closed(udp=(port,))


@needs("socat", "ip")
def scenario_socat_groups(stage):
    """A multicast group that is joined, and the broadcast address: under rules, a socket as any."""
    stage.go_datagram()
    stage.run("ip", "route", "add", "239.0.0.0/8", "dev", "lo", rules=False)
    for port, join, send in (
            (7000, ",ip-add-membership=239.1.2.3:127.0.0.1", "239.1.2.3:7000,ip-multicast-ttl=1"),
            (7001, "", "127.255.255.255:7001,broadcast")):
        server = stage.start("socat", "-u", f"UDP4-RECVFROM:{port},reuseaddr,fork{join}",
                             "SYSTEM:echo from $SOCAT_PEERADDR; cat", udp=port)
        for number in range(3):
            stage.run("socat", "-u", "-", f"UDP4-DATAGRAM:{send}", input=f"hello {number}\n")
            server.says(rf"from [\d.]+\nhello {number}\n")
        server.end(signal.SIGTERM, [143, -15])
        stage.closed(udp=(port,))


@needs("nc.openbsd")
def scenario_netcat_datagrams(stage):
    """A server that takes the first one's address for its peer; a scan, which sees closed ports."""
    stage.go_datagram()
    server = stage.start("nc.openbsd", "-u", "-l", "-n", "-v", "127.0.0.1", "7000", udp=7000)
    stage.run("nc.openbsd", "-u", "-w", "1", "127.0.0.1", "7000", input="hello\n")
    server.says("hello")
    server.says(rf"Connection received on {ADDRESS} {PORT}")
    server.end(signal.SIGTERM, [-15])
    stage.stale(udp=(7000,))
    many = stage.start("nc.openbsd", "-u", "-k", "-l", "-n", "127.0.0.1", "7000", udp=7000)
    for number in range(5):
        stage.run("nc.openbsd", "-u", "-w", "1", "127.0.0.1", "7000", input=f"hello {number}\n")
    many.says("hello 0\nhello 1\nhello 2\nhello 3\nhello 4\n")
    scan = stage.run("nc.openbsd", "-u", "-z", "-v", "-n", "127.0.0.1", "7000-7002", status=None)
    stage.matches(scan, "127.0.0.1 7000 port.*succeeded")
    stage.check("7001" not in scan and "7002" not in scan, scan)
    many.end(signal.SIGTERM, [-15])
    stage.stale(udp=(7000,))


@needs("ncat")
def scenario_ncat_datagrams(stage):
    """A process for each client; it looks for its peer by MSG_PEEK."""
    stage.go_datagram()
    script = "read line; echo $NCAT_REMOTE_ADDR $NCAT_REMOTE_PORT $NCAT_LOCAL_PORT $line"
    server = stage.start("ncat", "-u", "-l", "-k", "-v", "-n", "-c", script, "127.0.0.1", "7000",
                         udp=7000)
    for number in range(3):
        stage.talk("ncat", "-u", "-n", "127.0.0.1", "7000",
                   lines=[(f"hello {number}\n", rf"^{ADDRESS} {PORT} 7000 hello {number}$")])
    server.end(signal.SIGTERM, [-15])
    stage.stale(udp=(7000,))


@needs("bash", "socat")
def scenario_bash_datagrams(stage):
    """The shell's own connected sockets, also in the hands of a child; and nobody there."""
    stage.go_datagram()
    server = stage.start("socat", "UDP4-RECVFROM:7000,bind=127.0.0.1,fork", "EXEC:tr a-z A-Z",
                         udp=7000)
    script = """
        exec 3<>/dev/udp/127.0.0.1/7000
        for word in one two three; do
                printf %s $word >&3
                timeout 60 dd bs=100 count=1 status=none <&3; echo
        done
        exec 3>&-
        exec 3<>/dev/udp/127.0.0.1/9
        echo lost >&3
        echo refused >&3 || echo refused
    """
    output = stage.run("bash", "-c", script)
    stage.equal("answers", re.findall("^[a-zA-Z]+$", output, re.MULTILINE),
                ["ONE", "TWO", "THREE", "refused"])
    server.end(signal.SIGTERM, [143, -15])
    stage.closed(udp=(7000,))


@needs("iperf3")
def scenario_iperf3_datagrams(stage):
    """A first datagram each way, then a connected socket for each stream; both directions."""
    stage.go_datagram()
    server = stage.start("iperf3", "-s", "-B", "127.0.0.1", "-p", "5201", port=5201)
    for options in ([], ["-R"], ["-P", "3"], ["--bidir"]):
        results = []

        def measured(options=options, results=results):
            results.append(json.loads(stage.run(
                "iperf3", "-c", "127.0.0.1", "-p", "5201", "-u", "-J", "-b", "20M", "-n", "2M",
                *options, status=None)))
            if "busy" in results[-1].get("error", ""):
                return False
            stage.check("error" not in results[-1], results[-1].get("error"))
            # Whoever may not run while they arrive loses what there is no room for.
            return results[-1]["end"]["sum"]["lost_percent"] < 20

        wait_until(measured, "iperf3's server is busy, or most is lost")
        end = results[-1]["end"]
        stage.check(end["sum"]["bytes"] >= 1_500_000, end["sum"])
        for connection in results[-1]["start"]["connected"]:
            stage.equal("remote", (connection["remote_host"], connection["remote_port"]),
                        ("127.0.0.1", 5201))
            stage.check(connection["local_port"] > 1024, connection)
    server.says(rf"local {ADDRESS} port 5201 connected to {ADDRESS} port {PORT}")
    server.end(signal.SIGTERM, [0, 1, -15])
    stage.closed(5201, udp=(5201,))


@needs("gnutls-serv", "gnutls-cli", "openssl")
def scenario_dtls(stage):
    """Handshakes in datagrams of a limited size: one socket for all clients, which it peeks at."""
    stage.go_datagram()
    stage.run("openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-subj", "/CN=localhost",
              "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem",
              rules=False)
    server = stage.start("gnutls-serv", "--udp", "--echo", "-p", "4433", "--mtu=1400",
                         "--x509keyfile=key.pem", "--x509certfile=cert.pem", udp=4433)
    for mtu in (1400, 500):
        output = stage.talk("gnutls-cli", "--udp", f"--mtu={mtu}", "--x509cafile=cert.pem", "-p",
                            "4433", "127.0.0.1", lines=[("hello\n", "^hello$")])
        stage.matches(output, "^- Status: The certificate is trusted")
        output = stage.talk("openssl", "s_client", "-dtls", "-mtu", mtu, "-CAfile", "cert.pem",
                            "-verify_return_error", "-nbio", "-connect", "127.0.0.1:4433",
                            lines=[("hello\n", "^hello$")])
        stage.matches(output, "Verification: OK")
    stage.equal("lines heard", server.output().count("hello"), 4)
    server.end(signal.SIGTERM, [1])
    stage.closed(udp=(4433,))


@needs("coap-server-notls", "coap-client-notls")
def scenario_coap(stage):
    """Blocks of a large resource, an observed one, and IP_PKTINFO both ways."""
    stage.go_datagram()
    server = stage.start("coap-server-notls", "-A", "127.0.0.1", "-d", "10", "-v", "4", udp=5683)
    stage.matches(stage.run("coap-client-notls", "-m", "get", "coap://127.0.0.1/"), "libcoap")
    big = stage.noise("big", 20_000)
    stage.run("coap-client-notls", "-m", "put", "-b", "512", "-f", big, "coap://127.0.0.1/big")
    stage.run("coap-client-notls", "-m", "get", "-b", "512", "-o", stage.home / "copy",
              "coap://127.0.0.1/big")
    stage.same_file(big, stage.home / "copy")

    def observed():
        seen = stage.run("coap-client-notls", "-m", "get", "-s", "3", "coap://127.0.0.1/time")
        return len(re.findall(r"\d\d:\d\d:\d\d", seen)) >= 2

    wait_until(observed, "the time is told more than once")
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(udp=(5683,))


@needs("mosh-server", "mosh-client", "script")
def scenario_mosh(stage):
    """A terminal over datagrams; the client takes a new socket when it hears nothing for long."""
    stage.go_datagram()
    told = stage.run("mosh-server", "new", "-i", "127.0.0.1", "-p", "60001", "-l", "LANG=C.UTF-8",
                     "--", "sh", "-c",
                     "echo $((20 + 3)) begun; read line; echo got:$line; read end",
                     env={"TERM": "xterm"})
    key = stage.matches(told, r"MOSH CONNECT 60001 (\S+)")[1]
    server = processes()
    stage.talk("script", "-qec", "stty rows 24 cols 80; mosh-client 127.0.0.1 60001", "/dev/null",
               env={"TERM": "xterm", "MOSH_KEY": key},
               lines=[("", "23 begun"), ("typed\n", "got:typed"), ("end\n", "mosh is exiting")])
    wait_until(lambda: not [p for p in server if p in processes()], "mosh-server ends")
    stage.closed(udp=(60001,))
