# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Unmodified UDP servers, from their packaged or a plain unit, plus one rule file that is there at
# boot: started by the first datagram, answering clients of the container's network namespace from a
# private one, with nothing that listens on IP.

# under RULE... -- COMMAND...: run a client under the rules.
under() {
        local rules=()
        while [[ $1 != -- ]]; do
                rules+=(-r "$1")
                shift
        done
        ip2unix "${rules[@]}" "$@" || fail "failed: $*"
}

# datagram_rules NAME PORT [LINE]...: the rule file of a service with one Unix datagram socket.
datagram_rules() {
        rule_file "$1" <<END
[Rules]
Rule=in,udp,port=$2,systemd=main
Rule=in,reject

[Socket main]
ListenDatagram=/run/$1.sock

[Service]
PrivateNetwork=yes
$(printf '%s\n' "${@:3}")
END
}

# --- DNS -----------------------------------------------------------------------------------------

dns_records() {
        local line
        line=$(printf 'x%.0s' {1..200})
        file /etc/dnsmasq.d/records.conf <<END
no-resolv
no-hosts
address=/example.test/192.0.2.7
txt-record=long.test,$line,$line,${line}z
END
}

# Debian's own unit: Type=forking, by a script, 0.0.0.0:53 and [::]:53 for UDP and for TCP.
prepare_dnsmasq() {
        dns_records
        rule_file dnsmasq <<'END'
[Rules]
Rule=in,udp,port=53,systemd=dns-udp
Rule=in,tcp,port=53,systemd=dns-tcp
Rule=in,reject

[Socket dns-udp]
ListenDatagram=/run/dns-udp.sock

[Socket dns-tcp]
ListenStream=/run/dns-tcp.sock

[Service]
PrivateNetwork=yes
END
}

# dig_under OPTION...: what dig prints, under rules for both.
dig_under() {
        under out,udp,port=53,path=/run/dns-udp.sock out,tcp,port=53,path=/run/dns-tcp.sock -- \
                dig +tries=1 +time=$PATIENCE "$@"
}

# A query for example.test IN A, as bytes.
dns_query='\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x04test\x00\x00\x01\x00\x01'

scenario_dnsmasq() {
        local answer
        not_started_since_boot dnsmasq.service
        no_ip_sockets
        equal "answer over UDP" "$(dig_under +short @192.0.2.53 example.test)" 192.0.2.7
        active dnsmasq.service
        has_private_network dnsmasq.service
        answer=$(dig_under +tcp @192.0.2.53 example.test)
        contains "$answer" 192.0.2.7 "(TCP)" "SERVER: 192.0.2.53#53"
        # Longer than 512 bytes: dig is told so, and asks again over TCP.
        answer=$(dig_under +noedns @192.0.2.53 long.test TXT)
        contains "$answer" xxxxx xxxz "(TCP)" "Truncated, retrying in TCP mode"
        equal "answer over UDP in IPv6" "$(dig_under +short @2001:db8::53 example.test)" 192.0.2.7
        no_ip_sockets dnsmasq.service
        # A client that knows Unix sockets, with a file that the user dnsmasq may write to. The last
        # four bytes are the address.
        answer=$(umask 0 && printf '%b' "$dns_query" |
                exchange UNIX-SENDTO:/run/dns-udp.sock,bind=/run/dns-client |
                od -An -v -tx1 | tr -d ' \n')
        matches "$answer" '^1234.*c0000207$'
        is_gone /run/dns-client
        systemctl reload dnsmasq.service
        equal "answer after the reload" "$(dig_under +short @127.0.0.1 example.test)" 192.0.2.7
        systemctl restart dnsmasq.service
        equal "answer after the restart" "$(dig_under +short @127.0.0.1 example.test)" 192.0.2.7
        no_ip_sockets dnsmasq.service
}

# dig binds port 0 before it asks, also where the kernel refuses it a socket of IP.
scenario_dnsmasq_for_locked_clients() {
        local way
        prepare_dnsmasq
        for way in notcp tcp; do
                unit "ask-$way.service" <<END
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/dig +$way +short +tries=1 +time=$PATIENCE @192.0.2.53 example.test
StandardOutput=file:/run/answer-$way
END
                rule_file "ask-$way" <<'END'
[Rules]
Rule=out,udp,port=53,path=/run/dns-udp.sock
Rule=out,tcp,port=53,path=/run/dns-tcp.sock
Rule=out,reject

[Service]
RestrictAddressFamilies=AF_UNIX
END
        done
        reload
        start dnsmasq-dns-udp.socket dnsmasq-dns-tcp.socket
        for way in notcp tcp; do
                systemctl start "ask-$way.service" || fail "dig +$way: $(<"/run/answer-$way")"
                equal "answer to +$way" "$(<"/run/answer-$way")" 192.0.2.7
        done
}

