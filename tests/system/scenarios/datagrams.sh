# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Services whose datagram sockets systemd opens: on Unix paths and abstract names, one and several.

ECHO=$PROGRAMS/echo.py

# echo_unit NAME ARGUMENT...: a service that answers datagrams. What is on standard input is added
# to its [Service] section.
echo_unit() {
        local name=$1
        shift
        { printf '[Service]\nType=notify\nExecStart=%s %s\n' "$ECHO" "$*"; cat; } |
                unit "$name.service"
}

# echo_rules NAME [LINE]...: a rule file that serves UDP port 9000 on /run/NAME.sock, and the lines.
echo_rules() {
        local name=$1
        shift
        rule_file "$name" <<END
[Rules]
Rule=in,udp,port=9000,systemd=echo
Rule=in,reject

[Socket echo]
ListenDatagram=/run/$name.sock

$(printf '%s\n' "$@")
END
}

# ask [OPTION]... TARGET TEXT...: native datagrams, see programs/ask.py. Prints the answers.
ask() { "$PROGRAMS/ask.py" "$@" || fail "no answer: ask $*"; }

# ask_under RULE ARGUMENT...: the same, of a program under the rule.
ask_under() { ip2unix -r "$1" "$PROGRAMS/ask.py" "${@:2}" || fail "no answer: ask_under $*"; }

# peers ANSWERS: the addresses that the server saw, one for each answer.
peers() { grep -o 'peer=[^ ]*' <<<"$1"; }

# pids ANSWERS: the processes that answered, each once.
pids() { grep -o 'pid=[0-9]*' <<<"$1" | sort -u; }

# For wait_until.
logged() { [[ $(journal "$1") == *"$2"* ]]; }

# receives UNIT TEXT...: the service gets each of the datagrams.
receives() {
        local unit=$1 text
        shift
        for text; do
                wait_until logged "$unit" "text=$text"
        done
}

# The first datagram starts the service, and is answered.
scenario_datagram_activation() {
        local answers
        echo_unit echo 9000 </dev/null
        echo_rules echo '[Service]' PrivateNetwork=yes
        reload
        start echo-echo.socket
        inactive echo.service
        no_ip_sockets
        answers=$(ask /run/echo.sock hello again)
        contains "$answers" "from=/run/echo.sock asked=9000 socket=0.0.0.0:9000 " \
                " to=127.0.0.1%1 " text=hello text=again
        matches "$answers" ' peer=127\.0\.0\.1:[1-9]'
        equal "peers of one socket" "$(peers "$answers" | sort -u | wc -l)" 1
        contains_not "$(ask /run/echo.sock other)" "$(peers "$answers" | head -n 1) "
        active echo.service
        has_private_network echo.service
        no_ip_sockets echo.service
}

# A client that can't be answered is heard, and does no harm.
scenario_datagram_of_nameless() {
        echo_unit nameless 9000 </dev/null
        echo_rules nameless '[Service]' PrivateNetwork=yes
        reload
        start nameless-echo.socket
        ask --send /run/nameless.sock one two
        receives nameless.service one two
        contains "$(ask /run/nameless.sock three)" text=three
        no_ip_sockets nameless.service
}

# Clients that have names in the file system and abstract ones, also of other users.
scenario_datagram_clients() {
        echo_unit callers 9000 '[::]:9000' </dev/null
        echo_rules callers '[Service]' PrivateNetwork=yes
        sed -i 's/^ListenDatagram.*/&\nSocketMode=0666/' /etc/ip2unix.d/callers.conf
        reload
        start callers-echo.socket
        directory /run/callers
        contains "$(ask --from=/run/callers/own.sock /run/callers.sock file)" text=file
        contains "$(ask --from=@callers-own /run/callers.sock abstract)" text=abstract
        contains "$(ask --connect /run/callers.sock connected)" text=connected
        contains "$(runuser -u nobody -- "$PROGRAMS/ask.py" /run/callers.sock nobody)" text=nobody
        contains "$(echo socat | exchange UNIX-SENDTO:/run/callers.sock,bind=/run/callers/socat)" \
                text=socat
}

