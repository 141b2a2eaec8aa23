# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Services that make their datagram sockets themselves, in a network namespace of their own: what
# abstract names there are to their clients, they can't see.

# echo_path_rules NAME OPTIONS [LINE]...: UDP port 9000 is served on /run/NAME/echo.sock.
echo_path_rules() {
        local name=$1 options=$2
        shift 2
        rule_file "$name" <<END
[Rules]
Rule=in,udp,port=9000,path=/run/$name/echo.sock$options
Rule=in,reject

[Service]
PrivateNetwork=yes
$(printf '%s\n' "$@")
END
}

# nothing_else_in DIRECTORY NAME: that alone is in there.
nothing_else_in() { equal "what is in $1" "$(ls -A "$1")" "$2"; }

# The most that systemd takes away from a service leaves it its runtime directory.
scenario_datagram_path_locked_down() {
        local answers locks directory=/run/dgram-locked rule
        rule=out,udp,port=9000,path=$directory/echo.sock
        mapfile -t locks <<'END'
DynamicUser=yes
RestrictAddressFamilies=AF_UNIX
ProtectSystem=strict
InaccessiblePaths=/tmp /var/tmp
ProtectProc=invisible
ProcSubset=pid
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
END
        echo_unit dgram-locked 9000 <<<'RuntimeDirectory=dgram-locked'
        echo_path_rules dgram-locked ,mode=0666 "${locks[@]}"
        # The client has a directory of its own, for it can't write to the server's.
        unit dgram-locked-client.service <<END
[Service]
Type=oneshot
ExecStart=$PROGRAMS/ask.py 192.0.2.1:9000 one two
ExecStart=$PROGRAMS/ask.py --connect 192.0.2.1:9000 three
RuntimeDirectory=dgram-locked-client
END
        rule_file dgram-locked-client <<END
[Rules]
Rule=$rule

[Service]
PrivateNetwork=yes
$(printf '%s\n' "${locks[@]}")
END
        reload
        start dgram-locked.service
        has_private_network dgram-locked.service
        has_rights $directory/echo.sock "666 dgram-locked dgram-locked"
        start dgram-locked-client.service
        answers=$(journal dgram-locked-client.service)
        contains "$answers" "from=192.0.2.1:9000 asked=9000 socket=0.0.0.0:9000 " \
                text=one text=two text=three
        contains_not "$answers" "ip2unix: "
        nothing_else_in $directory echo.sock
        no_ip_sockets dgram-locked.service
        systemctl stop dgram-locked.service
        is_gone $directory/echo.sock
}

# Clients of the container's network namespace, native ones and some under rules.
scenario_datagram_path_clients() {
        local answers rule=out,udp,path=/run/dgram-path/echo.sock
        directory /run/dgram-path
        echo_unit dgram-path 9000 </dev/null
        echo_path_rules dgram-path ,mode=0666
        reload
        start dgram-path.service
        answers=$(ask --from=/run/dgram-path/own /run/dgram-path/echo.sock one two)
        contains "$answers" "from=/run/dgram-path/echo.sock asked=9000 " text=one text=two
        equal "peers of one socket" "$(peers "$answers" | sort -u | wc -l)" 1
        rm /run/dgram-path/own
        contains "$(echo socat | exchange \
                UNIX-SENDTO:/run/dgram-path/echo.sock,bind=/run/dgram-path/socat)" text=socat
        answers=$(ask_under "$rule" 192.0.2.1:9000 three four)
        contains "$answers" "from=192.0.2.1:9000 asked=9000 " text=three text=four
        equal "peers of one socket" "$(peers "$answers" | sort -u | wc -l)" 1
        contains "$(ask_under "$rule" --connect '[2001:db8::1]:9000' five)" \
                'from=[2001:db8::1]:9000 asked=9000 ' text=five
        nothing_else_in /run/dgram-path echo.sock
        # These can't be answered from there, which is no error to the service.
        ask --send /run/dgram-path/echo.sock nameless
        "$PROGRAMS/ask.py" --hear /run/dgram-path/echo.sock abstract >"$STATE/heard" &
        receives dgram-path.service nameless abstract
        sleep 0.5
        kill $!
        wait $!
        equal "answer from another network namespace" "$(<"$STATE/heard")" ""
        contains "$(ask_under "$rule" 192.0.2.1:9000 six)" text=six
        contains_not "$(journal dgram-path.service)" "ip2unix: "
        no_ip_sockets dgram-path.service
        systemctl stop dgram-path.service
        is_gone /run/dgram-path/echo.sock
}

# A client is named by a rule of its own.
scenario_datagram_path_of_client() {
        directory /run/dgram-named
        echo_unit dgram-named 9000 </dev/null
        echo_path_rules dgram-named ''
        reload
        start dgram-named.service
        contains "$(under in,udp,path=/run/dgram-named/client-%p.sock,mode=0600 \
                out,udp,path=/run/dgram-named/echo.sock -- \
                "$PROGRAMS/ask.py" --from=0.0.0.0:0 192.0.2.1:9000 hello)" \
                "from=192.0.2.1:9000 asked=9000 " text=hello
        nothing_else_in /run/dgram-named echo.sock
}

