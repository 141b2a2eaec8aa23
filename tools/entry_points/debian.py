# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's popular packages that have to do with networks, fetched and unpacked, not installed."""

import os
import subprocess

PACKAGES = '''
    apache2-bin apt aria2 atftpd avahi-daemon bind9 chrony collectd-core coturn cron cups-browsed
    cups-daemon curl dbus-daemon dovecot-core dovecot-imapd dropbear-bin erlang-base
    exim4-daemon-light freeradius frr ftp git gpsd h2o haproxy icecast2 inspircd isc-dhcp-client
    isc-dhcp-server kamailio kea-dhcp4-server keepalived knot krb5-kdc lftp libapr1 libavahi-core7
    libc-ares2 libcups2 libcurl4 libdbus-1-3 libev4 libevent-2.1-7 libfreeradius3 libglib2.0-0
    libgnutls30 libkrb5-3 libldap-2.5-0 libmariadb3 libmicrohttpd12 libnode108 libnspr4
    libnss-myhostname libnss-resolve libnss3 libpam-modules libpcap0.8 libperl5.36 libpq5
    libpython3.11-minimal libpython3.11-stdlib libqt5network5 libruby3.1 libsmbclient libsnmp40
    libssl3 libstrongswan libsystemd0 libtirpc3 libtorrent-rasterbar2.0 libuv1 libvirt-daemon
    libwebsockets17 libwrap0 libzmq5 lighttpd mariadb-server-core memcached minidlna miniupnpd
    monit mosquitto mpd nagios-nrpe-server ncat netcat-openbsd nfs-kernel-server nginx ngircd nmap
    nsd ntpsec open-iscsi openbsd-inetd openjdk-17-jre-headless openntpd opensmtpd openssh-client
    openssh-server openvpn pdns-recursor pdns-server perl-base php8.2-cli php8.2-fpm postfix
    postgresql-15 privoxy proftpd-core prometheus-node-exporter prosody pure-ftpd python3-gevent
    python3-uvloop python3-zmq python3.11-minimal qemu-system-x86 radvd redis-server redis-tools
    rpcbind rsh-redone-client rsync rsyslog ruby3.1 samba samba-libs screen slapd smbclient snmp
    snmpd socat squid strongswan-charon stunnel4 syslog-ng-core systemd telnetd tftp-hpa tftpd-hpa
    tgt tigervnc-standalone-server tinc tinyproxy-bin tmux tor trafficserver transmission-daemon
    udev unbound uwsgi-core varnish vsftpd wget wireguard-tools xinetd xrdp zabbix-agent znc
    '''.split()


def known(packages):
    """Those that the archive has, since one that it hasn't makes apt-get refuse all of them."""
    result = subprocess.run(['apt-cache', 'madison', *packages], capture_output=True, text=True,
                            check=False)
    versions = {}
    for line in result.stdout.splitlines():
        name, version, source = [field.strip() for field in line.split('|')]
        if 'Packages' in source:
            versions.setdefault(name, version)
    return [f'{name}={version}' for name, version in versions.items()]


def unpack(packages, folder):
    """Fetch packages into folder/NAME each. Returns the folders; what can't be had is left out."""
    archives = os.path.join(folder, 'archives')
    os.mkdir(archives)
    subprocess.run(['apt-get', 'download', '-qq', '-o', 'APT::Sandbox::User=root',
                    *known(packages)], cwd=archives, check=True)
    folders = []
    for archive in sorted(os.listdir(archives)):
        target = os.path.join(folder, archive.partition('_')[0])
        subprocess.run(['dpkg-deb', '-x', os.path.join(archives, archive), target], check=True)
        os.unlink(os.path.join(archives, archive))
        folders.append(target)
    return folders
