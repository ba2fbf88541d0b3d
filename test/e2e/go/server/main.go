// A plain net/http server, as an application that knows nothing of the mesh.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello from go to %s\n", r.Host)
	})
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Length")
		// Else net/http stops reading once it has begun to answer.
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			log.Print(err)
		}
		n, err := io.Copy(w, r.Body)
		if err != nil {
			log.Print(err)
		}
		w.Header().Set("X-Length", fmt.Sprint(n))
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
