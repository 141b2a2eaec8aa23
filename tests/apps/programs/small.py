# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small servers and tools: memcached, iperf3, OpenSSL, socat, netcat, inetd, MQTT, perl."""

import json
import signal

from stage import PATIENCE, needs, wait_until


@needs("memcached", "memccp", "memccat")
def scenario_memcached(stage):
    """Four threads; connections are dispatched by the first."""
    server = stage.start("memcached", "-u", "root", "-l", "127.0.0.1", "-p", "11211", "-U", "0",
                         "-t", "4", port=11211)
    stage.run("memcping", "--servers=127.0.0.1:11211")
    before = stage.descriptors()
    for number in range(10):
        path = stage.noise(f"value-{number}", 500_000)
        stage.run("memccp", "--servers=127.0.0.1:11211", path)
        got = stage.run("memccat", "--servers=127.0.0.1:11211", path.name, text=False)
        stage.check(got == path.read_bytes() + b"\n", f"{path.name} comes back otherwise")
    stage.matches(stage.run("memcstat", "--servers=127.0.0.1:11211"), r"cmd_set: 10")
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM, [0])
    stage.closed(11211)


def measure(stage, *options):
    """What iperf3 has measured. Its server takes a moment to see that the client before has gone."""
    results = []

    def measured():
        output = stage.run("iperf3", "-c", "127.0.0.1", "-p", "5201", "-J", *options, status=None)
        results.append(json.loads(output))
        return "busy" not in results[-1].get("error", "")

    wait_until(measured, "iperf3's server is busy")
    stage.check("error" not in results[-1], results[-1].get("error"))
    return results[-1]


@needs("iperf3")
def scenario_iperf3(stage):
    """Parallel streams, both directions, and what TCP_INFO and TCP_MAXSEG say."""
    server = stage.start("iperf3", "-s", "-B", "127.0.0.1", "-p", "5201", port=5201)
    measure(stage, "-n", "1M")
    before = stage.descriptors()
    for options in ([], ["-R"], ["-P", "4"], ["--bidir"], ["-Z"],
                    ["-w", "128K", "-N", "-M", "1400"]):
        result = measure(stage, "-n", "20M", *options)
        start = result["start"]
        for connection in start["connected"]:
            stage.equal("remote", (connection["remote_host"], connection["remote_port"]),
                        ("127.0.0.1", 5201))
            stage.check(connection["local_host"] == "127.0.0.1"
                        and connection["local_port"] > 1024, connection)
        # With several streams, the first that has sent its part ends the others.
        stage.check(result["end"]["sum_sent"]["bytes"] >= 5_000_000, "bytes got lost")
    server.says(r"Accepted connection from 127\.0\.0\.1, port [1-9]\d+")
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM, [0, 1, -15])
    stage.closed(5201)


@needs("openssl", "curl")
def scenario_openssl_tls(stage):
    stage.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
              "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
              "-keyout", "key.pem", "-out", "cert.pem", rules=False)
    stage.noise("big", 10_000_000)
    server = stage.start("openssl", "s_server", "-accept", "127.0.0.1:443", "-WWW", "-key",
                         "key.pem", "-cert", "cert.pem", port=443)
    for _ in range(3):
        stage.run("curl", "-sSf", "--http0.9", "--cacert", "cert.pem", "-o", stage.home / "copy",
                  "https://127.0.0.1/big")
        stage.same_file(stage.home / "big", stage.home / "copy")
    output = stage.run("openssl", "s_client", "-connect", "127.0.0.1:443", "-CAfile", "cert.pem",
                       "-verify_return_error")
    stage.matches(output, r"Verify return code: 0 \(ok\)")
    server.end(signal.SIGTERM, [-15])
    stage.stale(443)


@needs("socat")
def scenario_socat_between(stage):
    """A listener that forks, and an IPv6 connection behind it."""
    big = stage.noise("big", 20_000_000)
    last = stage.start("socat", "TCP6-LISTEN:7001,bind=[::1],reuseaddr,fork",
                       'SYSTEM:echo $SOCAT_PEERADDR $SOCAT_PEERPORT $SOCAT_SOCKPORT; sha256sum',
                       port=7001)
    first = stage.start("socat", "TCP4-LISTEN:7000,bind=127.0.0.1,reuseaddr,fork,nodelay,keepalive",
                        "TCP6:[::1]:7001", port=7000)
    wanted = stage.run("sha256sum", big, rules=False).split()[0]
    for _ in range(3):
        with open(big, "rb") as content:
            output = stage.run("socat", "-t", str(PATIENCE), "-", "TCP4:127.0.0.1:7000",
                               stdin=content)
        peer = r"^\[?(::1|0000:0000:0000:0000:0000:0000:0000:0001)\]? [1-9]\d+ 7001$"
        stage.matches(output, peer)
        stage.matches(output, rf"^{wanted} ")
    first.end(signal.SIGTERM, [143, -15])
    last.end(signal.SIGTERM, [143, -15])
    stage.closed(7000, 7001)


