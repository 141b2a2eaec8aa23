// SPDX-License-Identifier: LGPL-2.1-or-later

// A server in Go, which makes its system calls by itself: nothing that is preloaded can redirect
// them, so the generator has to refuse it.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			os.Exit(1)
		}
		fmt.Fprintf(connection, "HTTP/1.0 200 OK\r\n\r\nGo on %s\n", os.Args[1])
		connection.Close()
	}
}
