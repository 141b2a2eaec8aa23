# SPDX-License-Identifier: LGPL-2.1-or-later
"""Java: its sockets are IPv6 with IPv4-mapped addresses, its threads many, its close() a dup2()."""

from stage import needs

# One program for both sides: the compiler takes longer than the test.
HTTP = """
import com.sun.net.httpserver.HttpServer;
import java.net.*;
import java.net.http.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;

public class Http {
    static String sum(byte[] data) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    }

    static void check(boolean condition, Object what) {
        if (!condition) throw new IllegalStateException(String.valueOf(what));
    }

    public static void main(String[] arguments) throws Exception {
        var address = new InetSocketAddress("127.0.0.1", 8080);
        var server = HttpServer.create(address, 0);
        var pool = Executors.newFixedThreadPool(8);
        server.setExecutor(pool);
        server.createContext("/", exchange -> {
            try {
                var peer = exchange.getRemoteAddress();
                var local = exchange.getLocalAddress();
                var body = exchange.getRequestBody().readAllBytes();
                var answer = (peer.getAddress().getHostAddress() + " " + peer.getPort() + " "
                    + local.getAddress().getHostAddress() + " " + local.getPort() + " "
                    + sum(body)).getBytes();
                exchange.sendResponseHeaders(200, answer.length);
                exchange.getResponseBody().write(answer);
                exchange.close();
            } catch (Exception e) {
                e.printStackTrace();
            }
        });
        server.start();
        System.out.println("listens on " + server.getAddress());
        var data = new byte[2_000_000];
        new Random(1).nextBytes(data);
        var wanted = sum(data);
        var uri = URI.create("http://127.0.0.1:8080/");
        var ports = ConcurrentHashMap.<String>newKeySet();
        var clients = Executors.newFixedThreadPool(8);
        var results = new ArrayList<Future<?>>();
        for (int thread = 0; thread < 8; thread++)
            results.add(clients.submit(() -> {
                var client = HttpClient.newHttpClient();
                for (int turn = 0; turn < 10; turn++) {
                    var body = turn % 5 == 0 ? data : new byte[0];
                    var request = HttpRequest.newBuilder(uri)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(body)).build();
                    var answer = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
                    var words = answer.split(" ");
                    check(words[0].equals("127.0.0.1") && Integer.parseInt(words[1]) > 1024
                        && words[2].equals("127.0.0.1") && words[3].equals("8080"), answer);
                    check(words[4].equals(sum(body)), "what arrived is not what was sent");
                    ports.add(words[1]);
                }
                return null;
            }));
        for (var result : results) result.get();
        check(ports.size() >= 8, ports);
        try {
            var client = HttpClient.newHttpClient();
            client.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:9/")).build(),
                HttpResponse.BodyHandlers.ofString());
            check(false, "port 9 answers");
        } catch (ConnectException refused) {
            System.out.println("refused");
        }
        server.stop(0);
        pool.shutdown();
        clients.shutdown();
        System.out.println("done");
        System.exit(0);
    }
}
"""

