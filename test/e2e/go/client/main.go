// Gets each URL of its arguments with the default client, which reads the proxy variables; with "-echo URL" it posts a
// streamed body of a mebibyte and checks what comes back, the trailer included.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	if os.Args[1] == "-echo" {
		echo(os.Args[2])
		return
	}
	for _, url := range os.Args[1:] {
		answer, err := http.Get(url)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s", answer.StatusCode, body)
	}
}

func echo(url string) {
	sent := bytes.Repeat([]byte("0123456789abcdef"), 65536)
	// Without a known length: the body is chunked.
	answer, err := http.Post(url, "application/octet-stream", io.MultiReader(bytes.NewReader(sent)))
	if err != nil {
		log.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		log.Fatalf("sent %d bytes, got %d others", len(sent), len(got))
	}
	fmt.Printf("%d trailer %s\n", answer.StatusCode, answer.Trailer.Get("X-Length"))
}
