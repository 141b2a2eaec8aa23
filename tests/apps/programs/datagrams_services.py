# SPDX-License-Identifier: LGPL-2.1-or-later
"""Services made of datagrams: logs, network management, time, accounts, statistics, RPC."""

import re
import signal

from stage import PATIENCE, needs, wait_until

ADDRESS = r"127\.0\.0\.1"
PORT = r"[1-9]\d{3,4}"

RSYSLOG = """
global(workDirectory="{home}" net.permitACLWarning="off")
module(load="imudp" threads="2" timeRequery="2")
template(name="seen" type="string" string="%fromhost-ip% %rawmsg-after-pri%\\n")
ruleset(name="all") {{ action(type="omfile" file="{home}/messages" template="seen") }}
input(type="imudp" address="127.0.0.1" port="514" rcvbufSize="4m" ruleset="all")
input(type="imudp" address="::1" port="515" ruleset="all")
"""
PYTHON_LOG = """
import logging, logging.handlers
log = logging.getLogger("python")
log.addHandler(logging.handlers.SysLogHandler(("127.0.0.1", 514)))
for number in range(100):
    log.error("python: number %d", number)
"""
HAPROXY = """
global
        log 127.0.0.1:514 local0
defaults
        mode http
        log global
        timeout connect 60s
        timeout client 60s
        timeout server 60s
frontend front
        bind 127.0.0.1:80
        http-request return status 200 content-type text/plain string "hello"
        log-format "asked for %HU by %ci"
"""


@needs("rsyslogd", "logger", "haproxy", "curl")
def scenario_rsyslog(stage):
    """logger, Python and HAProxy send to it; all messages arrive, and whom they came from."""
    stage.go_datagram()
    path = stage.file("rsyslog.conf", RSYSLOG.format(home=stage.home))
    server = stage.start("rsyslogd", "-n", "-f", path, "-i", "NONE", udp=514)
    wait_until(lambda: stage.listens(515, "udp"), "rsyslogd listens on ::1")
    log = stage.home / "messages"

    def logged(pattern, count=1):
        def arrived():
            text = log.read_text() if log.exists() else ""
            return len(re.findall(pattern, text, re.MULTILINE)) == count
        wait_until(arrived, f"{count} times '{pattern}' in the log")

    stage.run("logger", "-d", "-n", "127.0.0.1", "-P", "514", "-t", "one", "hello")
    logged(rf"^{ADDRESS} .* one .*hello$")
    stage.run("logger", "-d", "-n", "::1", "-P", "515", "-t", "six", "hello")
    logged("^::1 .* six .*hello$")
    stage.run("logger", "-d", "-n", "127.0.0.1", "-P", "514", "-t", "many", "-f",
              stage.file("lines", "".join(f"line {n}\n" for n in range(500))))
    logged(rf"^{ADDRESS} .* many .*line \d+$", 500)
    stage.run("python3", stage.file("log.py", PYTHON_LOG))
    logged(rf"^{ADDRESS} python: number \d+", 100)
    front = stage.start("haproxy", "-db", "-f", stage.file("haproxy.cfg", HAPROXY), port=80)
    for name in ("a", "b", "c"):
        stage.run("curl", "-sSf", f"http://127.0.0.1/{name}")
        logged(rf"^{ADDRESS} .*asked for /{name} by {ADDRESS}$")
    front.end(signal.SIGTERM, [0, 143, -15])
    stage.stale(80)
    server.end(signal.SIGTERM, [0])
    stage.closed(udp=(514, 515))


SNMPD = """
agentaddress udp:127.0.0.1:161,udp6:[::1]:161
rocommunity public
rocommunity6 public
rwcommunity private 127.0.0.1
sysLocation here
sysName example
trap2sink 127.0.0.1:162 public
"""
SNMPTRAPD = """
snmpTrapdAddr udp:127.0.0.1:162
disableAuthorization yes
format1 trap from %b: %v\\n
format2 trap from %b: %v\\n
"""


