"""A gRPC program that speaks xDS itself, by grpcio (C-core). What it understands is described in probe.ts."""

import json
import queue
import sys
import threading
import time
from concurrent import futures

import grpc


def raw(value):
    return value


def peer_of(context):
    for name in context.auth_context().get("x509_subject_alternative_name", []):
        if name.startswith(b"spiffe://"):
            return name.decode()
    return ""


class Probe(grpc.GenericRpcHandler):
    def __init__(self, name):
        self.name = name
        self.tries = {}
        self.lock = threading.Lock()

    def service(self, details):
        word = details.method.rpartition("/")[2]
        return grpc.unary_unary_rpc_method_handler(getattr(self, word.lower()), raw, raw)

    def who(self, _, context):
        return json.dumps({"name": self.name, "peer": peer_of(context)}).encode()

    def slow(self, body, context):
        time.sleep(int(body) / 1000)
        return self.who(body, context)

    def flaky(self, body, context):
        key, failures = body.decode().split(",")
        with self.lock:
            self.tries[key] = self.tries.get(key, 0) + 1
            tried = self.tries[key]
        if tried <= int(failures):
            context.abort(grpc.StatusCode.UNAVAILABLE, "flaky")
        return self.who(body, context)

    def fail(self, body, context):
        if body.decode() in (self.name, "all"):
            context.abort(grpc.StatusCode.INTERNAL, "failing")
        return self.who(body, context)


def serve(over_xds, address, name):
    server = grpc.server(futures.ThreadPoolExecutor(16), handlers=[Probe(name)], xds=over_xds)
    clear = grpc.insecure_server_credentials() if over_xds else None
    if over_xds:
        server.add_secure_port(address, grpc.xds_server_credentials(clear))
    else:
        server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


def call(over_xds):
    channels = {}
    for line in sys.stdin:
        what = json.loads(line)
        target = what.pop("target")
        fresh = what.pop("fresh", False)
        if fresh or target not in channels:
            options = [("grpc.use_local_subchannel_pool", 1)] if fresh else []
            credentials = grpc.xds_channel_credentials()
            channel = (
                grpc.secure_channel(target, credentials, options)
                if over_xds
                else grpc.insecure_channel(target, options)
            )
            if not fresh:
                channels[target] = channel
        else:
            channel = channels[target]
        print(json.dumps(run(channel, **what)), flush=True)
        if fresh:
            channel.close()


def run(channel, method, body, count, concurrency, timeoutMs, headers=None, pauseMs=0):
    result = {"names": {}, "peers": {}, "errors": {}, "ms": 0}
    lock = threading.Lock()
    invoke = channel.unary_unary(f"/probe.Probe/{method}", raw, raw)
    work = queue.Queue()
    for n in range(count):
        work.put(n)

    def add(to, key):
        with lock:
            result[to][key] = result[to].get(key, 0) + 1

    def worker():
        while True:
            try:
                n = work.get_nowait()
            except queue.Empty:
                return
            if pauseMs > 0:
                time.sleep(pauseMs / 1000)
            metadata = [(key, value.replace("%", str(n))) for key, value in (headers or {}).items()]
            try:
                told = json.loads(invoke(body.encode(), timeout=timeoutMs / 1000, metadata=metadata))
                add("names", told["name"])
                add("peers", told["peer"])
            except grpc.RpcError as error:
                add("errors", f"{error.code().value[0]} {error.details()}")

    began = time.monotonic()
    threads = [threading.Thread(target=worker) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result["ms"] = round((time.monotonic() - began) * 1000)
    return result


if __name__ == "__main__":
    role, kind = sys.argv[1:3]
    if role == "server":
        serve(kind == "xds", sys.argv[3], sys.argv[4])
    else:
        call(kind == "xds")
