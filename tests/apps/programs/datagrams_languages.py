# SPDX-License-Identifier: LGPL-2.1-or-later
"""Datagrams as languages and their libraries send and receive them."""

import json
import signal

from stage import needs

ADDRESS = r"127\.0\.0\.1"
PORT = r"[1-9]\d{3,4}"

NODE_SERVER = """
const dgram = require('dgram')
for (const [type, port, host] of [['udp4', 7000, '127.0.0.1'], ['udp6', 7001, '::1']]) {
    const s = dgram.createSocket({ type, reuseAddr: true })
    s.on('message', (data, peer) => {
        s.send(JSON.stringify({ peer, length: data.length, local: s.address() }), peer.port,
            peer.address)
    })
    s.bind(port, host)
}
process.on('SIGTERM', () => process.exit(0))
"""
NODE_CLIENT = """
const dgram = require('dgram')
const answer = s => new Promise(resolve => s.once('message', (data, peer) =>
    resolve({ ...JSON.parse(data), from: peer })))
const send = (s, ...rest) => new Promise((resolve, reject) =>
    s.send(...rest, error => error ? reject(error) : resolve()))
async function main() {
    for (const [type, port, host] of [['udp4', 7000, '127.0.0.1'], ['udp6', 7001, '::1']]) {
        for (const size of [1, 1000, 60000]) {
            const s = dgram.createSocket(type)
            const waits = answer(s)
            await send(s, Buffer.alloc(size), port, host)
            console.log(JSON.stringify({ size, kind: 'addressed', ...await waits }))
            s.close()
        }
        const s = dgram.createSocket(type)
        await new Promise(resolve => s.connect(port, host, resolve))
        const peers = new Set()
        for (let turn = 0; turn < 200; turn++) {
            const waits = answer(s)
            await send(s, 'x')
            peers.add((await waits).peer.port)
        }
        console.log(JSON.stringify({ kind: 'connected', peers: peers.size,
            remote: s.remoteAddress(), local: s.address() }))
        s.disconnect()
        s.setTTL(3)
        s.setRecvBufferSize(100000)
        s.close()
    }
    const refused = dgram.createSocket('udp4')
    await new Promise(resolve => refused.connect(9, '127.0.0.1', resolve))
    const told = new Promise(resolve => refused.once('error', resolve))
    refused.send('x')
    console.log(JSON.stringify({ kind: 'refused', code: (await told).code }))
    refused.close()
}
main()
"""


@needs("node")
def scenario_node_datagrams(stage):
    """Both families, addressed and connected, large and small; the error of a closed port."""
    stage.go_datagram()
    server = stage.start("node", stage.file("server.js", NODE_SERVER), udp=7001)
    lines = [json.loads(line) for line in stage.run(
        "node", stage.file("client.js", NODE_CLIENT)).splitlines()]
    for line in lines:
        host, port = ("::1", 7001) if line.get("from", {}).get("family") == "IPv6" else (
            "127.0.0.1", 7000)
        if line["kind"] == "addressed":
            stage.equal("length", line["length"], line["size"])
            stage.equal("peer", line["peer"]["address"], host)
            stage.check(line["peer"]["port"] > 1024, line)
            stage.equal("from", (line["from"]["address"], line["from"]["port"]), (host, port))
            stage.equal("local", line["local"]["address"], host)
    connected = [line for line in lines if line["kind"] == "connected"]
    stage.equal("ports seen of a connected socket", [line["peers"] for line in connected], [1, 1])
    stage.equal("remote", [line["remote"]["port"] for line in connected], [7000, 7001])
    stage.equal("local", [line["local"]["address"] for line in connected], ["127.0.0.1", "::1"])
    stage.equal("the last", lines[-1], {"kind": "refused", "code": "ECONNREFUSED"})
    server.end(signal.SIGTERM, [0])
    stage.closed(udp=(7000, 7001))


