"""Python's h2 as a strict reader: a connection a line in (JSON: role, frames in hex), what it made of it a line out."""
import json
import sys

import h2.config
import h2.connection
import h2.events
import h2.exceptions

ASKED = json.loads(sys.argv[1])


def text(pairs):
    return [[n.decode("latin1"), v.decode("latin1")] for n, v in pairs]


def read(role, frames):
    is_client = role == "client"
    config = h2.config.H2Configuration(
        client_side=is_client,
        header_encoding=None,
        validate_inbound_headers=True,
        normalize_inbound_headers=False,
        validate_outbound_headers=False,
    )
    c = h2.connection.H2Connection(config=config)
    c.initiate_connection()
    streams, failed, error = {}, -1, ""
    if is_client:
        for i, method in enumerate(ASKED):
            fields = [(":method", method), (":authority", "a")]
            if method != "CONNECT":
                fields += [(":scheme", "http"), (":path", "/")]
            c.send_headers(2 * i + 1, fields, end_stream=method not in ("POST", "CONNECT"))
    else:
        c.receive_data(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    for index, frame in enumerate(frames):
        try:
            events = c.receive_data(bytes.fromhex(frame))
        except Exception as e:
            failed, error = index, f"{type(e).__name__}: {e}"
            break
        for e in events:
            id = getattr(e, "stream_id", None)
            if isinstance(e, (h2.events.RequestReceived, h2.events.ResponseReceived)):
                streams[id] = {"id": id, "fields": text(e.headers), "body": "", "trailers": None, "done": False}
            elif isinstance(e, h2.events.DataReceived):
                streams[id]["body"] += e.data.decode("latin1")
            elif isinstance(e, h2.events.TrailersReceived):
                streams[id]["trailers"] = text(e.headers)
            elif isinstance(e, h2.events.StreamEnded) and id in streams:
                streams[id]["done"] = True
            elif isinstance(e, h2.events.StreamReset):
                if e.remote_reset is not True and failed < 0:
                    failed, error = index, f"reset {id} {e.error_code}"
        if failed >= 0:
            break
    return {"streams": list(streams.values()), "failed": failed, "error": error}


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(read(asked["role"], asked["frames"])), flush=True)
