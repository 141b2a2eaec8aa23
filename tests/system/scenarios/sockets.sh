# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Which of the passed sockets a bind gets.

# two_names NAME PORT...: whichever way round systemd passes the two, and the program binds.
two_names() {
        local name=$1
        shift
        server_unit "$name" "$@" </dev/null
        rule_file "$name" <<END
[Rules]
Rule=in,tcp,port=8001,systemd=alpha
Rule=in,tcp,port=8002,systemd=beta

[Socket alpha]
ListenStream=/run/$name-alpha.sock

[Socket beta]
ListenStream=/run/$name-beta.sock
END
        reload
        start "$name-alpha.socket" "$name-beta.socket"
        activates_on_unix "$name.service" "/run/$name-beta.sock" \
                listener=0.0.0.0:8002 own=127.0.0.1:8002
        contains "$(get "/run/$name-alpha.sock")" listener=0.0.0.0:8001 own=127.0.0.1:8001
        no_ip_sockets "$name.service"
}

scenario_two_names() { two_names two-names 8001 8002; }

scenario_two_names_in_other_order() { two_names names-other-order 8002 8001; }

# No names in the rules: each takes the first that no rule names.
scenario_plain_systemd() {
        server_unit unnamed 8001 8002 </dev/null
        rule_file unnamed <<'END'
[Rules]
Rule=in,tcp,port=8002,systemd=named
Rule=in,tcp,systemd

[Socket another]
ListenStream=/run/unnamed-another.sock

[Socket named]
ListenStream=/run/unnamed-named.sock
END
        reload
        start unnamed-another.socket unnamed-named.socket
        activates_on_unix unnamed.service /run/unnamed-another.sock listener=0.0.0.0:8001
        contains "$(get /run/unnamed-named.sock)" listener=0.0.0.0:8002
}

scenario_two_listen_lines() {
        server_unit two-lines 8001 8002 </dev/null
        rule_file two-lines <<'END'
[Rules]
Rule=in,tcp,port=8001-8002,systemd=http

[Socket http]
ListenStream=/run/two-lines-1.sock
ListenStream=/run/two-lines-2.sock
END
        reload
        start two-lines-http.socket
        activates_on_unix two-lines.service /run/two-lines-1.sock listener=0.0.0.0:8001
        contains "$(get /run/two-lines-2.sock)" listener=0.0.0.0:8002
        no_ip_sockets two-lines.service
}

# More sockets than a process has small descriptors to spare.
scenario_many_listen_lines() {
        file /srv/many.py <<'END'
import select, socket
listeners = [socket.create_server(('0.0.0.0', port)) for port in range(8000, 8200)]
while True:
    for listener in select.select(listeners, [], [])[0]:
        client = listener.accept()[0]
        client.recv(1000)
        client.sendall(b'HTTP/1.0 200 OK\r\n\r\nport=%d\n' % listener.getsockname()[1])
        client.close()
END
        unit many-lines.service <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/many.py'
        rule_file many-lines <<END
[Rules]
Rule=in,tcp,systemd=http

[Socket http]
$(printf 'ListenStream=/run/many-lines-%d.sock\n' {8000..8199})
END
        reload
        start many-lines-http.socket
        activates_on_unix many-lines.service /run/many-lines-8000.sock port=8000
        contains "$(get /run/many-lines-8199.sock)" port=8199
        no_ip_sockets many-lines.service
}

# Family and port fit better than the order, when the passed sockets are IP.
scenario_best_fit() {
        server_unit best-fit '[::]:18001' 18002 18001 <<<'PrivateNetwork=yes'
        rule_file best-fit <<'END'
[Rules]
Rule=in,tcp,systemd=http

[Socket http]
ListenStream=127.0.0.1:18001
ListenStream=127.0.0.1:18002
ListenStream=[::1]:18001
END
        reload
        start best-fit-http.socket
        activates best-fit.service 127.0.0.1:18002 asked=18002 listener=127.0.0.1:18002
        contains "$(get 127.0.0.1:18001)" asked=18001 listener=127.0.0.1:18001
        contains "$(get '[::1]:18001')" \
                'asked=[::]:18001' 'listener=[::1]:18001' 'own=[::1]:18001' 'peer=[::1]:'
        listens_only_on best-fit.service 127.0.0.1:18001 127.0.0.1:18002 '[::1]:18001'
}