PYTHON_SERVERS = """
import asyncio, signal, socketserver, threading

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data, s = self.request
        s.sendto(f"{self.client_address[0]} {self.client_address[1]} {len(data)}".encode(),
                 self.client_address)

servers = [kind(("127.0.0.1", port), Handler) for kind, port in
           ((socketserver.ThreadingUDPServer, 7000), (socketserver.ForkingUDPServer, 7001))]
for server in servers:
    server.max_packet_size = 65536
    threading.Thread(target=server.serve_forever, daemon=True).start()

class Protocol(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, peer):
        self.transport.sendto(f"{peer[0]} {peer[1]} {len(data)}".encode(), peer)

async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 7002))
    await loop.create_datagram_endpoint(Protocol, local_addr=("::1", 7003))
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()
    for server in servers:
        server.shutdown()
        server.server_close()
asyncio.run(main())
"""
PYTHON_CLIENT = """
import asyncio, socket, sys

for port in range(7000, 7004):
    host = "::1" if port == 7003 else "127.0.0.1"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(60)
        for size in (0, 1, 65507):
            s.sendto(bytes(size), (host, port))
            data, peer = s.recvfrom(100)
            print("answer", port, size, data.decode(), *peer[:2], s.getsockname()[1] > 1024)
        try:
            s.sendto(bytes(65536), (host, port))
        except OSError as error:
            print("too long", port, error.errno)

class Protocol(asyncio.DatagramProtocol):
    def __init__(self):
        self.answers, self.errors = asyncio.Queue(), asyncio.Queue()
    def datagram_received(self, data, peer):
        self.answers.put_nowait((data.decode(), peer))
    def error_received(self, error):
        self.errors.put_nowait(error.errno)

async def ask(count):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        Protocol, remote_addr=("127.0.0.1", 7002))
    ports = set()
    for size in range(1, count + 1):
        transport.sendto(bytes(size))
        data, peer = await asyncio.wait_for(protocol.answers.get(), 60)
        host, port, length = data.split()
        assert (host, int(length), peer) == ("127.0.0.1", size, ("127.0.0.1", 7002)), data
        ports.add(port)
    assert len(ports) == 1, ports
    transport.close()
    return ports.pop()

async def main():
    ports = await asyncio.gather(*(ask(20) for _ in range(100)))
    print("clients", len(ports), "ports", len(set(ports)))
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        Protocol, remote_addr=("127.0.0.1", 9))
    transport.sendto(b"x")
    print("refused", await asyncio.wait_for(protocol.errors.get(), 60))
    transport.close()
asyncio.run(main())
"""


@needs("python3")
def scenario_python_datagrams(stage):
    """Threads, a process for each datagram, asyncio; a hundred clients with their own answers."""
    stage.go_datagram()
    server = stage.start("python3", stage.file("server.py", PYTHON_SERVERS), udp=7003)
    output = stage.run("python3", stage.file("client.py", PYTHON_CLIENT))
    for port in range(7000, 7004):
        host = "::1" if port == 7003 else ADDRESS
        for size in (0, 1, 65507):
            stage.matches(output,
                          rf"^answer {port} {size} {host} {PORT} {size} {host} {port} True$")
        stage.matches(output, rf"^too long {port} 90$")
    stage.matches(output, "^clients 100 ports 100$")
    stage.matches(output, "^refused 111$")
    server.end(signal.SIGTERM, [0])
    stage.closed(udp=range(7000, 7004))


JAVA = """
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.util.*;
import java.util.concurrent.*;

public class Datagrams {
    static void check(boolean condition, Object what) {
        if (!condition) throw new IllegalStateException(String.valueOf(what));
    }

    static void serve(DatagramSocket socket) {
        try {
            var buffer = new byte[65536];
            while (true) {
                var packet = new DatagramPacket(buffer, buffer.length);
                socket.receive(packet);
                var text = packet.getAddress().getHostAddress() + " " + packet.getPort() + " "
                    + packet.getLength();
                socket.send(new DatagramPacket(text.getBytes(), text.length(),
                    packet.getSocketAddress()));
            }
        } catch (SocketException e) {
            System.out.println("server ends: " + e.getMessage());
        } catch (Exception e) {
            e.printStackTrace();
        }
    }

    static String ask(DatagramSocket socket, int size, SocketAddress to) throws Exception {
        var data = new byte[size];
        socket.setSoTimeout(60000);
        socket.send(to == null ? new DatagramPacket(data, size)
            : new DatagramPacket(data, size, to));
        var packet = new DatagramPacket(new byte[100], 100);
        socket.receive(packet);
        check(packet.getPort() == 7000, packet.getSocketAddress());
        return new String(packet.getData(), 0, packet.getLength());
    }

    public static void main(String[] arguments) throws Exception {
        var address = new InetSocketAddress("127.0.0.1", 7000);
        var server = new DatagramSocket(address);
        var thread = new Thread(() -> serve(server));
        thread.start();
        System.out.println("server " + server.getLocalAddress().getHostAddress() + " "
            + server.getLocalPort());
        try (var client = new DatagramSocket()) {
            for (int size : new int[] {0, 1, 60000})
                System.out.println("addressed " + size + " " + ask(client, size, address));
            client.connect(address);
            System.out.println("connected " + client.getPort() + " " + ask(client, 5, null));
            client.disconnect();
            System.out.println("again " + ask(client, 6, address));
            client.setSoTimeout(100);
            try {
                client.receive(new DatagramPacket(new byte[10], 10));
            } catch (SocketTimeoutException e) {
                System.out.println("timeout");
            }
        }
        try (var channel = DatagramChannel.open(); var selector = Selector.open()) {
            channel.configureBlocking(false);
            channel.connect(address);
            channel.register(selector, SelectionKey.OP_READ);
            channel.write(ByteBuffer.wrap(new byte[7]));
            check(selector.select(60000) == 1, "nothing to read");
            var buffer = ByteBuffer.allocate(100);
            channel.read(buffer);
            System.out.println("channel " + new String(buffer.array(), 0, buffer.position()) + " "
                + channel.getRemoteAddress());
        }
        try (var channel = DatagramChannel.open(StandardProtocolFamily.INET)) {
            channel.send(ByteBuffer.wrap(new byte[8]), address);
            var buffer = ByteBuffer.allocate(100);
            var from = channel.receive(buffer);
            System.out.println("channel4 " + new String(buffer.array(), 0, buffer.position()) + " "
                + from);
        }
        try (var refused = new DatagramSocket()) {
            refused.connect(new InetSocketAddress("127.0.0.1", 9));
            refused.setSoTimeout(60000);
            refused.send(new DatagramPacket(new byte[1], 1));
            refused.receive(new DatagramPacket(new byte[1], 1));
        } catch (PortUnreachableException e) {
            System.out.println("refused");
        }
        try (var group = new MulticastSocket(7100)) {
            group.setTimeToLive(1);
            group.joinGroup(new InetSocketAddress("239.1.2.3", 0),
                NetworkInterface.getByName("lo"));
            System.out.println("joined");
        }
        var pool = Executors.newFixedThreadPool(8);
        var results = new ArrayList<Future<String>>();
        for (int i = 0; i < 8; i++)
            results.add(pool.submit(() -> {
                var seen = new HashSet<String>();
                try (var client = new DatagramSocket()) {
                    for (int turn = 0; turn < 200; turn++)
                        seen.add(ask(client, 9, address));
                }
                check(seen.size() == 1, seen);
                return seen.iterator().next();
            }));
        var all = new HashSet<String>();
        for (var result : results)
            all.add(result.get());
        System.out.println("clients " + all.size());
        pool.shutdown();
        server.close();
        thread.join();
    }
}
"""