@needs("/usr/sbin/snmpd", "snmpget", "snmptrap", "/usr/sbin/snmptrapd")
def scenario_snmp(stage):
    """Questions, a walk, a change, and a trap and an inform of two more sockets."""
    stage.go_datagram()
    home = {"SNMP_PERSISTENT_DIR": stage.home / "snmp", "MIBS": "", "SNMPCONFPATH": stage.home}
    traps = stage.start("/usr/sbin/snmptrapd", "-f", "-C", "-n", "-Lo", "-c",
                        stage.file("traps.conf", SNMPTRAPD), env=home, udp=162)
    server = stage.start("/usr/sbin/snmpd", "-f", "-C", "-Lo", "-r", "-c",
                         stage.file("agent.conf", SNMPD), env=home, udp=161)
    traps.says(rf"trap from UDP: \[{ADDRESS}\]:{PORT}")
    ask = ["-v2c", "-t", str(PATIENCE), "-r", "0", "-On"]
    for agent in ("127.0.0.1", "udp6:[::1]:161"):
        answer = stage.run("snmpget", *ask, "-c", "public", agent, ".1.3.6.1.2.1.1.6.0", env=home)
        stage.matches(answer, '"?here"?$')
    for tool in ("snmpwalk", "snmpbulkwalk"):
        walk = stage.run(tool, *ask, "-c", "public", "127.0.0.1", ".1.3.6.1.2.1.1", env=home)
        stage.matches(walk, '"?example"?$')
        stage.check(len(walk.splitlines()) > 20, walk)
    stage.run("snmpset", *ask, "-c", "private", "127.0.0.1", ".1.3.6.1.2.1.1.4.0", "s", "me",
              env=home)
    stage.matches(stage.run("snmpget", *ask, "-c", "public", "127.0.0.1", ".1.3.6.1.2.1.1.4.0",
                            env=home), '"?me"?$')
    stage.run("snmptrap", "-v2c", "-c", "public", "127.0.0.1:162", "", ".1.3.6.1.4.1.8072.2.3.0.1",
              ".1.3.6.1.4.1.8072.2.3.2.1", "i", "4711", env=home)
    traps.says(rf"trap from UDP: \[{ADDRESS}\]:{PORT}->\[{ADDRESS}\]:162.*4711")
    # This one wants an answer.
    stage.run("snmpinform", "-v2c", "-t", str(PATIENCE), "-c", "public", "127.0.0.1:162", "",
              ".1.3.6.1.4.1.8072.2.3.0.1", ".1.3.6.1.4.1.8072.2.3.2.1", "i", "4712", env=home)
    traps.says("4712")
    server.end(signal.SIGTERM, [0])
    traps.end(signal.SIGTERM, [0])
    stage.closed(udp=(161, 162))


CHRONYD = """
{servers}
local stratum 3
allow 127.0.0.1
allow ::1
port {port}
bindaddress 127.0.0.1
cmdport {command}
bindcmdaddress 127.0.0.1
bindcmdaddress {home}/chrony/{port}.sock
driftfile {home}/drift-{port}
pidfile {home}/pid-{port}
"""


@needs("/usr/sbin/chronyd", "chronyc", "ntpdate")
def scenario_chrony(stage):
    """A server of time, one that asks it, a client, and commands over datagrams of both kinds."""
    stage.go_datagram()
    stage.directory("chrony", mode=0o750)

    def start(port, command, servers=""):
        text = CHRONYD.format(home=stage.home, port=port, command=command, servers=servers)
        return stage.start("/usr/sbin/chronyd", "-d", "-x", "-u", "root", "-f",
                           stage.file(f"chrony-{port}.conf", text), udp=port)

    server = start(123, 323)
    second = start(1123, 1323, "server 127.0.0.1 port 123 iburst minpoll 0 maxpoll 0")
    second.says("Selected source 127.0.0.1")
    output = stage.run("ntpdate", "-q", "-p", "1", "127.0.0.1")
    stage.matches(output, r"127\.0\.0\.1.*\bs4\b|stratum 3|s3\b")
    for port in (323, 1323):
        output = stage.run("chronyc", "-n", "-h", "127.0.0.1", "-p", str(port), "-m",
                           "timeout 20000", "tracking")
        stage.matches(output, "^Leap status +: Normal")
    sources = stage.run("chronyc", "-n", "-h", stage.home / "chrony/1123.sock", "ntpdata")
    stage.matches(sources, r"^Remote address +: 127\.0\.0\.1 ")
    stage.matches(sources, r"^Remote port +: 123$")
    stage.matches(sources, r"^Local address +: 127\.0\.0\.1 ")
    stage.matches(sources, "^Total good RX +: [1-9]")
    second.end(signal.SIGTERM, [0])
    server.end(signal.SIGTERM, [0])
    stage.closed(udp=(123, 323, 1123, 1323))


