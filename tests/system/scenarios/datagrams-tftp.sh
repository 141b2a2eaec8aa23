# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# TFTP: for each transfer the server makes another socket, after it has gone to another root and to
# another user, and the client sends to that.

# tftp_files DIRECTORY OWNER: what is served, with a file of 1 MB.
tftp_files() {
        directory "$1"
        head -c 1000000 /dev/urandom >"$1/data"
        chmod 644 "$1/data"
        chown "$2" "$1"
        # Where clients put what they fetch.
        directory "$STATE/fetched"
}

# same_file NAME FILE FILE
same_file() { cmp -s "$2" "$3" || fail "$1: $(ls -l "$2" "$3" 2>&1)"; }

# fetch CLIENT ADDRESS [PORT]: fetch the file with it, and put: put that back as from-CLIENT.
fetch() {
        local got=$STATE/fetched/$1 address=$2 port=${3:-69}
        case $1 in
        tftp) "${CLIENT[@]}" tftp "$address" "$port" -m binary -c get data "$got" ;;
        atftp) "${CLIENT[@]}" atftp --get -r data -l "$got" "$address" "$port" ;;
        curl)
                "${CLIENT[@]}" curl -sS --max-time $PATIENCE -o "$got" \
                        "tftp://$address:$port/data"
                ;;
        esac || fail "$1 has failed"
}

put() {
        local from=$STATE/fetched/$1 address=$2 port=${3:-69}
        case $1 in
        tftp) "${CLIENT[@]}" tftp "$address" "$port" -m binary -c put "$from" "from-$1" ;;
        atftp) "${CLIENT[@]}" atftp --put -l "$from" -r "from-$1" "$address" "$port" ;;
        curl)
                "${CLIENT[@]}" curl -sS --max-time $PATIENCE -T "$from" \
                        "tftp://$address:$port/from-$1"
                ;;
        esac || fail "$1 has failed"
}

# transfers DIRECTORY get|both ADDRESS [PORT]: each client, run by $CLIENT, fetches the file; if
# "both", it then puts it back under another name.
transfers() {
        local directory=$1 ways=$2 client
        shift 2
        for client in tftp atftp curl; do
                fetch $client "$@"
                same_file "fetched by $client" "$STATE/fetched/$client" "$directory/data"
                [[ $ways == both ]] || continue
                put $client "$@"
                wait_until same_size "$directory/from-$client" "$directory/data"
                same_file "put by $client" "$directory/from-$client" "$directory/data"
        done
}

# For wait_until: the server may still be writing when the client has ended.
same_size() { [[ $(stat -c %s "$1" 2>/dev/null) == "$(stat -c %s "$2")" ]]; }

# For wait_until: besides the server's own, there are the sockets of transfers that are not over yet
# (in.tftpd waits for a while to see whether its last packet got lost), and none of clients.
sockets_are_of_transfers() { # sockets_are_of_transfers UNIT DIRECTORY
        local transfers
        transfers=$(pgrep --count --parent "$(main_pid "$1")" || true)
        [[ $(find "$2" -type s | wc -l) -eq $((transfers + 1)) ]] &&
                [[ -z $(find "$2" -name '.?*') ]]
}

tftpd_unit() { # tftpd_unit NAME OPTION...
        unit "$1.service" <<END
[Service]
ExecStart=/usr/sbin/in.tftpd --foreground --listen --address :69 --user tftp --create -vv \\
        --retransmit 200000 ${@:2} /srv/$1
# Those that wait for a last packet don't end before.
TimeoutStopSec=1
END
        tftp_files "/srv/$1" tftp
}

# socket_directory PATH OWNER: where a server's sockets are.
socket_directory() {
        directory "$1"
        chown "$2" "$1"
}

# The server has a root of its own for each transfer. That the directory of sockets has the same
# path in there lets it reach its clients' sockets, and them its.
scenario_tftpd() {
        socket_directory /run/tftpd tftp
        tftpd_unit tftpd --secure
        rule_file tftpd <<'END'
[Rules]
Rule=in,udp,port=69,path=/run/tftpd/tftp.sock,mode=0666
Rule=in,udp,port=0,path=/run/tftpd/%p.sock,mode=0666
Rule=in,reject

[Service]
PrivateNetwork=yes
BindPaths=/run/tftpd:/srv/tftpd/run/tftpd
END
        reload
        start tftpd.service
        wait_until test -S /run/tftpd/tftp.sock
        has_private_network tftpd.service
        CLIENT=(ip2unix -r 'out,udp,port=69,path=/run/tftpd/tftp.sock')
        transfers /srv/tftpd both 192.0.2.1
        no_ip_sockets tftpd.service
        wait_until sockets_are_of_transfers tftpd.service /run/tftpd
}

# With a socket of systemd's, a client can't know that the transfer's will be of another network
# namespace: a rule gives it a file.
scenario_tftpd_activated() {
        socket_directory /run/tftpd-main tftp
        tftpd_unit tftpd-main --secure
        rule_file tftpd-main <<'END'
[Rules]
Rule=in,udp,port=69,systemd=tftp
Rule=in,udp,port=0,path=/run/tftpd-main/%p.sock,mode=0666
Rule=in,reject

[Socket tftp]
ListenDatagram=/run/tftpd-main/tftp.sock

[Service]
PrivateNetwork=yes
BindPaths=/run/tftpd-main:/srv/tftpd-main/run/tftpd-main
END
        reload
        start tftpd-main-tftp.socket
        inactive tftpd-main.service
        CLIENT=(ip2unix -r 'out,udp,path=/run/tftpd-main/tftp.sock'
                -r 'in,udp,port=0,path=/run/tftpd-main/client-%p.sock,mode=0666')
        transfers /srv/tftpd-main both 192.0.2.1
        active tftpd-main.service
        no_ip_sockets tftpd-main.service
        wait_until sockets_are_of_transfers tftpd-main.service /run/tftpd-main
}