# One name for both: the type of the socket decides.
scenario_dnsmasq_of_one_unit() {
        dns_records
        rule_file dnsmasq <<'END'
[Rules]
Rule=in,port=53,systemd=dns
Rule=in,reject

[Socket dns]
ListenStream=/run/dns-tcp.sock
ListenDatagram=/run/dns-udp.sock

[Service]
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK
END
        reload
        start dnsmasq-dns.socket
        inactive dnsmasq.service
        equal "answer over TCP" "$(dig_under +short +tcp @127.0.0.1 example.test)" 192.0.2.7
        active dnsmasq.service
        equal "answer over UDP" "$(dig_under +short @127.0.0.1 example.test)" 192.0.2.7
        equal "answer over UDP" "$(dig_under +short @127.0.0.1 example.test)" 192.0.2.7
        no_ip_sockets dnsmasq.service
}

# dnsmasq answers what came in by an interface that it knows. PassPacketInfo= makes the kernel note
# the interface of the first datagram, too, which comes before there is a dnsmasq to ask for it. And
# it answers connections to an interface's address and its own port alone: it can't be another port.
scenario_dnsmasq_on_ip() {
        dns_records
        rule_file dnsmasq <<'END'
[Rules]
Rule=in,port=53,systemd=dns
Rule=in,reject

[Socket dns]
ListenStream=127.0.0.1:53
ListenDatagram=127.0.0.1:53
PassPacketInfo=yes

[Service]
PrivateNetwork=yes
END
        echo log-queries >>/etc/dnsmasq.d/records.conf
        reload
        start dnsmasq-dns.socket
        inactive dnsmasq.service
        equal "answer over UDP" 192.0.2.7 \
                "$(dig +tries=1 +time=$PATIENCE -b 127.0.0.2 +short @127.0.0.1 example.test)"
        equal "answer over TCP" 192.0.2.7 \
                "$(dig +tries=1 +time=$PATIENCE -b 127.0.0.3 +short +tcp @127.0.0.1 example.test)"
        listens_only_on dnsmasq.service 127.0.0.1:53
        # It answers connections in processes of their own, which log and end.
        contains "$(journal_of dnsmasq)" "query[A] example.test from 127.0.0.2" \
                "query[A] example.test from 127.0.0.3"
}

# --- syslog --------------------------------------------------------------------------------------

syslog_unit() { # syslog_unit NAME
        file "/etc/$1.conf" <<END
global(workDirectory="/run")
module(load="imudp")
input(type="imudp" port="514")
template(name="line" type="string" string="%fromhost-ip% %syslogtag%%msg%\n")
action(type="omfile" file="/run/$1/messages" template="line")
END
        unit "$1.service" <<END
[Service]
Type=notify
ExecStart=/usr/sbin/rsyslogd -n -iNONE -f /etc/$1.conf
RuntimeDirectory=$1
RuntimeDirectoryPreserve=yes
END
        directory "/run/$1"
}

# received NAME LINE: rsyslog has written it.
received() { wait_until grep -qxsF "$2" "/run/$1/messages"; }

prepare_rsyslog() {
        syslog_unit rsyslog-unix
        datagram_rules rsyslog-unix 514
}

scenario_rsyslog() {
        local last
        not_started_since_boot rsyslog-unix.service
        no_ip_sockets
        under out,udp,port=514,path=/run/rsyslog-unix.sock -- \
                logger --rfc3164 --udp --server 192.0.2.1 --port 514 --tag one first message
        received rsyslog-unix "127.0.0.1 one: first message"
        active rsyslog-unix.service
        has_private_network rsyslog-unix.service
        # A native client, whose socket has no name.
        logger --socket /run/rsyslog-unix.sock --tag two second message
        received rsyslog-unix "127.0.0.1 two: second message"
        # No more at a time than there is room for, should rsyslog not run meanwhile.
        for last in {100..500..100}; do
                seq $((last - 99)) "$last"
                received rsyslog-unix "127.0.0.1 many: $last"
        done | under out,udp,path=/run/rsyslog-unix.sock -- \
                logger --rfc3164 --udp --server 2001:db8::1 --tag many
        equal "messages" "$(grep -c ' many: ' /run/rsyslog-unix/messages)" 500
        no_ip_sockets rsyslog-unix.service
        # What is sent while it does not run starts it again.
        systemctl stop rsyslog-unix.service 2>/dev/null
        logger --socket /run/rsyslog-unix.sock --tag three third message
        received rsyslog-unix "127.0.0.1 three: third message"
}

