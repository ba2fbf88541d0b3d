// A control plane on the go-control-plane library that serves resources it is given: the peer of Weft's in bench/control.
// One snapshot a node over delta ADS with mTLS, as its users write it; changes come over HTTP.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	// The types of the resources.
	_ "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	xds "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// line is a resource, whose id is its position, or a node with the ids of its resources.
type line struct {
	Type      string
	Bytes     []byte
	Node      string
	Resources []int
}

type mesh struct {
	sync.Mutex
	snapshots cache.SnapshotCache
	types     []xds.Type
	resources []types.Resource
	nodes     map[string][]int
	// Nodes by the resource that they have.
	users   map[int][]string
	version int
}

func main() {
	file := flag.String("resources", "", "lines of JSON")
	cert := flag.String("cert", "", "PEM of the server's chain")
	key := flag.String("key", "", "PEM of its key")
	ca := flag.String("ca", "", "PEM of the clients' root")
	xdsAddress := flag.String("xds", "127.0.0.1:0", "")
	flag.Parse()
	m := &mesh{snapshots: cache.NewSnapshotCache(true, cache.IDHash{}, nil), nodes: map[string][]int{}, users: map[int][]string{}}
	if err := m.load(*file); err != nil {
		log.Fatal(err)
	}
	config, err := tlsConfig(*cert, *key, *ca)
	if err != nil {
		log.Fatal(err)
	}
	proxies, err := net.Listen("tcp", *xdsAddress)
	if err != nil {
		log.Fatal(err)
	}
	changes, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	rpc := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.MaxConcurrentStreams(100))
	discovery.RegisterAggregatedDiscoveryServiceServer(rpc, server.NewServer(context.Background(), m.snapshots, nil))
	go func() { log.Fatal(rpc.Serve(proxies)) }()
	fmt.Printf("{\"xds\":%q,\"changes\":%q}\n", proxies.Addr(), changes.Addr())
	log.Fatal(http.Serve(changes, m))
}

func tlsConfig(cert, key, ca string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	root, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{"h2"},
	}, nil
}

func (m *mesh) load(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return err
		}
		if l.Node == "" {
			resource, err := decode(l.Type, l.Bytes)
			if err != nil {
				return err
			}
			m.types = append(m.types, l.Type)
			m.resources = append(m.resources, resource)
			continue
		}
		m.nodes[l.Node] = l.Resources
		for _, id := range l.Resources {
			m.users[id] = append(m.users[id], l.Node)
		}
	}
	for node := range m.nodes {
		if err := m.publish(node); err != nil {
			return err
		}
	}
	return lines.Err()
}

func decode(typeURL string, bytes []byte) (types.Resource, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByURL(typeURL)
	if err != nil {
		return nil, err
	}
	message := kind.New().Interface()
	return message, proto.Unmarshal(bytes, message)
}

func (m *mesh) publish(node string) error {
	byType := map[xds.Type][]types.Resource{}
	for _, id := range m.nodes[node] {
		byType[m.types[id]] = append(byType[m.types[id]], m.resources[id])
	}
	snapshot, err := cache.NewSnapshot(strconv.Itoa(m.version), byType)
	if err != nil {
		return err
	}
	return m.snapshots.SetSnapshot(context.Background(), node, snapshot)
}

// ServeHTTP puts resources in place of those of their ids, for all nodes that have them. The body is, for each, its id, its
// length and its bytes, the numbers in four bytes, big-endian.
func (m *mesh) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Lock()
	defer m.Unlock()
	if err := m.change(bufio.NewReader(r.Body)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (m *mesh) change(body io.Reader) error {
	affected := map[string]bool{}
	for {
		var head struct{ ID, Length uint32 }
		if err := binary.Read(body, binary.BigEndian, &head); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if int(head.ID) >= len(m.resources) || head.Length > 16<<20 {
			return fmt.Errorf("no such resource: %d", head.ID)
		}
		bytes := make([]byte, head.Length)
		if _, err := io.ReadFull(body, bytes); err != nil {
			return err
		}
		resource, err := decode(m.types[head.ID], bytes)
		if err != nil {
			return err
		}
		m.resources[head.ID] = resource
		for _, node := range m.users[int(head.ID)] {
			affected[node] = true
		}
	}
	m.version++
	for node := range affected {
		if err := m.publish(node); err != nil {
			return err
		}
	}
	return nil
}
