# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A service whose rules can't be used does not start, and says why.

scenario_socket_fails() {
        server_unit socket-fails 8000 </dev/null
        web_rules socket-fails
        sed -i '/^ListenStream/aSocketGroup=nosuch' /etc/ip2unix.d/socket-fails.conf
        reload
        refused socket-fails.service
        state_is socket-fails-http.socket failed
}

scenario_socket_masked() {
        server_unit socket-masked 8000 </dev/null
        web_rules socket-masked
        link /dev/null /etc/systemd/system/socket-masked-http.socket
        reload
        refused socket-masked.service
}

# refused_program NAME PROGRAM TEXT...: the generator sees that preloading does nothing to it.
refused_program() {
        local name=$1 program=$2
        shift 2
        [[ -x $program ]] || skip "$program was not built"
        unit "$name.service" <<<$'[Service]\nExecStart='"$program 127.0.0.1:8000"
        web_rules "$name"
        reload
        refused "$name.service" "/etc/ip2unix.d/$name.conf:" "$@"
        equal "exit status" "$(status "$name.service" | grep -o 'status=78' | head -n 1)" status=78
        equal "load state of its socket" "$(property "$name-http.socket" LoadState)" not-found
}

scenario_go_program() { refused_program golang "$PROGRAMS/go-static" Go; }

scenario_go_program_with_libc() { refused_program golang-cgo "$PROGRAMS/go-cgo" Go; }

scenario_static_program() { refused_program static "$PROGRAMS/server-static" static; }

scenario_static_pie_program() { refused_program static-pie "$PROGRAMS/server-static-pie" static; }

scenario_set_user_id_program() {
        file /usr/local/bin/server-suid 4755 <"$SERVER"
        refused_program suid /usr/local/bin/server-suid set-user-ID
}

scenario_program_with_file_capabilities() {
        file /usr/local/bin/server-capable 0755 <"$SERVER"
        setcap cap_net_bind_service=ep /usr/local/bin/server-capable
        refused_program capable /usr/local/bin/server-capable capabilit
}

# The program is named as the search path finds it.
scenario_go_program_without_path() {
        local program=$PROGRAMS/go-static
        [[ -x $program ]] || skip "$program was not built"
        link "$program" /usr/local/bin/go-server
        unit go-by-name.service <<<$'[Service]\nExecStart=go-server 127.0.0.1:8000'
        web_rules go-by-name
        reload
        refused go-by-name.service /etc/ip2unix.d/go-by-name.conf: Go
}

# The unit takes the library away, after everything else has been set.
scenario_unset_environment() {
        server_unit unset 8000 <<<'UnsetEnvironment=LD_PRELOAD'
        web_rules unset
        reload
        refused unset.service /etc/ip2unix.d/unset.conf: UnsetEnvironment=
}

scenario_broken_rule_file() {
        server_unit broken 8000 </dev/null
        server_unit fine 8000 </dev/null
        web_rules fine
        rule_file broken <<'END'
[Rules]
LogLevel=info
Rule=in,tpc,port=8000,systemd=http

[Socket http]
ListenStream=/run/broken.sock
END
        reload
        refused broken.service /etc/ip2unix.d/broken.conf:3: "'tpc'" "'tcp'" status=78
        contains "$(journal broken.service)" "ip2unix: /etc/ip2unix.d/broken.conf:3: "
        equal "load state of its socket" "$(property broken-http.socket LoadState)" not-found

        start fine-http.socket
        activates_on_unix fine.service /run/fine.sock listener=0.0.0.0:8000

        sed -i s/tpc/tcp/ /etc/ip2unix.d/broken.conf
        reload
        systemctl reset-failed broken.service
        start broken-http.socket
        activates_on_unix broken.service /run/broken.sock listener=0.0.0.0:8000
}

