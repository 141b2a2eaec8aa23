# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Datagram sockets on IP that systemd opens and passes: the service sees clients' real addresses.

# ip_datagram_rules NAME PORT ADDRESS:PORT...
ip_datagram_rules() {
        local name=$1 port=$2
        shift 2
        rule_file "$name" <<END
[Rules]
Rule=in,udp,port=$port,systemd=main
Rule=in,reject

[Socket main]
$(printf 'ListenDatagram=%s\n' "$@")

[Service]
PrivateNetwork=yes
END
        reload
        start "$name-main.socket"
        inactive "$name.service"
        equal "what listens on IP" "$(ip_sockets)" "$*"
}

scenario_datagram_on_ip() {
        local answer
        echo_unit dgram-ip 9000 </dev/null
        ip_datagram_rules dgram-ip 9000 127.0.0.1:19000
        answer=$(ask --from=127.0.0.2:5353 127.0.0.1:19000 hello)
        contains "$answer" "from=127.0.0.1:19000 asked=9000 socket=127.0.0.1:19000 " \
                " to=127.0.0.1%1 peer=127.0.0.2:5353 text=hello"
        active dgram-ip.service
        listens_only_on dgram-ip.service 127.0.0.1:19000
        systemctl stop dgram-ip.service 2>/dev/null
        contains "$(ask --connect --from=127.0.0.2:5353 127.0.0.1:19000 again)" \
                " peer=127.0.0.2:5353 text=again"
}

# Both families in one socket unit: each bind gets the one of its own.
scenario_datagram_on_ip_of_both_families() {
        echo_unit dgram-ip6 '[::]:9000' 9000 <<<'ExecReload=/bin/kill -HUP $MAINPID'
        ip_datagram_rules dgram-ip6 9000 127.0.0.1:19000 '[::1]:19000'
        contains "$(ask --from='[::1]:5353' '[::1]:19000' hello)" \
                'asked=[::]:9000 socket=[::1]:19000 ' ' to=::1%1 peer=[::1]:5353 text=hello'
        contains "$(ask --from=127.0.0.2:5353 127.0.0.1:19000 hello)" \
                ' to=127.0.0.1%1 peer=127.0.0.2:5353 text=hello'
        systemctl reload dgram-ip6.service
        wait_until logged_times dgram-ip6.service 2 "bound: [::]:9000"
        contains "$(ask --from='[::1]:5353' '[::1]:19000' again)" ' peer=[::1]:5353 text=again'
        listens_only_on dgram-ip6.service 127.0.0.1:19000 '[::1]:19000'
}

scenario_datagram_on_ip_locked_families() {
        echo_unit dgram-ip-locked 9000 <<<'RestrictAddressFamilies=AF_UNIX'
        ip_datagram_rules dgram-ip-locked 9000 127.0.0.1:19000
        contains "$(ask --from=127.0.0.2:5353 127.0.0.1:19000 hello)" \
                ' peer=127.0.0.2:5353 text=hello'
        listens_only_on dgram-ip-locked.service 127.0.0.1:19000
}

# A rule that names no socket means all that are passed.
scenario_datagram_on_ip_without_a_name() {
        echo_unit dgram-ip-plain 9000 </dev/null
        rule_file dgram-ip-plain <<'END'
[Rules]
Rule=in,udp,systemd
Rule=in,reject

[Socket main]
ListenDatagram=127.0.0.1:19000

[Service]
PrivateNetwork=yes
END
        reload
        start dgram-ip-plain-main.socket
        inactive dgram-ip-plain.service
        contains "$(ask --from=127.0.0.2:5353 127.0.0.1:19000 hello)" \
                ' peer=127.0.0.2:5353 text=hello'
        listens_only_on dgram-ip-plain.service 127.0.0.1:19000
}