# The socket of a killed server is replaced, and clients go on without knowing.
scenario_datagram_path_after_kill() {
        local before
        directory /run/dgram-killed
        echo_unit dgram-killed 9000 </dev/null
        echo_path_rules dgram-killed ''
        reload
        start dgram-killed.service
        before=$(pids "$(ask_under out,udp,path=/run/dgram-killed/echo.sock 192.0.2.1:9000 one)")
        systemctl kill --signal=KILL dgram-killed.service
        wait_until state_is_failed dgram-killed.service
        is_socket /run/dgram-killed/echo.sock
        # As UDP tells of a port that nobody has.
        contains "$(ip2unix -r out,udp,path=/run/dgram-killed/echo.sock \
                "$PROGRAMS/ask.py" --connect 192.0.2.1:9000 lost 2>&1 || true)" "Connection refused"
        start dgram-killed.service
        contains_not "$(ask_under out,udp,path=/run/dgram-killed/echo.sock 192.0.2.1:9000 two)" \
                "$before "
        nothing_else_in /run/dgram-killed echo.sock
}

# The paths of rules are those that the service sees. So are those of clients, to which it answers:
# the directory of sockets has to be the same in there.
scenario_datagram_path_in_root_directory() {
        directory /srv/dgram-root
        directory /run/dgram-root
        mkdir -p /srv/dgram-root/{dev,etc,proc,run,sys,tmp,usr,var}
        ln -s usr/lib /srv/dgram-root/lib
        ln -s usr/lib64 /srv/dgram-root/lib64
        echo_unit dgram-root 9000 <<'END'
RootDirectory=/srv/dgram-root
BindReadOnlyPaths=/usr /lib /lib64
BindPaths=/run/systemd/notify /run/dgram-root
END
        echo_path_rules dgram-root ,mode=0600
        reload
        start dgram-root.service
        contains "$(ask --from=/run/dgram-root/own /run/dgram-root/echo.sock native)" text=native
        contains "$(ask_under out,udp,path=/run/dgram-root/echo.sock 192.0.2.1:9000 rules)" \
                text=rules
}

# Each instance and each port on a file of its own.
scenario_datagram_path_of_template() {
        directory /run/dgram-instances
        unit dgram-on-path@.service <<END
[Service]
Type=notify
ExecStart=$ECHO 9000 9001
END
        rule_file dgram-on-path <<'END'
[Rules]
Unit=dgram-on-path@.service
Rule=in,udp,path=/run/dgram-instances/%i-%p-%t.sock
END
        reload
        start dgram-on-path@one.service dgram-on-path@two.service
        contains "$(ask /run/dgram-instances/one-9000-udp.sock hello)" \
                asked=9000 "pid=$(main_pid dgram-on-path@one.service)"
        contains "$(ask /run/dgram-instances/two-9001-udp.sock hello)" \
                asked=9001 "pid=$(main_pid dgram-on-path@two.service)"
        no_ip_sockets dgram-on-path@one.service
        systemctl stop dgram-on-path@one.service
        is_gone /run/dgram-instances/one-9000-udp.sock
        is_socket /run/dgram-instances/two-9000-udp.sock
}

# Abstract names belong to the network namespace: here the service has that of its clients.
scenario_datagram_path_abstract() {
        echo_unit dgram-name 9000 </dev/null
        rule_file dgram-name <<<$'[Rules]\nRule=in,udp,abstract=dgram-name-%p'
        reload
        start dgram-name.service
        contains "$(ask @dgram-name-9000 hello)" "from=@dgram-name-9000 asked=9000 " text=hello
        contains "$(ask_under out,udp,abstract=dgram-name-%p 192.0.2.1:9000 hello)" \
                "from=192.0.2.1:9000 asked=9000 " text=hello
        no_ip_sockets dgram-name.service
}

# lonely_client NAME [LINE]...: a client service in a network namespace of its own.
lonely_client() {
        unit "$1.service" <<END
[Service]
Type=oneshot
ExecStart=$PROGRAMS/ask.py 192.0.2.1:9000 hello
END
        rule_file "$1" <<END
[Rules]
Rule=out,udp,path=/run/dgram-far.sock
LogLevel=notice

[Service]
PrivateNetwork=yes
DynamicUser=yes
$(printf '%s\n' "${@:2}")
END
}

