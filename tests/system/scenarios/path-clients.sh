# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Services that are clients of Unix sockets.

# A client that knows IP alone reaches a server that is started by the connection.
scenario_client_of_socket() {
        server_unit path-backend 8000 </dev/null
        web_rules path-backend
        client_unit path-client 127.0.0.1
        rule_file path-client <<'END'
[Rules]
Rule=out,tcp,port=8000,path=/run/path-backend.sock

[Service]
PrivateNetwork=yes
DynamicUser=yes
END
        reload
        start path-backend-http.socket
        inactive path-backend.service
        start path-client.service
        active path-backend.service
        contains "$(journal path-client.service)" listener=0.0.0.0:8000
        no_ip_sockets path-backend.service
}

# There are no name servers where there is no network. The name stands for the rule then.
scenario_client_by_name() {
        directory /run/path-named
        ready_server path-named 8000 </dev/null
        path_rules path-named ,mode=0666
        client_unit path-name-client backend.invalid
        rule_file path-name-client <<'END'
[Rules]
Rule=out,tcp,port=8000,path=/run/path-named/http.sock

[Service]
PrivateNetwork=yes
END
        reload
        start path-named.service path-name-client.service
        contains "$(journal path-name-client.service)" listener=0.0.0.0:8000
}

# The rights of the file are the access control.
scenario_client_without_right() {
        directory /run/path-closed
        ready_server path-closed 8000 </dev/null
        path_rules path-closed ,mode=0600
        client_unit path-closed-client 127.0.0.1
        rule_file path-closed-client <<'END'
[Rules]
Rule=out,tcp,port=8000,path=/run/path-closed/http.sock

[Service]
User=nobody
END
        reload
        start path-closed.service
        ! systemctl start path-closed-client.service || fail "it got through"
        contains "$(journal path-closed-client.service)" "ip2unix: " /run/path-closed/http.sock EACCES
}