scenario_datagram_under_rules() {
        local answers rule=out,udp,port=9000,path=/run/under.sock
        echo_unit under 9000 </dev/null
        echo_rules under '[Service]' PrivateNetwork=yes
        reload
        start under-echo.socket
        inactive under.service
        answers=$(ask_under "$rule" 192.0.2.1:9000 one two)
        contains "$answers" "from=192.0.2.1:9000 asked=9000 " text=one text=two
        equal "peers of one socket" "$(peers "$answers" | sort -u | wc -l)" 1
        contains "$(ask_under "$rule" --connect '[2001:db8::1]:9000' three)" \
                'from=[2001:db8::1]:9000 asked=9000 ' text=three
        contains "$(ask_under "$rule" --from=127.0.0.1:0 127.0.0.1:9000 four)" \
                "from=127.0.0.1:9000 asked=9000 " text=four
        no_ip_sockets under.service
}

# Abstract names belong to the network namespace of process 1, which opens the socket.
scenario_datagram_abstract() {
        echo_unit abstract 9000 </dev/null
        echo_rules abstract '[Service]' PrivateNetwork=yes
        sed -i 's,^ListenDatagram=.*,ListenDatagram=@abstract-echo,' /etc/ip2unix.d/abstract.conf
        reload
        start abstract-echo.socket
        inactive abstract.service
        contains "$(ask @abstract-echo hello)" "from=@abstract-echo asked=9000 " text=hello
        contains "$(ask_under out,udp,abstract=abstract-echo 127.0.0.1:9000 hello)" \
                "from=127.0.0.1:9000 asked=9000 " text=hello
        no_ip_sockets abstract.service
}

# two_datagram_names NAME PORT...: whichever way round the program binds.
two_datagram_names() {
        local name=$1
        shift
        echo_unit "$name" "$@" </dev/null
        rule_file "$name" <<END
[Rules]
Rule=in,udp,port=9001,systemd=alpha
Rule=in,udp,port=9002,systemd=beta

[Socket alpha]
ListenDatagram=/run/$name-alpha.sock

[Socket beta]
ListenDatagram=/run/$name-beta.sock

[Service]
PrivateNetwork=yes
END
        reload
        start "$name-alpha.socket" "$name-beta.socket"
        contains "$(ask "/run/$name-beta.sock" one)" asked=9002 socket=0.0.0.0:9002
        contains "$(ask "/run/$name-alpha.sock" two)" asked=9001 socket=0.0.0.0:9001
        no_ip_sockets "$name.service"
}

scenario_datagram_names() { two_datagram_names dgram-names 9001 9002; }

scenario_datagram_names_in_other_order() { two_datagram_names dgram-other-order 9002 9001; }

# No names in the rules: each takes the first that no rule names.
scenario_datagram_plain_systemd() {
        echo_unit dgram-unnamed 9001 9002 </dev/null
        rule_file dgram-unnamed <<'END'
[Rules]
Rule=in,udp,port=9002,systemd=named
Rule=in,systemd

[Socket another]
ListenDatagram=/run/dgram-unnamed-another.sock

[Socket named]
ListenDatagram=/run/dgram-unnamed-named.sock
END
        reload
        start dgram-unnamed-another.socket dgram-unnamed-named.socket
        contains "$(ask /run/dgram-unnamed-another.sock one)" asked=9001
        contains "$(ask /run/dgram-unnamed-named.sock two)" asked=9002
        no_ip_sockets dgram-unnamed.service
}

scenario_datagram_listen_lines() {
        echo_unit dgram-lines 9001 9002 9003 </dev/null
        rule_file dgram-lines <<'END'
[Rules]
Rule=in,udp,systemd=echo

[Socket echo]
ListenDatagram=/run/dgram-lines-1.sock
ListenDatagram=@dgram-lines-2
ListenDatagram=/run/dgram-lines-3.sock
END
        reload
        start dgram-lines-echo.socket
        contains "$(ask @dgram-lines-2 one)" asked=9002
        contains "$(ask /run/dgram-lines-1.sock two)" asked=9001
        contains "$(ask /run/dgram-lines-3.sock three)" asked=9003
        no_ip_sockets dgram-lines.service
}