scenario_rsyslog_on_ip() {
        syslog_unit rsyslog-ip
        ip_datagram_rules rsyslog-ip 514 127.0.0.1:10514
        printf '<13>real: message' | socat - UDP:127.0.0.1:10514,bind=127.0.0.2
        received rsyslog-ip "127.0.0.2 real: message"
        listens_only_on rsyslog-ip.service 127.0.0.1:10514
        logger --rfc3164 --udp --server 127.0.0.1 --port 10514 --tag logger message
        received rsyslog-ip "127.0.0.1 logger: message"
}

# Debian's own unit takes the socket of syslog.socket by itself, into which the journal forwards.
scenario_rsyslog_local() {
        directory /run/rsyslog-local
        file /etc/rsyslog.d/ip2unix-test.conf <<'END'
module(load="imudp")
input(type="imudp" port="514")
template(name="short" type="string" string="%syslogtag%%msg%\n")
action(type="omfile" file="/run/rsyslog-local/messages" template="short")
END
        file /etc/systemd/journald.conf.d/ip2unix-test.conf <<'END'
[Journal]
ForwardToSyslog=yes
END
        systemctl restart systemd-journald.service
        # As "systemctl enable" would.
        link /lib/systemd/system/rsyslog.service /etc/systemd/system/syslog.service
        rule_file rsyslog <<'END'
[Rules]
Rule=in,udp,port=514,systemd=net
Rule=reject

[Socket net]
ListenDatagram=/run/rsyslog-local/net.sock
END
        reload
        start rsyslog-net.socket
        start rsyslog.service
        logger --socket /run/rsyslog-local/net.sock --tag net first message
        received rsyslog-local "net: first message"
        logger --tag local second message
        received rsyslog-local "local: second message"
        no_ip_sockets rsyslog.service
        systemctl stop rsyslog.service syslog.socket
}

# A server that is a client as well: what one receives, it sends on to the other.
scenario_rsyslog_forwards() {
        syslog_unit rsyslog-last
        datagram_rules rsyslog-last 514
        syslog_unit rsyslog-first
        file /etc/rsyslog-first.conf <<'END'
global(workDirectory="/run")
module(load="imudp")
input(type="imudp" port="514")
template(name="forward" type="string" string="<%pri%>%timestamp% host %syslogtag%%msg%, seen")
action(type="omfwd" protocol="udp" target="192.0.2.1" port="1514" template="forward")
END
        datagram_rules rsyslog-first 514
        sed -i '/^\[Rules\]/aRule=out,udp,port=1514,path=/run/rsyslog-last.sock' \
                /etc/ip2unix.d/rsyslog-first.conf
        reload
        start rsyslog-last-main.socket rsyslog-first-main.socket
        logger --socket /run/rsyslog-first.sock --tag one first message
        received rsyslog-last "127.0.0.1 one: first message, seen"
        systemctl restart rsyslog-last.service
        logger --socket /run/rsyslog-first.sock --tag two second message
        received rsyslog-last "127.0.0.1 two: second message, seen"
        active rsyslog-first.service
        no_ip_sockets rsyslog-first.service
        no_ip_sockets rsyslog-last.service
        # It can be answered, though nobody does: from its own network namespace by a hidden file.
        matches "$(find /run -maxdepth 1 -name '.ip2unix-*')" ^/run/
        systemctl stop rsyslog-first.service 2>/dev/null
        equal "files of clients" "$(find /run -maxdepth 1 -name '.ip2unix-*')" ""
}

# --- SNMP ----------------------------------------------------------------------------------------

location=1.3.6.1.2.1.1.6.0

snmp_configuration() {
        file /etc/snmp/snmpd.conf.d/test.conf <<<'sysLocation below the stairs'
        # The packaged configuration sets another one.
        file "$STATE/snmpd.conf" <<<"$(grep -v '^sysLocation' /etc/snmp/snmpd.conf)"
        cat "$STATE/snmpd.conf" >/etc/snmp/snmpd.conf
}

# snmp COMMAND... ADDRESS OID: one of net-snmp's clients. Texts of what objects mean are not there.
snmp() { MIBS='' "$1" -v2c -c public -On -r 0 -t $PATIENCE "${@:2}"; }

snmp_under() {
        MIBS='' under out,udp,port=161,path=/run/snmpd.sock -- \
                "$1" -v2c -c public -On -r 0 -t $PATIENCE "${@:2}"
}

# Debian's own unit: Type=notify, 127.0.0.1:161 and [::1]:161, as a user of its own.
prepare_snmpd() {
        snmp_configuration
        datagram_rules snmpd 161
}