# The server's socket is systemd's, and the client the one that is elsewhere: it can be answered at a
# file in its runtime directory. Without one it can't, which is told where LogLevel= lets it.
scenario_datagram_of_lonely_client() {
        echo_unit dgram-far 9000 </dev/null
        echo_rules dgram-far '[Service]' PrivateNetwork=yes
        sed -i 's/^ListenDatagram.*/&\nSocketMode=0666/' /etc/ip2unix.d/dgram-far.conf
        lonely_client dgram-lonely RuntimeDirectory=dgram-lonely
        lonely_client dgram-homeless
        reload
        start dgram-far-echo.socket dgram-lonely.service
        contains "$(journal dgram-lonely.service)" "from=192.0.2.1:9000 asked=9000 " text=hello
        ! systemctl start dgram-homeless.service || fail "it was answered"
        contains "$(journal dgram-homeless.service)" "ip2unix: /run/dgram-far.sock: answers" \
                "ask: timed out"
        no_ip_sockets dgram-far.service
}

# --- what others can do --------------------------------------------------------------------------

# The names of a process's datagram sockets: paths, and abstract ones with a @.
socket_names() { # socket_names PID
        ss -Hxap | awk -v pid="pid=$1," '$1 == "u_dgr" && index($0, pid) && $5 != "*" { print $5 }'
}

# hearing_client NAME RULE [OPTION]: a client service of the user daemon, which hears until it is
# stopped.
hearing_client() {
        unit "$1.service" <<END
[Service]
User=daemon
ExecStart=$PROGRAMS/ask.py --hear ${3:-} 192.0.2.1:9000 hello
RuntimeDirectory=$1
END
        rule_file "$1" <<<$'[Rules]\nRule='"$2"
        reload
}

# others_are_not_heard NAME: while the client listens to whatever comes, another user sends to each
# of its sockets.
others_are_not_heard() {
        local unit=$1.service names name option answers
        start "$unit"
        wait_until logged "$unit" from=
        names=$(socket_names "$(main_pid "$unit")")
        matches "$names" ^.
        for name in $names; do
                for option in "" --from=@intruder --from=/tmp/intruder; do
                        # The kernel refuses those to a connected socket.
                        runuser -u nobody -- "$PROGRAMS/ask.py" --send $option "$name" intruder ||
                                true
                        rm -f /tmp/intruder
                done
        done
        sleep 0.5
        systemctl stop "$unit"
        answers=$(journal "$unit")
        contains "$answers" "from=192.0.2.1:9000 asked=9000 " text=hello
        contains_not "$answers" intruder
}

# The client's name is an abstract one, which everybody can send to.
scenario_datagram_from_others() {
        local rule=out,udp,path=/run/dgram-server.sock
        echo_unit dgram-server 9000 <<<'User=www-data'
        echo_rules dgram-server '[Service]' PrivateNetwork=yes
        sed -i 's/^ListenDatagram.*/&\nSocketMode=0666/' /etc/ip2unix.d/dgram-server.conf
        hearing_client dgram-hearer $rule
        hearing_client dgram-connected $rule --connect
        start dgram-server-echo.socket
        others_are_not_heard dgram-hearer
        others_are_not_heard dgram-connected
}

# The client's name is a file, which the server has to be able to write to, whoever that is.
scenario_datagram_from_others_by_file() {
        local rule=out,udp,path=/run/dgram-serving/echo.sock
        echo_unit dgram-serving 9000 <<<$'User=www-data\nRuntimeDirectory=dgram-serving'
        echo_path_rules dgram-serving ,mode=0666
        hearing_client dgram-file-hearer $rule
        hearing_client dgram-file-connected $rule --connect
        start dgram-serving.service
        others_are_not_heard dgram-file-hearer
        others_are_not_heard dgram-file-connected
        nothing_else_in /run/dgram-serving echo.sock
}

# Whoever has a file system of his own can give his socket the name of the server's.
scenario_datagram_with_forged_name() {
        local rule=out,udp,path=/run/dgram-forged.sock name
        echo_unit dgram-forged 9000 </dev/null
        echo_rules dgram-forged
        hearing_client dgram-forged-hearer $rule
        start dgram-forged-echo.socket
        start dgram-forged-hearer.service
        wait_until logged dgram-forged-hearer.service from=
        name=$(socket_names "$(main_pid dgram-forged-hearer.service)")
        # The same without a program that is careful hears it: it is a name that can be forged.
        "$PROGRAMS/ask.py" --hear --from=@dgram-careless /run/dgram-forged.sock careless \
                >"$STATE/careless" &
        receives dgram-forged.service careless
        for name in "$name" @dgram-careless; do
                unshare --mount --propagation private sh -c \
                        'mount -t tmpfs tmpfs /run && exec "$@"' - "$PROGRAMS/ask.py" --send \
                        --from=/run/dgram-forged.sock "$name" intruder || true
        done
        wait_until grep -q "from=/run/dgram-forged.sock intruder" "$STATE/careless"
        kill $!
        wait $!
        sleep 0.5
        systemctl stop dgram-forged-hearer.service
        contains "$(journal dgram-forged-hearer.service)" "from=192.0.2.1:9000 asked=9000 "
        contains_not "$(journal dgram-forged-hearer.service)" intruder
}