RADIUS = """
prefix = /usr
name = freeradius
libdir = /usr/lib/freeradius
logdir = {home}
run_dir = {home}
db_dir = {home}
confdir = {home}
security {{
        reject_delay = 0
}}
thread pool {{
        start_servers = 3
        max_servers = 8
}}
log {{
        destination = stdout
}}
client here {{
        ipaddr = 127.0.0.1
        secret = testing123
}}
client six {{
        ipv6addr = ::1
        secret = testing123
}}
modules {{
        pap {{
        }}
        always ok {{
                rcode = ok
        }}
}}
server default {{
        listen {{
                type = auth
                ipaddr = 127.0.0.1
                port = 1812
        }}
        listen {{
                type = auth
                ipv6addr = ::1
                port = 1812
        }}
        listen {{
                type = acct
                ipaddr = 127.0.0.1
                port = 1813
        }}
        authorize {{
                update control {{
                        Cleartext-Password := "right"
                }}
                update reply {{
                        Reply-Message := "%{{Packet-Src-IP-Address}} %{{Packet-Src-Port}}"
                }}
                pap
        }}
        authenticate {{
                Auth-Type PAP {{
                        pap
                }}
        }}
        accounting {{
                ok
        }}
}}
"""


@needs("freeradius", "radclient")
def scenario_freeradius(stage):
    """The address asked is told and given by IP_PKTINFO; threads; two families on one port."""
    stage.go_datagram()
    stage.rule = f"path={stage.sockets}/%t-%a-%p.sock"
    stage.file_names["udp"] = "udp-127.0.0.1-{}.sock"
    home = stage.directory("radius")
    stage.file("radius/radiusd.conf", RADIUS.format(home=home))
    server = stage.start("freeradius", "-f", "-d", home, "-D", "/usr/share/freeradius", "-l",
                         "stdout", udp=1812)
    server.says("Ready to process requests")

    def ask(kind, attributes, *options, host="127.0.0.1:1812", status=0):
        return stage.run("radclient", "-x", "-t", str(PATIENCE), "-r", "1", "-D",
                         "/usr/share/freeradius", *options, host, kind, "testing123",
                         input=attributes, status=status)

    output = ask("auth", "User-Name = me, User-Password = right\n")
    stage.matches(output, "Received Access-Accept")
    stage.matches(output, rf'Reply-Message = "{ADDRESS} {PORT}"')
    output = ask("auth", "User-Name = me, User-Password = right\n", host="[::1]:1812")
    stage.matches(output, "Received Access-Accept")
    output = ask("auth", "User-Name = me, User-Password = wrong\n", status=1)
    stage.matches(output, "Received Access-Reject")
    output = ask("acct", "User-Name = me, Acct-Status-Type = Start, Acct-Session-Id = 7\n",
                 host="127.0.0.1:1813")
    stage.matches(output, "Received Accounting-Response")
    output = ask("auth", "User-Name = me, User-Password = right\n", "-c", "200", "-p", "20")
    stage.equal("answers", output.count("Received Access-Accept"), 200)
    server.end(signal.SIGTERM, [0])
    stage.closed(udp=(1812, 1813))


COLLECTD = """
BaseDir "{home}"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Hostname "{host}"
FQDNLookup false
Interval 0.5
LoadPlugin logfile
<Plugin logfile>
        File stderr
</Plugin>
LoadPlugin network
<Plugin network>
        {network}
</Plugin>
{more}
"""
COLLECTD_SERVER = """
LoadPlugin csv
<Plugin csv>
        DataDir "{home}/csv"
</Plugin>
LoadPlugin statsd
<Plugin statsd>
        Host "127.0.0.1"
        Port "8125"
        DeleteSets true
</Plugin>
"""


@needs("/usr/sbin/collectd", "socat")
def scenario_collectd(stage):
    """One collects and sends, the other one receives and writes; statsd's protocol as well."""
    stage.go_datagram()

    def start(host, network, more, **options):
        text = COLLECTD.format(home=stage.home, host=host, network=network,
                               more=more.format(home=stage.home))
        return stage.start("/usr/sbin/collectd", "-f", "-C", stage.file(f"{host}.conf", text),
                           **options)

    server = start("server", 'Listen "127.0.0.1" "25826"', COLLECTD_SERVER, udp=25826)
    client = start("client", 'Server "127.0.0.1" "25826"', "LoadPlugin load\nLoadPlugin uptime")

    def holds(pattern, text=""):
        return any(text in path.read_text() for path in (stage.home / "csv").glob(pattern))

    wait_until(lambda: holds("client/load/load-*"), "the client's values")
    wait_until(lambda: holds("client/uptime/uptime-*"), "the client's other values")
    wait_until(lambda: stage.listens(8125, "udp"), "collectd listens for statsd's protocol")
    for _ in range(10):
        stage.run("socat", "-u", "-", "UDP4-SENDTO:127.0.0.1:8125", input="speed:42|g\n")
    wait_until(lambda: holds("server/statsd/gauge-speed-*", ",42"), "statsd's value")
    for one in (client, server):
        one.end(signal.SIGTERM, [0])
    stage.closed(udp=(25826, 8125))


