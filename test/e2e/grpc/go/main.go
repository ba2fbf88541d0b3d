// An echo service by grpc-go, as server and as client that checks all kinds of calls: `grpc-go server PORT`,
// `grpc-go client ADDRESS`. The client prints one line a case, `ok NAME` or `failed NAME: why`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const service = "weft.test.Echo"
const refusal = "no größe today"

type echo struct{}

func unary(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	asked, _ := metadata.FromIncomingContext(ctx)
	if err := grpc.SetTrailer(ctx, metadata.Pairs("echo-trailer", strings.Join(asked.Get("echo"), ","))); err != nil {
		return nil, err
	}
	return in, nil
}

func fail(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	if err := decode(new(wrapperspb.StringValue)); err != nil {
		return nil, err
	}
	return nil, status.Error(codes.FailedPrecondition, refusal)
}

func slow(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	select {
	case <-time.After(10 * time.Second):
		return in, nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

func many(_ any, stream grpc.ServerStream) error {
	in := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(in); err != nil {
		return err
	}
	for i := 0; i < 100; i++ {
		if err := stream.SendMsg(wrapperspb.String(fmt.Sprintf("%s %d", in.Value, i))); err != nil {
			return err
		}
	}
	return nil
}

func collect(_ any, stream grpc.ServerStream) error {
	count := 0
	for {
		err := stream.RecvMsg(new(wrapperspb.StringValue))
		if errors.Is(err, io.EOF) {
			return stream.SendMsg(wrapperspb.String(fmt.Sprint(count)))
		}
		if err != nil {
			return err
		}
		count++
	}
}

func chat(_ any, stream grpc.ServerStream) error {
	for {
		in := new(wrapperspb.StringValue)
		err := stream.RecvMsg(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.SendMsg(in); err != nil {
			return err
		}
	}
}

func serve(port string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Unary", Handler: unary}, {MethodName: "Fail", Handler: fail}, {MethodName: "Slow", Handler: slow},
		},
		Streams: []grpc.StreamDesc{
			{StreamName: "Many", Handler: many, ServerStreams: true},
			{StreamName: "Collect", Handler: collect, ClientStreams: true},
			{StreamName: "Chat", Handler: chat, ServerStreams: true, ClientStreams: true},
		},
	}, echo{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	return server.Serve(listener)
}

func call(ctx context.Context, to *grpc.ClientConn, method string, text string, options ...grpc.CallOption) (string, error) {
	out := new(wrapperspb.StringValue)
	err := to.Invoke(ctx, "/"+service+"/"+method, wrapperspb.String(text), out, options...)
	return out.Value, err
}

func open(ctx context.Context, to *grpc.ClientConn, method string) (grpc.ClientStream, error) {
	return to.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/"+service+"/"+method)
}

func checkUnary(ctx context.Context, to *grpc.ClientConn) error {
	trailer := metadata.MD{}
	out, err := call(metadata.AppendToOutgoingContext(ctx, "echo", "back"), to, "Unary", "hello", grpc.Trailer(&trailer))
	if err == nil && (out != "hello" || strings.Join(trailer.Get("echo-trailer"), "") != "back") {
		return fmt.Errorf("got %q and %v", out, trailer)
	}
	return err
}

func checkLarge(ctx context.Context, to *grpc.ClientConn) error {
	text := strings.Repeat("0123456789abcdef", 65_536)
	out, err := call(ctx, to, "Unary", text)
	if err == nil && out != text {
		return fmt.Errorf("%d bytes came back", len(out))
	}
	return err
}

func checkFail(ctx context.Context, to *grpc.ClientConn) error {
	_, err := call(ctx, to, "Fail", "x")
	if got := status.Convert(err); got.Code() != codes.FailedPrecondition || got.Message() != refusal {
		return fmt.Errorf("got %v", err)
	}
	return nil
}

func checkDeadline(ctx context.Context, to *grpc.ClientConn) error {
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := call(short, to, "Slow", "x"); status.Code(err) != codes.DeadlineExceeded {
		return fmt.Errorf("got %v", err)
	}
	return nil
}

func checkMany(ctx context.Context, to *grpc.ClientConn) error {
	stream, err := open(ctx, to, "Many")
	if err != nil {
		return err
	}
	if err := stream.SendMsg(wrapperspb.String("n")); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		in := new(wrapperspb.StringValue)
		err := stream.RecvMsg(in)
		if errors.Is(err, io.EOF) && i == 100 {
			return nil
		}
		if err != nil || in.Value != fmt.Sprintf("n %d", i) {
			return fmt.Errorf("message %d: %q, %v", i, in.Value, err)
		}
	}
}

func checkCollect(ctx context.Context, to *grpc.ClientConn) error {
	stream, err := open(ctx, to, "Collect")
	if err != nil {
		return err
	}
	for i := 0; i < 100; i++ {
		if err := stream.SendMsg(wrapperspb.String("x")); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	in := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(in); err != nil || in.Value != "100" {
		return fmt.Errorf("got %q, %v", in.Value, err)
	}
	return nil
}

// Each message waits for the answer to the one before: nothing on the way may hold one back.
func checkChat(ctx context.Context, to *grpc.ClientConn) error {
	stream, err := open(ctx, to, "Chat")
	if err != nil {
		return err
	}
	for i := 0; i < 20; i++ {
		text := fmt.Sprint("ping ", i)
		if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
			return err
		}
		in := new(wrapperspb.StringValue)
		if err := stream.RecvMsg(in); err != nil || in.Value != text {
			return fmt.Errorf("got %q, %v", in.Value, err)
		}
	}
	return stream.CloseSend()
}

func checkCancel(ctx context.Context, to *grpc.ClientConn) error {
	cut, cancel := context.WithCancel(ctx)
	stream, err := open(cut, to, "Chat")
	if err != nil {
		cancel()
		return err
	}
	if err := stream.SendMsg(wrapperspb.String("x")); err != nil {
		cancel()
		return err
	}
	if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != nil {
		cancel()
		return err
	}
	cancel()
	if err := stream.RecvMsg(new(wrapperspb.StringValue)); status.Code(err) != codes.Canceled {
		return fmt.Errorf("got %v", err)
	}
	return nil
}

func check(address string) error {
	to, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	cases := []struct {
		name string
		run  func(context.Context, *grpc.ClientConn) error
	}{
		{"unary", checkUnary}, {"large", checkLarge}, {"fail", checkFail}, {"deadline", checkDeadline},
		{"many", checkMany}, {"collect", checkCollect}, {"chat", checkChat}, {"cancel", checkCancel},
	}
	for _, each := range cases {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := each.run(ctx, to); err != nil {
			fmt.Printf("failed %s: %v\n", each.name, err)
		} else {
			fmt.Printf("ok %s\n", each.name)
		}
		cancel()
	}
	return to.Close()
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: grpc-go server PORT | grpc-go client ADDRESS")
		os.Exit(2)
	}
	run := check
	if os.Args[1] == "server" {
		run = serve
	}
	if err := run(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
