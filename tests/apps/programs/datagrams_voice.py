# SPDX-License-Identifier: LGPL-2.1-or-later
"""Voice: SIP between user agents and over a proxy, and the relays of TURN."""

import re
import signal

from stage import PATIENCE, needs

ADDRESS = r"127\.0\.0\.1"
PORT = r"[1-9]\d{3,4}"


def make_calls(stage, count, *options):
    """So many calls succeed, ten at a time: there is room for more datagrams than they are."""
    table = stage.home / "calls.csv"
    stage.run("sipp", "-sn", "uac", "-i", "127.0.0.1", "-p", "5070", "127.0.0.1:5060", "-m", count,
              "-r", count, "-l", "10", "-d", "50", "-nostdin", "-trace_stat", "-stf", table,
              "-timeout", PATIENCE, *options)
    names, *_, last = table.read_text().splitlines()
    calls = dict(zip(names.split(";"), last.split(";")))
    stage.equal("calls that succeed, and that fail",
                (calls["SuccessfulCall(C)"], calls["FailedCall(C)"]), (str(count), "0"))


@needs("sipp")
def scenario_sipp(stage):
    """Calls between two of them, several at once, each a dialogue of datagrams.

    None of these is sent twice, however long an answer takes: so none may get lost.
    """
    stage.go_datagram()
    server = stage.start("sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", "5060", "-nostdin", "-nr",
                         udp=5060)
    make_calls(stage, 100, "-nr")
    server.end(signal.SIGTERM, [0, 99, -15])
    stage.closed(udp=(5060,))


KAMAILIO = """
debug=2
log_stderror=yes
fork=yes
children=3
auto_aliases=no
disable_tcp=yes
server_header="Server: here"
listen=udp:127.0.0.1:5060
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "textops.so"
request_route {
        xlog("L_WARN", "seen $rm from $si:$sp at $Ri:$Rp\\n");
        if (is_method("OPTIONS")) { sl_send_reply("200", "Here"); exit; }
        if (is_method("REGISTER")) { save("location"); exit; }
        $ru = "sip:service@127.0.0.1:5080";
        t_relay();
}
"""


@needs("kamailio", "sipsak", "sipp")
def scenario_kamailio(stage):
    """Processes that share one socket pass calls on, from the port that they listen on."""
    stage.go_datagram()
    callee = stage.start("sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", "5080", "-nostdin",
                         udp=5080)
    proxy = stage.start("kamailio", "-DD", "-E", "-f", stage.file("kamailio.cfg", KAMAILIO), "-w",
                        stage.home, "-Y", stage.home, "-P", stage.home / "kamailio.pid",
                        "-m", "64", "-M", "8", udp=5060)
    stage.run("sipsak", "-s", "sip:here@127.0.0.1:5060")
    stage.run("sipsak", "-U", "-x", "60", "-C", "sip:me@127.0.0.1:7000", "-s",
              "sip:me@127.0.0.1:5060")
    make_calls(stage, 50)
    proxy.says(rf"seen OPTIONS from {ADDRESS}:{PORT} at {ADDRESS}:5060")
    proxy.says(rf"seen INVITE from {ADDRESS}:{PORT} at {ADDRESS}:5060")
    proxy.end(signal.SIGTERM, [0])
    callee.end(signal.SIGTERM, [0, 99, -15])
    stage.closed(udp=(5060, 5080))


@needs("turnserver", "turnutils_uclient", "turnutils_stunclient", "turnutils_peer")
def scenario_coturn(stage):
    """Each client gets a socket of the server's, by which others reach it."""
    stage.go_datagram()
    server = stage.start("turnserver", "-n", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", "3478",
                         "--no-tls", "--no-dtls", "--no-tcp", "--no-tcp-relay", "--no-cli",
                         "--lt-cred-mech", "-u", "me:secret", "-r", "here", "--log-file=stdout",
                         "--simple-log", "-m", "1", "--allow-loopback-peers", "--db",
                         stage.home / "turn.db", "--pidfile", stage.home / "turn.pid", "-v",
                         udp=3478)
    peer = stage.start("turnutils_peer", "-L", "127.0.0.1", "-p", "3480", udp=3480)
    output = stage.run("turnutils_stunclient", "-p", "3478", "127.0.0.1")
    stage.matches(output, rf"UDP reflexive addr: {ADDRESS}:{PORT}")
    # The client binds another socket to the port that it has been given.
    named = f"in,udp,path={stage.sockets}/udp-%p.sock"
    for options in (["-e", "127.0.0.1", "-r", "3480"], ["-y"], ["-y", "-s"]):
        output = stage.run("turnutils_uclient", "-u", "me", "-w", "secret", "-n", "20", "-m", "4",
                           "-l", "500", "-p", "3478", "-c", *options, "127.0.0.1",
                           rules=[named, stage.rule])
        sent, got = (int(number) for number in re.findall(
            r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output)[-1])
        stage.equal(f"answers with {options}", got, sent)
        stage.check(sent >= 80, output)
        stage.matches(output, r"Total lost packets 0 ")
    peer.end(signal.SIGTERM, [0, -15])
    server.end(signal.SIGTERM, [0, -15])
    stage.stale(udp=(3478, 3480))
    stage.forget_files()
