"""The echo service by grpcio: `python_echo.py server PORT`, `python_echo.py client ADDRESS`; a line a case, as grpc-go's."""

import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf.wrappers_pb2 import StringValue

SERVICE = "weft.test.Echo"
REFUSAL = "no größe today"
LARGE = "0123456789abcdef" * 65_536


def unary(request, context):
    asked = dict(context.invocation_metadata())
    context.set_trailing_metadata((("echo-trailer", asked.get("echo", "")),))
    return request


def fail(_request, context):
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, REFUSAL)


def slow(request, context):
    gone = threading.Event()
    context.add_callback(gone.set)
    gone.wait(10)
    return request


def many(request, _context):
    for i in range(100):
        yield StringValue(value=f"{request.value} {i}")


def collect(requests, _context):
    return StringValue(value=str(sum(1 for _ in requests)))


def chat(requests, _context):
    yield from requests


def serve(port):
    said = {"request_deserializer": StringValue.FromString, "response_serializer": StringValue.SerializeToString}
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary, **said),
        "Fail": grpc.unary_unary_rpc_method_handler(fail, **said),
        "Slow": grpc.unary_unary_rpc_method_handler(slow, **said),
        "Many": grpc.unary_stream_rpc_method_handler(many, **said),
        "Collect": grpc.stream_unary_rpc_method_handler(collect, **said),
        "Chat": grpc.stream_stream_rpc_method_handler(chat, **said),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def stub(channel, kind, method):
    return getattr(channel, kind)(
        f"/{SERVICE}/{method}",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )


def text(value):
    return StringValue(value=value)


def expect(condition, got):
    if not condition:
        raise AssertionError(f"got {str(got)[:200]}")


def check_unary(channel):
    call = stub(channel, "unary_unary", "Unary")
    answer, state = call.with_call(text("hello"), timeout=10, metadata=(("echo", "back"),))
    expect(answer.value == "hello" and dict(state.trailing_metadata()).get("echo-trailer") == "back", answer)


def check_large(channel):
    answer = stub(channel, "unary_unary", "Unary")(text(LARGE), timeout=10)
    expect(answer.value == LARGE, len(answer.value))


def check_fail(channel):
    try:
        stub(channel, "unary_unary", "Fail")(text("x"), timeout=10)
    except grpc.RpcError as error:
        expect(error.code() == grpc.StatusCode.FAILED_PRECONDITION and error.details() == REFUSAL, error)
        return
    expect(False, "an answer")


def check_deadline(channel):
    try:
        stub(channel, "unary_unary", "Slow")(text("x"), timeout=0.3)
    except grpc.RpcError as error:
        expect(error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error)
        return
    expect(False, "an answer")


def check_many(channel):
    answers = [each.value for each in stub(channel, "unary_stream", "Many")(text("n"), timeout=10)]
    expect(answers == [f"n {i}" for i in range(100)], answers)


def check_collect(channel):
    answer = stub(channel, "stream_unary", "Collect")((text("x") for _ in range(100)), timeout=10)
    expect(answer.value == "100", answer)


def check_chat(channel):
    turn = threading.Semaphore(0)

    def asked():
        for i in range(20):
            yield text(f"ping {i}")
            turn.acquire()

    count = 0
    for answer in stub(channel, "stream_stream", "Chat")(asked(), timeout=10):
        expect(answer.value == f"ping {count}", answer)
        count += 1
        turn.release()
    expect(count == 20, count)


def check_cancel(channel):
    over = threading.Event()

    def asked():
        yield text("x")
        over.wait(10)

    call = stub(channel, "stream_stream", "Chat")(asked(), timeout=10)
    next(call)
    call.cancel()
    over.set()
    time.sleep(0.05)
    expect(call.code() == grpc.StatusCode.CANCELLED, call.code())


def check(address):
    limits = [("grpc.max_receive_message_length", 8 << 20)]
    with grpc.insecure_channel(address, options=limits) as channel:
        for name in ("unary", "large", "fail", "deadline", "many", "collect", "chat", "cancel"):
            try:
                globals()[f"check_{name}"](channel)
                print(f"ok {name}", flush=True)
            except Exception as error:
                print(f"failed {name}: {error}", flush=True)


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "server" else check(sys.argv[2])
