"""Calls a service over HTTP/2 with prior knowledge, by the library h2 alone: h2_client.py HOST PORT."""

import hashlib
import socket
import sys

import h2.config
import h2.connection
import h2.events

STREAMS = 20
BODY = bytes(range(251)) * 4_000


class Client:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=10)
        self.authority = f"{host}:{port}"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.unsent = {}
        self.answers = {}
        self.done = set()

    def ask(self, method, path, body=b""):
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":path", path), (":scheme", "http"), (":authority", self.authority)]
        self.h2.send_headers(stream, fields, end_stream=not body)
        self.answers[stream] = ["", b""]
        if body:
            self.unsent[stream] = body
        return stream

    def push(self):
        for stream, body in list(self.unsent.items()):
            while body and (room := min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)):
                self.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
                body = body[room:]
            self.unsent[stream] = body
            if not body:
                del self.unsent[stream]
        self.socket.sendall(self.h2.data_to_send())

    def run(self):
        while len(self.done) < len(self.answers):
            self.push()
            data = self.socket.recv(65_536)
            if not data:
                raise SystemExit("the connection ended early")
            for event in self.h2.receive_data(data):
                self.take(event)

    def take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.answers[event.stream_id][0] = dict(event.headers)[b":status"].decode()
        elif isinstance(event, h2.events.DataReceived):
            self.answers[event.stream_id][1] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.done.add(event.stream_id)
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise SystemExit(f"failed: {event}")


client = Client(sys.argv[1], int(sys.argv[2]))
hello = [client.ask("GET", f"/hello/{number}") for number in range(STREAMS)]
echo = client.ask("POST", "/echo", BODY)
client.run()
for number, stream in enumerate(hello):
    assert client.answers[stream] == ["200", f"2 GET /hello/{number}\n".encode()], client.answers[stream]
status, body = client.answers[echo]
assert status == "200" and hashlib.sha256(body).digest() == hashlib.sha256(BODY).digest(), (status, len(body))
print(f"ok {STREAMS}")