@needs("java")
def scenario_java_datagrams(stage):
    """Dual-stack sockets, channels and selectors; close() wakes up who receives."""
    stage.go_datagram()
    output = stage.run("java", "-XX:TieredStopAtLevel=1", stage.file("Datagrams.java", JAVA))
    stage.matches(output, "^server 127.0.0.1 7000$")
    for word in ("addressed 0", "addressed 1", "addressed 60000", "connected 7000", "again",
                 "channel", "channel4"):
        stage.matches(output, rf"^{word} {ADDRESS} {PORT} \d+( /{ADDRESS}:7000)?$")
    for word in ("timeout", "refused", "joined", "clients 8", "server ends: [Ss]ocket closed"):
        stage.matches(output, f"^{word}$")
    stage.closed(udp=(7000,))


PERL = """
use strict; use IO::Socket::INET; use IO::Socket::IP; use IO::Select; use Socket;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 7000, Proto => 'udp')
    or die $@;
print join(' ', 'server', $server->sockhost, $server->sockport), "\\n";
my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 7000, Proto => 'udp')
    or die $@;
for my $turn (1 .. 3) {
    $client->send("hello $turn");
    my $peer = $server->recv(my $data, 100);
    my ($port, $host) = sockaddr_in($peer);
    print join(' ', 'heard', $data, inet_ntoa($host), $port, $server->peerport), "\\n";
    $server->send(uc $data, 0, $peer);
    IO::Select->new($client)->can_read(60) or die 'nothing';
    $client->recv(my $answer, 100);
    print join(' ', 'answer', $answer, $client->peerhost, $client->peerport), "\\n";
}
my $refused = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerService => 9, Type => SOCK_DGRAM)
    or die $@;
$refused->send('x');
IO::Select->new($refused)->can_read(60);
defined $refused->recv(my $data, 10) and die;
print 'refused ', $! + 0, "\\n";
"""


@needs("perl")
def scenario_perl_datagrams(stage):
    stage.go_datagram()
    output = stage.run("perl", stage.file("both.pl", PERL))
    stage.matches(output, "^server 127.0.0.1 7000$")
    for turn in (1, 2, 3):
        stage.matches(output, rf"^heard hello {turn} {ADDRESS} ({PORT}) \1$")
        stage.matches(output, rf"^answer HELLO {turn} {ADDRESS} 7000$")
    stage.matches(output, "^refused 111$")