@needs("nc.openbsd")
def scenario_netcat(stage):
    """One connection at a time, scanning of ports, and a source port of one's own."""
    server = stage.start("nc.openbsd", "-l", "-k", "-n", "-v", "127.0.0.1", "7000", port=7000)
    stage.run("nc.openbsd", "-N", "127.0.0.1", "7000", input="hello\n")
    stage.run("nc.openbsd", "-N", "-p", "7777", "127.0.0.1", "7000", input="bound\n")
    server.says("hello\n(.*\n)*.*bound")
    server.says(r"Connection received on 127\.0\.0\.1 [1-9]\d+")
    scan = stage.run("nc.openbsd", "-z", "-v", "-n", "127.0.0.1", "7000-7002", status=None)
    stage.matches(scan, "127.0.0.1 7000 port.*succeeded")
    stage.matches(scan, "7001.*refused")
    server.end(signal.SIGTERM, [-15])
    stage.stale(7000)


@needs("/usr/sbin/inetd", "socat")
def scenario_inetd(stage):
    """The connection becomes another program's standard streams; it asks for its peer there."""
    script = stage.file("who.py", """#!/usr/bin/python3
import socket, sys
s = socket.socket(fileno=0)
print(s.family.name, *s.getpeername()[:2], *s.getsockname()[:2])
""", 0o755)
    path = stage.file("inetd.conf", f"127.0.0.1:7000 stream tcp nowait root {script} who.py\n")
    server = stage.start("/usr/sbin/inetd", "-i", path, port=7000)
    for _ in range(3):
        answer = stage.run("socat", "-t", str(PATIENCE), "-", "TCP4:127.0.0.1:7000")
        stage.matches(answer, r"^AF_INET 127\.0\.0\.1 [1-9]\d{3,4} 127\.0\.0\.1 7000$")
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(7000)


@needs("mosquitto", "mosquitto_pub", "mosquitto_sub")
def scenario_mosquitto(stage):
    path = stage.file("mosquitto.conf",
                      "listener 1883 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest stderr\n")
    server = stage.start("mosquitto", "-c", path, port=1883)
    # Retained, so that nobody is too late for it.
    stage.run("mosquitto_pub", "-h", "127.0.0.1", "-t", "news", "-r", "-s", input="x" * 1_000_000)
    hears = stage.start("mosquitto_sub", "-h", "127.0.0.1", "-t", "news", "-C", "2")
    hears.says("x{1000000}\n")
    stage.run("mosquitto_pub", "-h", "127.0.0.1", "-t", "news", "-m", "hello")
    hears.says("hello")
    stage.equal("mosquitto_sub's exit status", hears.wait(), 0)
    server.says(r"New client connected from 127\.0\.0\.1:[1-9]\d+ as ")
    server.end(signal.SIGTERM, [0])
    stage.closed(1883)


PERL_SERVER = """
use HTTP::Daemon; use Digest::SHA 'sha256_hex';
$SIG{TERM} = sub { exit 0 };
my $server = HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => 8000, ReuseAddr => 1)
    or die $!;
while (my $c = $server->accept) {
    while (my $request = $c->get_request) {
        my $text = join ' ', $c->peerhost, $c->peerport, $c->sockhost, $c->sockport,
            sha256_hex($request->content);
        $c->send_response(HTTP::Response->new(200, 'OK', ['Content-Length', length $text], $text));
    }
    $c->close;
}
"""

PERL_CLIENT = """
use strict; use HTTP::Tiny; use IO::Socket::INET; use Digest::SHA 'sha256_hex';
my $body = join '', map { chr(($_ * 7919) % 251) } 1 .. 1000000;
for (1 .. 3) {
    my $answer = HTTP::Tiny->new->post('http://127.0.0.1:8000/', {content => $body});
    die $answer->{content} unless $answer->{success};
    die 'what arrived is not what was sent' unless $answer->{content} =~ sha256_hex($body);
    print "$answer->{content}\\n";
}
my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1:8000', Timeout => 60) or die $@;
print join(' ', $s->peerhost, $s->peerport, $s->sockhost, $s->sockport > 1024), "\\n";
IO::Socket::INET->new(PeerAddr => '127.0.0.1:9', Timeout => 60) and die;
print $! + 0, "\\n";
"""


@needs("perl", "/usr/share/perl5/HTTP/Daemon.pm")
def scenario_perl(stage):
    server = stage.start("perl", stage.file("server.pl", PERL_SERVER), port=8000)
    output = stage.run("perl", stage.file("client.pl", PERL_CLIENT))
    stage.matches(output, r"^127\.0\.0\.1 [1-9]\d{3,4} 127\.0\.0\.1 8000 [0-9a-f]{64}$")
    stage.matches(output, r"^127\.0\.0\.1 8000 127\.0\.0\.1 1$")
    stage.matches(output, r"^111$")
    server.end(signal.SIGTERM, [0])
    stage.closed(8000)
