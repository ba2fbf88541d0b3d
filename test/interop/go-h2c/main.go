// An HTTP/2 server without TLS, by prior knowledge: sends back what comes, and how much of it as a trailer.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Bytes")
		w.Header().Set("X-Proto", r.Proto)
		n, _ := io.Copy(w, r.Body)
		w.Header().Set("X-Bytes", fmt.Sprint(n))
	}
	server := &http.Server{Handler: http.HandlerFunc(echo), Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(server.Serve(listener))
}
