// A gRPC program that speaks xDS itself, by grpc-go: `probe server xds|plain ADDRESS NAME` and `probe client xds|plain`.
// The protocol of all three languages' programs is described in ../probe.ts.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	xdscreds "google.golang.org/grpc/credentials/xds"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/xds"
)

// rawCodec passes bytes: the probe has no messages.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (rawCodec) Name() string { return "proto" }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2] == "xds", os.Args[3], os.Args[4])
	} else {
		call(os.Args[2] == "xds")
	}
}

type server struct {
	name  string
	mu    sync.Mutex
	tries map[string]int
}

func (s *server) handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var body []byte
	if err := stream.RecvMsg(&body); err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(method, "/Slow"):
		ms, _ := strconv.Atoi(string(body))
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	case strings.HasSuffix(method, "/Flaky"):
		key, failures, _ := strings.Cut(string(body), ",")
		limit, _ := strconv.Atoi(failures)
		s.mu.Lock()
		s.tries[key]++
		tried := s.tries[key]
		s.mu.Unlock()
		if tried <= limit {
			return status.Error(codes.Unavailable, "flaky")
		}
	case strings.HasSuffix(method, "/Fail"):
		if string(body) == s.name || string(body) == "all" {
			return status.Error(codes.Internal, "failing")
		}
	}
	answer, _ := json.Marshal(map[string]string{"name": s.name, "peer": peerOf(stream.Context())})
	return stream.SendMsg(&answer)
}

func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && info.SPIFFEID != nil {
			return info.SPIFFEID.String()
		}
	}
	return ""
}

func serve(overXds bool, address string, name string) {
	listener, err := net.Listen("tcp", address)
	check(err)
	s := &server{name: name, tries: map[string]int{}}
	options := []grpc.ServerOption{grpc.ForceServerCodec(rawCodec{}), grpc.UnknownServiceHandler(s.handle)}
	if !overXds {
		check(grpc.NewServer(options...).Serve(listener))
		return
	}
	creds, err := xdscreds.NewServerCredentials(xdscreds.ServerOptions{FallbackCreds: insecure.NewCredentials()})
	check(err)
	mode := xds.ServingModeCallback(func(addr net.Addr, args xds.ServingModeChangeArgs) {
		fmt.Fprintln(os.Stderr, "serving mode of", addr, args.Mode, args.Err)
	})
	xdsServer, err := xds.NewGRPCServer(append(options, grpc.Creds(creds), mode)...)
	check(err)
	check(xdsServer.Serve(listener))
}

type command struct {
	Fresh       bool              `json:"fresh"`
	PauseMs     int               `json:"pauseMs"`
	Target      string            `json:"target"`
	Method      string            `json:"method"`
	Body        string            `json:"body"`
	Count       int               `json:"count"`
	Concurrency int               `json:"concurrency"`
	TimeoutMs   int               `json:"timeoutMs"`
	Headers     map[string]string `json:"headers"`
}

type result struct {
	Names  map[string]int `json:"names"`
	Peers  map[string]int `json:"peers"`
	Errors map[string]int `json:"errors"`
	Ms     int64          `json:"ms"`
}

func call(overXds bool) {
	creds := insecure.NewCredentials()
	if overXds {
		var err error
		creds, err = xdscreds.NewClientCredentials(xdscreds.ClientOptions{FallbackCreds: insecure.NewCredentials()})
		check(err)
	}
	channels := map[string]*grpc.ClientConn{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		check(json.Unmarshal(lines.Bytes(), &c))
		conn := channels[c.Target]
		if conn == nil || c.Fresh {
			target := c.Target
			if name, found := strings.CutPrefix(target, "env:"); found {
				target = net.JoinHostPort(os.Getenv(name+"_SERVICE_HOST"), os.Getenv(name+"_SERVICE_PORT"))
			}
			var err error
			conn, err = grpc.NewClient(target, grpc.WithTransportCredentials(creds), grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})), grpc.WithNoProxy())
			check(err)
			if !c.Fresh {
				channels[c.Target] = conn
			}
		}
		out, _ := json.Marshal(run(conn, c))
		if c.Fresh {
			check(conn.Close())
		}
		fmt.Println(string(out))
	}
}

func run(conn *grpc.ClientConn, c command) result {
	r := result{Names: map[string]int{}, Peers: map[string]int{}, Errors: map[string]int{}}
	var mu sync.Mutex
	var wait sync.WaitGroup
	work := make(chan int)
	began := time.Now()
	for i := 0; i < c.Concurrency; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := range work {
				time.Sleep(time.Duration(c.PauseMs) * time.Millisecond)
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.TimeoutMs)*time.Millisecond)
				for name, value := range c.Headers {
					ctx = metadata.AppendToOutgoingContext(ctx, name, strings.ReplaceAll(value, "%", strconv.Itoa(n)))
				}
				body, answer := []byte(c.Body), []byte{}
				err := conn.Invoke(ctx, "/probe.Probe/"+c.Method, &body, &answer, grpc.WaitForReady(false))
				cancel()
				var told struct{ Name, Peer string }
				_ = json.Unmarshal(answer, &told)
				mu.Lock()
				if err != nil {
					r.Errors[strconv.Itoa(int(status.Code(err)))+" "+status.Convert(err).Message()]++
				} else {
					r.Names[told.Name]++
					r.Peers[told.Peer]++
				}
				mu.Unlock()
			}
		}()
	}
	for n := 0; n < c.Count; n++ {
		work <- n
	}
	close(work)
	wait.Wait()
	r.Ms = time.Since(began).Milliseconds()
	return r
}