# A second bind by the same rule gets nothing, and nobody can send to it.
scenario_datagram_bound_twice() {
        echo_unit dgram-twice 9000 '[::]:9000' </dev/null
        echo_rules dgram-twice
        reload
        start dgram-twice-echo.socket
        contains "$(ask /run/dgram-twice.sock hello)" asked=9000
        no_ip_sockets dgram-twice.service
}

# What waits in the queue while the service is restarted is answered by the next process.
scenario_datagrams_queued() {
        local before answers client
        echo_unit queued 9000 </dev/null
        echo_rules queued '[Service]' PrivateNetwork=yes
        reload
        start queued-echo.socket
        before=$(pids "$(ask /run/queued.sock first)")
        systemctl kill --signal=STOP queued.service
        ask --send /run/queued.sock one two three four
        ask /run/queued.sock five >"$STATE/answer" &
        client=$!
        sleep 0.2
        equal "answer while the service is stopped" "$(cat "$STATE/answer")" ""
        systemctl restart queued.service
        wait $client
        contains "$(cat "$STATE/answer")" text=five
        receives queued.service one two three four
        answers=$(journal queued.service | grep -v text=first)
        equal "processes that received" "$(pids "$answers")" "pid=$(main_pid queued.service)"
        [[ $(pids "$answers") != "$before" ]] || fail "it was not restarted"
}

# When the service has ended, the next datagram starts it anew.
scenario_datagram_after_stop() {
        local first second
        echo_unit ended 9000 </dev/null
        echo_rules ended '[Service]' PrivateNetwork=yes
        reload
        start ended-echo.socket
        first=$(pids "$(ask /run/ended.sock hello)")
        # systemd says that the socket still triggers it, which is what we want to see.
        systemctl stop ended.service 2>/dev/null
        inactive ended.service
        second=$(pids "$(ask /run/ended.sock hello)")
        [[ $first != "$second" ]] || fail "answered by the same process"
        systemctl kill --signal=KILL ended.service
        wait_until state_is_failed ended.service
        contains "$(ask /run/ended.sock hello)" text=hello
}

# A client under rules goes on through a restart of the server with the socket that it has.
scenario_datagram_client_through_restart() {
        local answers
        echo_unit anew 9000 </dev/null
        echo_rules anew '[Service]' PrivateNetwork=yes
        file /srv/anew.py <<END
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout($PATIENCE)
client.connect(('127.0.0.1', 9000))
for line in sys.stdin:
    client.send(line.strip().encode())
    print(client.recv(1000).decode(), flush=True)
END
        reload
        start anew-echo.socket
        answers=$(
                {
                        echo one
                        receives anew.service one
                        systemctl restart anew.service
                        echo two
                        receives anew.service two
                        systemctl stop anew.service 2>/dev/null
                        echo three
                } | ip2unix -r out,udp,path=/run/anew.sock /usr/bin/python3 /srv/anew.py
        )
        equal "answers" "$(grep -o 'text=.*' <<<"$answers" | paste -sd ' ')" \
                "text=one text=two text=three"
        equal "processes that answered" "$(pids "$answers" | wc -l)" 3
}

# A service that does not read holds nobody up for long: as with UDP, what it can't take is lost.
scenario_datagram_to_stopped_service() {
        echo_unit halted 9000 </dev/null
        echo_rules halted '[Service]' PrivateNetwork=yes
        file /srv/halted.py <<'END'
import socket, sys, time
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == 'connected':
    client.connect(('192.0.2.1', 9000))
begin = time.monotonic()
for i in range(100):
    if sys.argv[1] == 'connected':
        client.send(b'lost')
    else:
        client.sendto(b'lost', ('192.0.2.1', 9000))
seconds = time.monotonic() - begin
print('quick' if seconds < 20 else f'slow: {seconds} seconds')
END
        reload
        start halted-echo.socket
        contains "$(ask_under out,udp,path=/run/halted.sock 192.0.2.1:9000 before)" text=before
        systemctl kill --signal=STOP halted.service
        for how in connected unconnected; do
                equal "$how client" quick "$(under out,udp,path=/run/halted.sock -- \
                        /usr/bin/python3 /srv/halted.py $how)"
        done
        systemctl kill --signal=CONT halted.service
        contains "$(ask_under out,udp,path=/run/halted.sock 192.0.2.1:9000 after)" text=after
}