PLAIN = """
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.util.*;

public class Plain {
    static void check(boolean condition, Object what) {
        if (!condition) throw new IllegalStateException(String.valueOf(what));
    }

    static void same(Object got, Object wanted) {
        check(got.equals(wanted), "got " + got + ", wanted " + wanted);
    }

    static void blocking(InetAddress loopback) throws Exception {
        try (var server = new ServerSocket(0, 50, loopback)) {
            check(server.getLocalPort() > 1024, server);
            server.setSoTimeout(50);
            try {
                server.accept();
                check(false, "accept without a client");
            } catch (SocketTimeoutException late) {
                server.setSoTimeout(0);
            }
            try (var client = new Socket()) {
                client.setTcpNoDelay(true);
                client.setKeepAlive(true);
                client.setReceiveBufferSize(65536);
                client.setTrafficClass(16);
                client.connect(server.getLocalSocketAddress(), 60000);
                try (var accepted = server.accept()) {
                    same(client.getRemoteSocketAddress(), server.getLocalSocketAddress());
                    same(accepted.getLocalPort(), server.getLocalPort());
                    same(accepted.getInetAddress(), loopback);
                    check(accepted.getPort() > 1024 && client.getLocalPort() > 1024, accepted);
                    check(client.getTcpNoDelay() && client.getKeepAlive(), "options are lost");
                    client.getOutputStream().write(new byte[] { 1, 2, 3 });
                    same(accepted.getInputStream().readNBytes(3).length, 3);
                    client.shutdownOutput();
                    same(accepted.getInputStream().read(), -1);
                    client.setSoTimeout(50);
                    try {
                        client.getInputStream().read();
                        check(false, "read without data");
                    } catch (SocketTimeoutException late) { }
                }
                same(client.getInputStream().read(), -1);
            }
        }
    }

    // A thread that waits in accept() or read() is woken by close() in another one.
    static void asynchronousClose(InetAddress loopback) throws Exception {
        var server = new ServerSocket(0, 50, loopback);
        var client = new Socket(loopback, server.getLocalPort());
        var accepted = server.accept();
        var woken = new ArrayList<Thread>();
        woken.add(new Thread(() -> {
            try { server.accept(); } catch (IOException closed) { return; }
            System.exit(3);
        }));
        woken.add(new Thread(() -> {
            try { accepted.getInputStream().read(); } catch (IOException closed) { return; }
            System.exit(4);
        }));
        for (var thread : woken) thread.start();
        Thread.sleep(100);
        server.close();
        accepted.close();
        for (var thread : woken) { thread.join(60000); check(!thread.isAlive(), "still waits"); }
        same(client.getInputStream().read(), -1);
        client.close();
    }

    static void selector(InetAddress loopback) throws Exception {
        try (var selector = Selector.open(); var server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(loopback, 0)).configureBlocking(false);
            server.register(selector, SelectionKey.OP_ACCEPT);
            same(selector.selectNow(), 0);
            var client = SocketChannel.open();
            client.configureBlocking(false);
            // Registered before it is connected, as event loops do it.
            client.register(selector, SelectionKey.OP_CONNECT);
            if (client.connect(server.getLocalAddress()))
                client.keyFor(selector).interestOps(0);
            SocketChannel accepted = null;
            for (int turn = 0; turn < 600 && (accepted == null || !client.isConnected()); turn++) {
                selector.select(100);
                for (var key : selector.selectedKeys()) {
                    if (key.isAcceptable() && accepted == null) accepted = server.accept();
                    if (key.isConnectable()) { client.finishConnect(); key.interestOps(0); }
                }
                selector.selectedKeys().clear();
            }
            same(client.getRemoteAddress(), server.getLocalAddress());
            accepted.write(ByteBuffer.wrap("hello".getBytes()));
            client.keyFor(selector).interestOps(SelectionKey.OP_READ);
            check(selector.select(60000) == 1, "nothing to read");
            var buffer = ByteBuffer.allocate(10);
            same(client.read(buffer), 5);
            accepted.close();
            client.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        var loopback = InetAddress.getByName(arguments[0]);
        blocking(loopback);
        asynchronousClose(loopback);
        selector(loopback);
        try (var nobody = new Socket(loopback, 9)) {
            check(false, "port 9 answers");
        } catch (ConnectException refused) {
            System.out.println("done");
        }
    }
}
"""


def java(stage, *command):
    # Without the file that others could watch it by, and without what pays off later.
    return stage.run("java", "-XX:-UsePerfData", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                     *command)


@needs("java")
def scenario_java_http(stage):
    output = java(stage, stage.file("Http.java", HTTP))
    stage.matches(output, r"^listens on /127\.0\.0\.1:8080$")
    stage.matches(output, "^done$")
    stage.closed(8080)


@needs("java")
def scenario_java_http_ipv4(stage):
    output = java(stage, "-Djava.net.preferIPv4Stack=true", stage.file("Http.java", HTTP))
    stage.matches(output, "^done$")
    stage.closed(8080)


@needs("java")
def scenario_java_sockets(stage):
    path = stage.file("Plain.java", PLAIN)
    for address in ("127.0.0.1", "::1"):
        stage.matches(java(stage, path, address), "^done$")