# Without a network namespace of its own, nobody needs to be named.
scenario_tftpd_without_families() {
        socket_directory /run/tftpd-locked tftp
        tftpd_unit tftpd-locked --secure
        rule_file tftpd-locked <<'END'
[Rules]
Rule=in,udp,port=69,systemd=tftp
Rule=in,udp,port=0,path=/run/tftpd-locked/%p.sock,mode=0666
Rule=in,reject

[Socket tftp]
ListenDatagram=/run/tftpd-locked/tftp.sock

[Service]
RestrictAddressFamilies=AF_UNIX
BindPaths=/run/tftpd-locked:/srv/tftpd-locked/run/tftpd-locked
END
        reload
        start tftpd-locked-tftp.socket
        CLIENT=(ip2unix -r 'out,udp,path=/run/tftpd-locked/tftp.sock')
        transfers /srv/tftpd-locked both 192.0.2.1
        no_ip_sockets tftpd-locked.service
        wait_until sockets_are_of_transfers tftpd-locked.service /run/tftpd-locked
}

# systemd's socket is for the first datagram alone: the transfers' are the program's own.
scenario_tftpd_on_ip() {
        tftpd_unit tftpd-ip --secure
        rule_file tftpd-ip <<'END'
[Rules]
Rule=in,udp,port=69,systemd=tftp

[Socket tftp]
ListenDatagram=127.0.0.1:10069
END
        reload
        start tftpd-ip-tftp.socket
        CLIENT=()
        transfers /srv/tftpd-ip both 127.0.0.1 10069
        equal "what listens on IP" "$(ip_sockets tftpd-ip.service)" 127.0.0.1:10069
        contains "$(journal tftpd-ip.service)" "RRQ from 127.0.0.1 filename data"
        curl -sS --max-time $PATIENCE --interface 127.0.0.2 -o "$STATE/fetched/other" \
                tftp://127.0.0.1:10069/data || fail "curl has failed"
        same_file "fetched from another address" "$STATE/fetched/other" /srv/tftpd-ip/data
        contains "$(journal tftpd-ip.service)" "RRQ from 127.0.0.2 filename data"
}

# tftp_dnsmasq_unit NAME LINE...: dnsmasq as a TFTP server alone.
tftp_dnsmasq_unit() {
        file "/etc/$1.conf" <<END
port=0
enable-tftp
tftp-root=/srv/$1
$(printf '%s\n' "${@:2}")
END
        unit "$1.service" <<END
[Service]
ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file=/etc/$1.conf --log-facility=- \\
        --pid-file= --user=dnsmasq
END
        tftp_files "/srv/$1" dnsmasq
}

scenario_dnsmasq_tftp() {
        socket_directory /run/dnsmasq-tftp dnsmasq
        tftp_dnsmasq_unit dnsmasq-tftp
        rule_file dnsmasq-tftp <<'END'
[Rules]
Rule=in,udp,port=69,path=/run/dnsmasq-tftp/tftp.sock,mode=0666
Rule=in,udp,port=0,path=/run/dnsmasq-tftp/%p.sock,mode=0666
Rule=in,reject

[Service]
PrivateNetwork=yes
END
        reload
        start dnsmasq-tftp.service
        wait_until test -S /run/dnsmasq-tftp/tftp.sock
        CLIENT=(ip2unix -r 'out,udp,port=69,path=/run/dnsmasq-tftp/tftp.sock')
        transfers /srv/dnsmasq-tftp get 192.0.2.1
        no_ip_sockets dnsmasq-tftp.service
        wait_until sockets_are_of_transfers dnsmasq-tftp.service /run/dnsmasq-tftp
}

# All transfers through the one socket that systemd has opened.
scenario_dnsmasq_tftp_of_one_socket() {
        tftp_dnsmasq_unit dnsmasq-tftp-main tftp-single-port
        datagram_rules dnsmasq-tftp-main 69
        reload
        start dnsmasq-tftp-main-main.socket
        inactive dnsmasq-tftp-main.service
        CLIENT=(ip2unix -r 'out,udp,path=/run/dnsmasq-tftp-main.sock')
        transfers /srv/dnsmasq-tftp-main get 192.0.2.1
        has_private_network dnsmasq-tftp-main.service
        no_ip_sockets dnsmasq-tftp-main.service
}

scenario_dnsmasq_tftp_on_ip() {
        tftp_dnsmasq_unit dnsmasq-tftp-ip tftp-single-port
        ip_datagram_rules dnsmasq-tftp-ip 69 127.0.0.1:10069
        sed -i 's/^ListenDatagram.*/&\nPassPacketInfo=yes/' /etc/ip2unix.d/dnsmasq-tftp-ip.conf
        reload
        systemctl restart dnsmasq-tftp-ip-main.socket
        CLIENT=()
        transfers /srv/dnsmasq-tftp-ip get 127.0.0.1 10069
        listens_only_on dnsmasq-tftp-ip.service 127.0.0.1:10069
        contains "$(journal dnsmasq-tftp-ip.service)" "sent /srv/dnsmasq-tftp-ip/data to 127.0.0.1"
}