@needs("rpcbind", "rpcinfo")
def scenario_rpcbind(stage):
    """The client binds a privileged port; the server is another user by then, but answers."""
    stage.go_datagram()
    stage.rule += ",mode=0666"
    server = stage.start("rpcbind", "-f", port=111, udp=111)
    for kind in ("udp", "tcp"):
        output = stage.run("rpcinfo", "-T", kind, "127.0.0.1", "portmapper")
        stage.equal(kind, output.count("ready and waiting"), output.count("program 100000"))
        stage.matches(output, "program 100000 version 2 ready and waiting")
    server.end(signal.SIGTERM, [0, 2, -15])
    stage.stale(111, udp=(111,))


MEMCACHED = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
s.connect(("127.0.0.1", 11211))
def ask(number, command):
    s.send(struct.pack("!4H", number, 0, 1, 0) + command)
    parts = {}
    while True:
        data = s.recv(2000)
        got, index, count, _ = struct.unpack("!4H", data[:8])
        assert got == number, (got, number)
        parts[index] = data[8:]
        if len(parts) == count:
            return b"".join(parts[i] for i in range(count))
assert ask(1, b"set small 0 0 5\\r\\nhello\\r\\n") == b"STORED\\r\\n"
for number in range(2, 500):
    assert ask(number, b"get small\\r\\n") == b"VALUE small 0 5\\r\\nhello\\r\\nEND\\r\\n"
value = b"x" * 9000
t = socket.create_connection(("127.0.0.1", 11211))
t.sendall(b"set big 0 0 9000\\r\\n" + value + b"\\r\\n")
assert t.recv(100) == b"STORED\\r\\n"
assert ask(600, b"get big\\r\\n") == b"VALUE big 0 9000\\r\\n" + value + b"\\r\\nEND\\r\\n"
print("all well")
"""


@needs("memcached")
def scenario_memcached_datagrams(stage):
    """Threads that all wait for the same socket; answers of several datagrams."""
    stage.go_datagram()
    server = stage.start("memcached", "-u", "root", "-l", "127.0.0.1", "-p", "11211", "-U", "11211",
                         "-t", "4", port=11211, udp=11211)
    stage.matches(stage.run("python3", stage.file("ask.py", MEMCACHED)), "^all well$")
    server.end(signal.SIGTERM, [0])
    stage.closed(11211, udp=(11211,))


OPENVPN = """
dev null
proto udp
local 127.0.0.1
{ends}
{side}
ca cert.pem
cert cert.pem
key key.pem
dh none
verb 3
ping 1
ping-restart 20
reneg-sec 2
explicit-exit-notify 1
"""


@needs("openvpn", "openssl")
def scenario_openvpn(stage):
    """Two ends of a tunnel that goes nowhere: they agree on keys, and again after two seconds."""
    stage.go_datagram()
    stage.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
              "-nodes", "-subj", "/CN=both", "-keyout", "key.pem", "-out", "cert.pem", rules=False)
    server = stage.start("openvpn", stage.file("server.conf", OPENVPN.format(
        ends="lport 1194", side="tls-server")), name="server", udp=1194)
    client = stage.start("openvpn", stage.file("client.conf", OPENVPN.format(
        ends="remote 127.0.0.1 1194\nrport 1194\nlport 1195", side="tls-client")), name="client",
                         udp=1195)
    client.says(rf"Peer Connection Initiated with \[AF_INET\]{ADDRESS}:1194")
    server.says(rf"Peer Connection Initiated with \[AF_INET\]{ADDRESS}:{PORT}")
    for one in (client, server):
        wait_until(lambda one=one: one.output().count("Control Channel: ") >= 3, "new keys")
        stage.check("TLS Error" not in one.output(), one.output())
    client.end(signal.SIGTERM, [0])
    server.end(signal.SIGTERM, [0])
    stage.closed(udp=(1194, 1195))
