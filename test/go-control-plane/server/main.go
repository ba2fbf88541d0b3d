// A management server on the go-control-plane library, told over HTTP what its snapshot holds. Its resources are made by
// the library's own test package, so that the proxy meets what other control planes send.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	clusters "github.com/envoyproxy/go-control-plane/envoy/service/cluster/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	endpoints "github.com/envoyproxy/go-control-plane/envoy/service/endpoint/v3"
	listeners "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	routes "github.com/envoyproxy/go-control-plane/envoy/service/route/v3"
	secrets "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	xds "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/config"
	"github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"github.com/envoyproxy/go-control-plane/pkg/test"
	"github.com/envoyproxy/go-control-plane/pkg/test/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	nodeID     = "edge-1"
	secretName = "server-cert"
)

// snapshot is what a test asks for. Ports are of 127.0.0.1.
type snapshot struct {
	Version  string
	Clusters map[string][]uint32
	// Cluster and weight, by the name of the route configuration.
	Routes    map[string]map[string]uint32
	Listeners []struct {
		Name, Route string
		Port        uint32
		TLS         bool
	}
	TCP []struct {
		Name, Cluster string
		Port          uint32
	}
	// PEM of the certificate that TLS listeners present.
	Chain, Key string
	// Adds a filter that no proxy knows to this listener.
	Bad string
}

type refusal struct{ Type, Message string }

type refusals struct {
	sync.Mutex
	list []refusal
}

func (r *refusals) add(typeURL, message string) {
	r.Lock()
	defer r.Unlock()
	r.list = append(r.list, refusal{typeURL, message})
}

