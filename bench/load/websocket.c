/* WebSocket messages of 64 bytes to an echo in a closed loop: websocket HOST PORT CONNECTIONS SECONDS. */
#include "load.h"

enum { PAYLOAD = 64, SENT = 2 + 4 + PAYLOAD, ECHOED = 2 + PAYLOAD, BUFFER = 4096 };

struct connection {
  int fd, open, length;
  uint64_t sent_at;
  char in[BUFFER];
};

static const char upgrade[] = "GET /echo HTTP/1.1\r\nHost: backend\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static void send_message(struct connection *c) {
  uint8_t frame[SENT] = {0x82, 0x80 | PAYLOAD, 1, 2, 3, 4};
  for (int i = 0; i < PAYLOAD; i++) frame[6 + i] = i ^ frame[2 + i % 4];
  c->sent_at = now_ns();
  if (write(c->fd, frame, SENT) != SENT) fail("write");
}

int main(int argc, char **argv) {
  if (argc != 5) return fprintf(stderr, "websocket HOST PORT CONNECTIONS SECONDS\n"), 2;
  int count = atoi(argv[3]), epoll = epoll_create1(0);
  uint64_t answered = 0, failed = 0, end = now_ns() + (uint64_t)(atof(argv[4]) * 1e9);
  struct connection *connections = calloc(count, sizeof *connections);
  for (int i = 0; i < count; i++) {
    struct connection *c = &connections[i];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = connect_to(argv[1], argv[2]);
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
    if (write(c->fd, upgrade, sizeof upgrade - 1) != sizeof upgrade - 1) fail("write");
  }
  while (now_ns() < end) {
    struct epoll_event events[64];
    int n = epoll_wait(epoll, events, 64, 100);
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      c->length += read_some(c->fd, c->in + c->length, BUFFER - 1 - c->length);
      c->in[c->length] = 0;
      if (!c->open) {
        if (!strstr(c->in, "\r\n\r\n")) continue;
        if (memcmp(c->in + 9, "101", 3)) fail("the upgrade was refused");
        c->open = 1;
      } else {
        if (c->length < ECHOED) continue;
        if (c->length > ECHOED || c->in[1] != PAYLOAD || c->in[2 + 5] != 5) failed++;
        answered++;
        note_latency(now_ns() - c->sent_at);
      }
      c->length = 0;
      send_message(c);
    }
  }
  tell(answered, failed);
  return 0;
}