# A program that closes its sockets and binds them again gets them again.
scenario_datagram_reload() {
        local before round
        echo_unit rebound 9000 <<<'ExecReload=/bin/kill -HUP $MAINPID'
        echo_rules rebound '[Service]' PrivateNetwork=yes
        reload
        start rebound-echo.socket
        before=$(pids "$(ask /run/rebound.sock hello)")
        for round in 2 3 4; do
                systemctl reload rebound.service
                wait_until logged_times rebound.service $round "bound: 9000"
                equal "process" "$(pids "$(ask /run/rebound.sock hello)")" "$before"
        done
        no_ip_sockets rebound.service
}

# The kernel makes no IP sockets at all for the service, and for the client.
scenario_datagram_locked_families() {
        echo_unit dgram-families '[::]:9000' </dev/null
        echo_rules dgram-families '[Service]' PrivateNetwork=yes RestrictAddressFamilies=AF_UNIX
        unit dgram-asker.service <<END
[Service]
Type=oneshot
ExecStart=$PROGRAMS/ask.py 192.0.2.1:9000 hello
ExecStart=$PROGRAMS/ask.py --connect [2001:db8::1]:9000 again
END
        rule_file dgram-asker <<'END'
[Rules]
Rule=out,udp,path=/run/dgram-families.sock

[Service]
RestrictAddressFamilies=AF_UNIX
END
        reload
        start dgram-families-echo.socket
        inactive dgram-families.service
        contains "$(ask /run/dgram-families.sock hello)" 'socket=[::]:9000' 'to=::1%1' 'peer=[::1]:'
        start dgram-asker.service
        contains "$(journal dgram-asker.service)" \
                'from=192.0.2.1:9000 asked=[::]:9000' text=hello \
                'from=[2001:db8::1]:9000 asked=[::]:9000' text=again
        no_ip_sockets dgram-families.service
}

# Each instance on a socket of its own.
scenario_datagram_template() {
        unit dgram-app@.service <<END
[Service]
Type=notify
ExecStart=$ECHO 9000
END
        rule_file dgram-app <<'END'
[Rules]
Unit=dgram-app@.service
Rule=in,udp,systemd=echo

[Socket echo]
ListenDatagram=/run/dgram-app-%i.sock

[Service]
PrivateNetwork=yes
END
        reload
        start dgram-app-echo@one.socket dgram-app-echo@two.socket
        contains "$(ask /run/dgram-app-one.sock hello)" text=hello
        active dgram-app@one.service
        inactive dgram-app@two.service
        contains "$(ask /run/dgram-app-two.sock hello)" "pid=$(main_pid dgram-app@two.service)"
        no_ip_sockets dgram-app@one.service
}

# A service of a user's own manager, and a client of that user.
scenario_datagram_user_manager() {
        local user=ip2unix-dgram home=/home/ip2unix-dgram runtime
        useradd --create-home --home-dir $home $user
        runtime=/run/user/$(id -u $user)
        file $home/.config/systemd/user/mine.service <<END
[Service]
Type=notify
ExecStart=$ECHO 9000
END
        file $home/.config/ip2unix.d/mine.conf <<'END'
[Rules]
Rule=in,udp,port=9000,systemd=echo

[Socket echo]
ListenDatagram=%t/mine.sock
END
        chown -R $user: $home
        trap 'loginctl disable-linger '"$user; systemctl stop user@$(id -u $user)" EXIT
        loginctl enable-linger $user
        TESTER=$user wait_until as_tester systemctl --user is-active -q mine-echo.socket
        contains "$(ask "$runtime/mine.sock" hello)" asked=9000 text=hello
        contains "$(TESTER=$user as_tester ip2unix -r "out,udp,path=$runtime/mine.sock" \
                "$PROGRAMS/ask.py" 192.0.2.1:9000 own)" "from=192.0.2.1:9000 asked=9000 " text=own
        no_ip_sockets
}