# The rule names a socket that the rule file does not define: the administrator has one.
scenario_own_socket_unit() {
        server_unit own-unit 8000 </dev/null
        unit own-unit-admin.socket <<'END'
[Socket]
ListenStream=/run/own-unit.sock
FileDescriptorName=web
Service=own-unit.service
END
        rule_file own-unit <<<$'[Rules]\nRule=in,tcp,port=8000,systemd=web'
        reload
        start own-unit-admin.socket
        activates_on_unix own-unit.service /run/own-unit.sock listener=0.0.0.0:8000
}

# A second bind by the same rule gets nothing, and nobody can connect to it.
scenario_bound_twice() {
        server_unit twice 8000 '[::]:8000' </dev/null
        web_rules twice
        reload
        start twice-http.socket
        activates_on_unix twice.service /run/twice.sock listener=0.0.0.0:8000 own=127.0.0.1:8000
}

scenario_blackhole_and_ignore() {
        server_unit other-actions 8000 127.0.0.1:8001 8002 </dev/null
        rule_file other-actions <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http
Rule=in,tcp,port=8001,ignore
Rule=in,blackhole

[Socket http]
ListenStream=/run/other-actions.sock
END
        reload
        start other-actions-http.socket
        activates other-actions.service /run/other-actions.sock listener=0.0.0.0:8000
        equal "what listens on IP" "$(ip_sockets other-actions.service)" 127.0.0.1:8001
        contains "$(get 127.0.0.1:8001)" listener=127.0.0.1:8001
}

scenario_reject() {
        server_unit rejected 8001 8000 </dev/null
        web_rules rejected
        sed -i '/^\[Rules\]/aRule=in,port=8001,reject=EADDRNOTAVAIL' /etc/ip2unix.d/rejected.conf
        reload
        start rejected-http.socket rejected.service
        wait_until state_is_failed rejected.service
        contains "$(journal rejected.service)" "server: 8001: Cannot assign requested address"
        no_ip_sockets
}

# A server with one listener for each worker: all four share the one passed socket.
scenario_reuseport() {
        file /etc/nginx/reuseport.conf <<'END'
daemon off;
pid /run/nginx-reuseport.pid;
error_log stderr;
worker_processes 4;
events {}
http {
        access_log off;
        server {
                listen 8080 reuseport;
                return 200 "pid=$pid\n";
        }
}
END
        unit nginx-reuseport.service <<'END'
[Service]
ExecStart=/usr/sbin/nginx -c /etc/nginx/reuseport.conf
END
        rule_file nginx-reuseport <<'END'
[Rules]
Rule=in,tcp,port=8080,systemd=http

[Socket http]
ListenStream=/run/nginx-reuseport.sock
END
        reload
        start nginx-reuseport-http.socket
        activates_on_unix nginx-reuseport.service /run/nginx-reuseport.sock pid=
        wait_until has_children "$(main_pid nginx-reuseport.service)" 4
        answered_by nginx-reuseport 4
        no_ip_sockets nginx-reuseport.service
}

# What the socket section says about the file is systemd's business, and is done.
scenario_socket_mode() {
        server_unit socket-mode 8000 <<<'User=nobody'
        web_rules socket-mode
        sed -i '/^ListenStream/aSocketMode=0620\nSocketUser=nobody\nSocketGroup=www-data' \
                /etc/ip2unix.d/socket-mode.conf
        reload
        start socket-mode-http.socket
        equal "owner and mode of the socket" "$(stat -c '%U:%G %a' /run/socket-mode.sock)" \
                "nobody:www-data 620"
        activates_on_unix socket-mode.service /run/socket-mode.sock listener=0.0.0.0:8000
}

# The peer's address tells its user: 127.0.0.0/8 with the low 24 bits of the user's number.
scenario_peer_credentials() {
        local answer
        server_unit credentials 8000 </dev/null
        web_rules credentials
        sed -i 's/systemd=http/systemd=http,peer=credentials/' /etc/ip2unix.d/credentials.conf
        reload
        start credentials-http.socket
        activates_on_unix credentials.service /run/credentials.sock listener=0.0.0.0:8000 \
                peer=127.0.0.0:
        answer=$(runuser -u nobody -- curl -sS --unix-socket /run/credentials.sock http://server/)
        contains "$answer" peer=127.0.255.254:
}