# One of two files for the same unit is broken.
scenario_one_of_two_files_broken() {
        server_unit joined 8000 8001 </dev/null
        web_rules joined
        rule_file joined-more <<<$'[Rules]\nUnit=joined.service\nRule=in,port=8001,reject=ENOSUCH'
        reload
        refused joined.service /etc/ip2unix.d/joined-more.conf:3: ENOSUCH
        sed -i s/ENOSUCH/EACCES/ /etc/ip2unix.d/joined-more.conf
        reload
        start joined.service
        wait_until state_is_failed joined.service
        contains "$(journal joined.service)" "server: 8001: Permission denied"
}

# What runs when the file breaks goes on, and can still be stopped.
scenario_rule_file_breaks_while_running() {
        server_unit was-fine 8000 </dev/null
        web_rules was-fine
        reload
        start was-fine-http.socket
        activates_on_unix was-fine.service /run/was-fine.sock listener=0.0.0.0:8000
        sed -i s/tcp/tpc/ /etc/ip2unix.d/was-fine.conf
        reload
        active was-fine.service
        no_ip_sockets was-fine.service
        systemctl stop was-fine.service
        refused was-fine.service /etc/ip2unix.d/was-fine.conf:2: "'tpc'"
}

# A datagram socket never becomes a stream socket: the bind fails rather than open the port.
scenario_stream_for_datagrams() {
        file /srv/datagrams.py <<'END'
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(('127.0.0.1', 5353))
server.recvfrom(100)
END
        unit datagrams.service <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/datagrams.py\nSockets=datagrams-admin.socket'
        unit datagrams-admin.socket <<'END'
[Socket]
ListenStream=/run/datagrams.sock
FileDescriptorName=dns
Service=datagrams.service
END
        rule_file datagrams <<<$'[Rules]\nRule=in,udp,port=5353,systemd=dns'
        reload
        start datagrams-admin.socket datagrams.service
        wait_until state_is_failed datagrams.service
        contains "$(journal datagrams.service)" "ip2unix: port 5353: " "OSError: [Errno 98]"
        no_ip_sockets
}

# Where the rule file itself has the socket, it is refused before the start.
scenario_rule_without_fitting_socket() {
        server_unit unfit 8000 </dev/null
        rule_file unfit <<'END'
[Rules]
Rule=in,udp,port=8000,systemd=dns

[Socket dns]
ListenStream=/run/unfit.sock
END
        reload
        refused unfit.service /etc/ip2unix.d/unfit.conf:2: "has no ListenDatagram="
}

# The other way round: a datagram must not start a service that opens the port by itself.
scenario_socket_that_no_rule_takes() {
        server_unit untaken 8000 </dev/null
        rule_file untaken <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd

[Socket dns]
ListenDatagram=/run/untaken.sock
END
        reload
        refused untaken.service /etc/ip2unix.d/untaken.conf:5: "no rule can take ListenDatagram="
}

scenario_name_not_passed() {
        unit not-passed.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 8000
END
        rule_file not-passed <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=nosuch
Rule=in,tcp,port=8001,systemd=other

[Socket other]
ListenStream=/run/not-passed.sock
END
        reload
        start not-passed-other.socket not-passed.service
        wait_until state_is_failed not-passed.service
        contains "$(journal not-passed.service)" "Address already in use"
        matches "$(journal not-passed.service)" 'ip2unix: [^'$'\n'']*nosuch[^'$'\n'']*other'
        no_ip_sockets
}

# The shim itself refuses: rules that are no rules, or none at all.
scenario_no_rules_in_environment() {
        local library
        server_unit no-rules 8000 </dev/null
        web_rules no-rules
        reload
        start no-rules-http.socket no-rules.service
        library=$(grep -o '/.*/libip2unix\.so' "/proc/$(main_pid no-rules.service)/maps" | head -n 1)
        systemctl stop no-rules-http.socket no-rules.service
        rm /etc/ip2unix.d/no-rules.conf
        file /etc/systemd/system/no-rules.service.d/bare.conf <<END
[Service]
Environment=LD_PRELOAD=$library
END
        reload
        start no-rules.service
        wait_until state_is_failed no-rules.service
        equal "exit status" "$(property no-rules.service ExecMainStatus)" 78
        contains "$(journal no-rules.service)" "ip2unix: "
        no_ip_sockets
}