func main() {
	mode := flag.String("xds", resource.Ads, "ads, xds, rest, delta, delta-ads")
	mux := flag.Bool("mux", false, "endpoints from a linear cache")
	flag.Parse()

	seen := &refusals{list: []refusal{}}
	snapshots := cache.NewSnapshotCache(*mode == resource.Ads, cache.IDHash{}, nil)
	linear := cache.NewLinearCache(xds.EndpointType)
	var served cache.Cache = snapshots
	if *mux {
		served = &cache.MuxCache{
			Classify: func(request *cache.Request) string {
				if request.GetTypeUrl() == xds.EndpointType {
					return "endpoints"
				}
				return "rest"
			},
			Caches: map[string]cache.Cache{"rest": snapshots, "endpoints": linear},
		}
	}
	callbacks := server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, request *discovery.DiscoveryRequest) error {
			if request.ErrorDetail != nil {
				seen.add(request.TypeUrl, request.ErrorDetail.Message)
			}
			return nil
		},
		StreamDeltaRequestFunc: func(_ int64, request *discovery.DeltaDiscoveryRequest) error {
			if request.ErrorDetail != nil {
				seen.add(request.TypeUrl, request.ErrorDetail.Message)
			}
			return nil
		},
	}
	options := []config.XDSOption{}
	if *mode == resource.Ads {
		options = append(options, sotw.WithOrderedADS())
	}
	management := server.NewServer(context.Background(), served, callbacks, options...)

	streams := listen()
	polls := listen()
	control := listen()
	grpcServer := grpc.NewServer()
	register(grpcServer, management)
	go func() { log.Fatal(grpcServer.Serve(streams)) }()
	go func() {
		log.Fatal(http.Serve(polls, &test.HTTPGateway{Gateway: server.HTTPGateway{Server: management}}))
	}()

	handler := http.NewServeMux()
	handler.HandleFunc("/snapshot", func(w http.ResponseWriter, r *http.Request) {
		var wanted snapshot
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		next, err := wanted.build(*mode)
		if err == nil && wanted.Bad == "" {
			err = next.Consistent()
		}
		if err == nil {
			err = snapshots.SetSnapshot(r.Context(), nodeID, next)
		}
		if err == nil && *mux {
			linear.SetResources(next.GetResources(xds.EndpointType))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	handler.HandleFunc("/refusals", func(w http.ResponseWriter, _ *http.Request) {
		seen.Lock()
		defer seen.Unlock()
		_ = json.NewEncoder(w).Encode(seen.list)
	})
	fmt.Printf("{\"streams\":%d,\"polls\":%d,\"control\":%d}\n", port(streams), port(polls), port(control))
	log.Fatal(http.Serve(control, handler))
}

func register(to *grpc.Server, management server.Server) {
	discovery.RegisterAggregatedDiscoveryServiceServer(to, management)
	clusters.RegisterClusterDiscoveryServiceServer(to, management)
	endpoints.RegisterEndpointDiscoveryServiceServer(to, management)
	listeners.RegisterListenerDiscoveryServiceServer(to, management)
	routes.RegisterRouteDiscoveryServiceServer(to, management)
	secrets.RegisterSecretDiscoveryServiceServer(to, management)
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func port(listener net.Listener) int { return listener.Addr().(*net.TCPAddr).Port }

func (s snapshot) build(mode string) (*cache.Snapshot, error) {
	var clusters, endpoints, routes, listeners, secrets []types.Resource
	for name, ports := range s.Clusters {
		clusters = append(clusters, resource.MakeCluster(mode, name))
		endpoints = append(endpoints, assignment(name, ports))
	}
	for name, weights := range s.Routes {
		routes = append(routes, weighted(name, weights))
	}
	for _, wanted := range s.Listeners {
		made := resource.MakeRouteHTTPListener(mode, wanted.Name, wanted.Port, wanted.Route)
		if wanted.TLS {
			if err := secure(made); err != nil {
				return nil, err
			}
		}
		if wanted.Name == s.Bad {
			if err := spoil(made); err != nil {
				return nil, err
			}
		}
		listeners = append(listeners, made)
	}
	for _, wanted := range s.TCP {
		listeners = append(listeners, resource.MakeTCPListener(wanted.Name, wanted.Port, wanted.Cluster))
	}
	if s.Chain != "" {
		secrets = append(secrets, &auth.Secret{
			Name: secretName,
			Type: &auth.Secret_TlsCertificate{TlsCertificate: &auth.TlsCertificate{
				CertificateChain: inline(s.Chain),
				PrivateKey:       inline(s.Key),
			}},
		})
	}
	return cache.NewSnapshot(s.Version, map[xds.Type][]types.Resource{
		xds.ClusterType:  clusters,
		xds.EndpointType: endpoints,
		xds.RouteType:    routes,
		xds.ListenerType: listeners,
		xds.SecretType:   secrets,
	})
}

func inline(text string) *core.DataSource {
	return &core.DataSource{Specifier: &core.DataSource_InlineString{InlineString: text}}
}

func assignment(name string, ports []uint32) *endpoint.ClusterLoadAssignment {
	made := resource.MakeEndpoint(name, 0)
	made.Endpoints[0].LbEndpoints = nil
	for _, port := range ports {
		one := resource.MakeEndpoint(name, port)
		made.Endpoints[0].LbEndpoints = append(made.Endpoints[0].LbEndpoints, one.Endpoints[0].LbEndpoints...)
	}
	return made
}

func weighted(name string, weights map[string]uint32) *route.RouteConfiguration {
	made := resource.MakeRouteConfig(name, "")
	split := &route.WeightedCluster{}
	for cluster, weight := range weights {
		split.Clusters = append(split.Clusters, &route.WeightedCluster_ClusterWeight{
			Name:   cluster,
			Weight: wrapperspb.UInt32(weight),
		})
	}
	made.VirtualHosts[0].Routes[0].GetRoute().ClusterSpecifier = &route.RouteAction_WeightedClusters{
		WeightedClusters: split,
	}
	return made
}

// secure takes the certificate from where the listener's routes come from.
func secure(made *listener.Listener) error {
	manager, err := managerOf(made)
	if err != nil {
		return err
	}
	context, err := anypb.New(&auth.DownstreamTlsContext{CommonTlsContext: &auth.CommonTlsContext{
		TlsCertificateSdsSecretConfigs: []*auth.SdsSecretConfig{{
			Name:      secretName,
			SdsConfig: manager.GetRds().ConfigSource,
		}},
	}})
	made.FilterChains[0].TransportSocket = &core.TransportSocket{
		Name:       "envoy.transport_sockets.tls",
		ConfigType: &core.TransportSocket_TypedConfig{TypedConfig: context},
	}
	return err
}

func spoil(made *listener.Listener) error {
	manager, err := managerOf(made)
	if err != nil {
		return err
	}
	unknown, err := anypb.New(&structpb.Struct{})
	if err != nil {
		return err
	}
	filter := &hcm.HttpFilter{Name: "unheard-of", ConfigType: &hcm.HttpFilter_TypedConfig{TypedConfig: unknown}}
	manager.HttpFilters = append([]*hcm.HttpFilter{filter}, manager.HttpFilters...)
	packed, err := anypb.New(manager)
	made.FilterChains[0].Filters[0].ConfigType = &listener.Filter_TypedConfig{TypedConfig: packed}
	return err
}

func managerOf(made *listener.Listener) (*hcm.HttpConnectionManager, error) {
	manager := &hcm.HttpConnectionManager{}
	err := made.FilterChains[0].Filters[0].GetTypedConfig().UnmarshalTo(manager)
	return manager, err
}
