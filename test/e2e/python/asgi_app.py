"""An application for hypercorn: says how it was asked, gives bodies back, sends events, and echoes WebSockets."""

import asyncio


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"].removeprefix("lifespan.")
            await send({"type": f"lifespan.{kind}.complete"})
            if kind == "shutdown":
                return
    elif scope["type"] == "websocket":
        await echo_messages(receive, send)
    elif scope["path"] == "/echo":
        await echo_body(receive, send)
    elif scope["path"] == "/events":
        await send(head(200, b"text/event-stream"))
        for number in range(5):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            await asyncio.sleep(0.1)
        await send({"type": "http.response.body"})
    else:
        await send(head(200, b"text/plain"))
        text = f"{scope['http_version']} {scope['method']} {scope['path']}\n"
        await send({"type": "http.response.body", "body": text.encode()})


def head(status, content_type):
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]}


async def echo_body(receive, send):
    await send(head(200, b"application/octet-stream"))
    more = True
    while more:
        part = await receive()
        if part["type"] == "http.disconnect":
            return
        more = part.get("more_body", False)
        await send({"type": "http.response.body", "body": part.get("body", b""), "more_body": more})


async def echo_messages(receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            return
        elif event.get("text") == "close me":
            await send({"type": "websocket.close", "code": 4000})
        else:
            await send({"type": "websocket.send", "bytes": event.get("bytes"), "text": event.get("text")})