RUBY = """
require 'socket'
server = UDPSocket.new
server.bind('127.0.0.1', 7000)
many = Thread.new do
    loop do
        data, peer = server.recvfrom(65536)
        server.send("#{peer[3]} #{peer[1]} #{data.length}", 0, peer[3], peer[1])
    end
end
one = UDPSocket.new
one.connect('127.0.0.1', 7000)
[0, 1, 65507].each do |size|
    one.send('x' * size, 0)
    data, peer = one.recvmsg
    puts "connected #{size} #{data} #{peer.ip_port}"
end
two = UDPSocket.new
two.send('hello', 0, '127.0.0.1', 7000)
data, peer = two.recvfrom(100)
puts "addressed #{data} #{peer[1]}"
begin
    two.recvfrom_nonblock(10)
rescue IO::WaitReadable
    puts 'nothing more'
end
Socket.udp_server_sockets('127.0.0.1', 7001) do |sockets|
    three = Addrinfo.udp('127.0.0.1', 7001).connect
    three.send('hello', 0)
    Socket.udp_server_recv(sockets) { |data, source| source.reply(data.upcase) }
    puts "helpers #{three.recv(100)} #{three.remote_address.ip_port}"
end
four = UDPSocket.new
four.connect('127.0.0.1', 9)
four.send('x', 0)
begin
    four.recv(10)
rescue Errno::ECONNREFUSED
    puts 'refused'
end
"""


@needs("ruby")
def scenario_ruby_datagrams(stage):
    stage.go_datagram()
    output = stage.run("ruby", stage.file("both.rb", RUBY))
    for size in (0, 1, 65507):
        stage.matches(output, rf"^connected {size} {ADDRESS} {PORT} {size} 7000$")
    stage.matches(output, rf"^addressed {ADDRESS} {PORT} 5 7000$")
    stage.matches(output, "^nothing more$")
    stage.matches(output, "^helpers HELLO 7001$")
    stage.matches(output, "^refused$")


PHP_SERVER = """<?php
$server = stream_socket_server('udp://127.0.0.1:7000', $code, $text, STREAM_SERVER_BIND)
    or die($text);
while (true) {
    $data = @stream_socket_recvfrom($server, 65536, 0, $peer);
    if ($data !== false && $peer !== '')
        stream_socket_sendto($server, "$peer " . strlen($data) . ' '
            . stream_socket_get_name($server, false), 0, $peer);
}
"""
PHP_CLIENT = """<?php
$client = stream_socket_client('udp://127.0.0.1:7000', $code, $text) or die($text);
stream_set_timeout($client, 60);
foreach ([1, 8000] as $size) {
    fwrite($client, str_repeat('x', $size));
    echo "stream ", fread($client, 100), " ", stream_socket_get_name($client, true), "\\n";
}
if (extension_loaded('sockets')) {
    $s = socket_create(AF_INET, SOCK_DGRAM, SOL_UDP);
    socket_set_option($s, SOL_SOCKET, SO_RCVTIMEO, ['sec' => 60, 'usec' => 0]);
    socket_sendto($s, 'hello', 5, 0, '127.0.0.1', 7000);
    socket_recvfrom($s, $data, 100, 0, $host, $port);
    echo "socket $data $host $port\\n";
}
"""


@needs("php")
def scenario_php_datagrams(stage):
    stage.go_datagram()
    server = stage.start("php", stage.file("server.php", PHP_SERVER), udp=7000)
    output = stage.run("php", stage.file("client.php", PHP_CLIENT))
    for size in (1, 8000):
        stage.matches(output, rf"^stream {ADDRESS}:{PORT} {size} {ADDRESS}:7000 {ADDRESS}:7000$")
    stage.matches(output, rf"^socket {ADDRESS}:{PORT} 5 {ADDRESS}:7000 {ADDRESS} 7000$")
    server.end(signal.SIGTERM, [-15])
    stage.stale(udp=(7000,))


TCL = """
package require udp
set server [udp_open 7000]
fconfigure $server -buffering none -translation binary -blocking 0
fileevent $server readable {
    set data [read $server]
    set peer [fconfigure $server -peer]
    puts "heard $data $peer"
    fconfigure $server -remote $peer
    puts -nonewline $server "[string toupper $data]"
}
set client [udp_open]
fconfigure $client -buffering none -translation binary -blocking 0 -remote {127.0.0.1 7000}
fileevent $client readable { puts "answer [read $client] [fconfigure $client -peer]"; set done 1 }
puts -nonewline $client hello
after 60000 { set done late }
vwait done
puts "end $done"
"""


@needs("tclsh", "/usr/lib/tcltk/x86_64-linux-gnu/udp1.0.11/pkgIndex.tcl")
def scenario_tcl_datagrams(stage):
    stage.go_datagram()
    output = stage.run("tclsh", stage.file("both.tcl", TCL))
    stage.matches(output, rf"^heard hello {ADDRESS} {PORT}$")
    stage.matches(output, rf"^answer HELLO {ADDRESS} 7000$")
    stage.matches(output, "^end 1$")