scenario_snmpd() {
        local answers
        not_started_since_boot snmpd.service
        no_ip_sockets
        equal "answer" "$(snmp_under snmpget 192.0.2.1 $location)" \
                ".$location = STRING: \"below the stairs\""
        active snmpd.service
        has_private_network snmpd.service
        answers=$(snmp_under snmpwalk 127.0.0.1 1.3.6.1.2.1.1)
        contains "$answers" ".$location = STRING: \"below the stairs\"" ".1.3.6.1.2.1.1.9.1.4.1 = "
        equal "answers to a bulk walk" "$(wc -l <<<"$answers")" \
                "$(snmp_under snmpbulkwalk 'udp6:[::1]' 1.3.6.1.2.1.1 | wc -l)"
        no_ip_sockets snmpd.service
        systemctl reload snmpd.service
        equal "answer after the reload" "$(snmp_under snmpget 192.0.2.1 $location)" \
                ".$location = STRING: \"below the stairs\""
}

# Who may ask is told by the client's address.
scenario_snmpd_on_ip() {
        snmp_configuration
        echo 'rocommunity secret 127.0.0.2' >>/etc/snmp/snmpd.conf.d/test.conf
        ip_datagram_rules snmpd 161 127.0.0.1:10161
        equal "answer" \
                "$(snmp snmpget -c secret --clientaddr=127.0.0.2 127.0.0.1:10161 $location)" \
                ".$location = STRING: \"below the stairs\""
        listens_only_on snmpd.service 127.0.0.1:10161
        ! snmp snmpget -c secret -t 1 --clientaddr=127.0.0.3 127.0.0.1:10161 $location \
                2>/dev/null || fail "127.0.0.3 was answered, too"
}

# --- interpreters --------------------------------------------------------------------------------

dgram_node_unit() { # dgram_node_unit NAME
        file "/srv/$1.js" <<'END'
const socket = require('dgram').createSocket('udp4')
socket.on('message', (message, sender) => {
    socket.send(`node heard ${message} from ${sender.address}`, sender.port, sender.address)
})
socket.bind(5000)
END
        unit "$1.service" <<<$'[Service]\nExecStart=/usr/bin/node /srv/'"$1.js"
}

prepare_node_dgram() {
        dgram_node_unit node-dgram
        datagram_rules node-dgram 5000 RestrictAddressFamilies=AF_UNIX
}

scenario_node_dgram() {
        not_started_since_boot node-dgram.service
        contains "$(ask_under out,udp,path=/run/node-dgram.sock --connect 192.0.2.1:5000 one two)" \
                "from=192.0.2.1:5000 node heard one from 127.0.0.1" \
                "from=192.0.2.1:5000 node heard two from 127.0.0.1"
        contains "$(ask /run/node-dgram.sock three)" "node heard three from 127.0.0.1"
        has_private_network node-dgram.service
        no_ip_sockets node-dgram.service
}

scenario_node_dgram_on_ip() {
        dgram_node_unit node-dgram-ip
        ip_datagram_rules node-dgram-ip 5000 127.0.0.1:15000
        contains "$(ask --from=127.0.0.2:0 127.0.0.1:15000 one)" "node heard one from 127.0.0.2"
        listens_only_on node-dgram-ip.service 127.0.0.1:15000
}

asyncio_unit() { # asyncio_unit NAME [ADDRESS]
        file "/srv/$1.py" <<'END'
import asyncio

class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        self.transport.sendto(b'asyncio heard %s from %s' % (data, sender[0].encode()), sender)

async def main():
    await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=('::1', 5000))
    await asyncio.Event().wait()

asyncio.run(main())
END
        sed -i "s/'::1'/'${2:-::1}'/" "/srv/$1.py"
        unit "$1.service" <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/'"$1.py"
}

prepare_asyncio_dgram() {
        asyncio_unit asyncio-dgram
        datagram_rules asyncio-dgram 5000 RestrictAddressFamilies=AF_UNIX DynamicUser=yes
}

scenario_asyncio_dgram() {
        not_started_since_boot asyncio-dgram.service
        contains "$(ask_under out,udp,path=/run/asyncio-dgram.sock '[2001:db8::1]:5000' one two)" \
                "from=[2001:db8::1]:5000 asyncio heard one from ::1" \
                "from=[2001:db8::1]:5000 asyncio heard two from ::1"
        contains "$(ask /run/asyncio-dgram.sock three)" "asyncio heard three from ::1"
        has_private_network asyncio-dgram.service
        no_ip_sockets asyncio-dgram.service
}

scenario_asyncio_dgram_on_ip() {
        asyncio_unit asyncio-dgram-ip 127.0.0.1
        ip_datagram_rules asyncio-dgram-ip 5000 127.0.0.1:15000
        contains "$(ask --from=127.0.0.2:5353 127.0.0.1:15000 one)" \
                "asyncio heard one from 127.0.0.2"
        listens_only_on asyncio-dgram-ip.service 127.0.0.1:15000
}
