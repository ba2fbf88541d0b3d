/*
 * gRPC unary calls in a closed loop over HTTP/2 with prior knowledge: grpc HOST PORT CONNECTIONS STREAMS SECONDS.
 *
 * Every call has a traceparent of its own, and headers are compressed as gRPC libraries do it: all fields enter the
 * dynamic table (RFC 7541), so that the constant ones move up by one with each call and are sent anew before the table
 * of 4,096 bytes forgets them. That makes a cycle of blocks, encoded once; a call copies the next and writes its trace id.
 */
#include "load.h"

enum { MESSAGE = 105, CYCLE = 30, BUFFER = 1 << 20, FIELDS = 6, TRACE_HEX = 32 };
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE };

struct block {
  uint8_t bytes[512];
  int length, trace;
};

struct connection {
  int fd, in_length, out_length, call;
  uint32_t next_stream;
  uint64_t consumed;
  uint8_t in[BUFFER], out[BUFFER];
  uint64_t sent_at[1 << 16];
};

static struct block blocks[CYCLE];
static uint64_t serial = 0x9e3779b97f4a7c15ull, answered, failed, begin, end;

static int put_text(uint8_t *out, const char *text) {
  int length = strlen(text);
  out[0] = length;
  memcpy(out + 1, text, length);
  return length + 1;
}

static void make_blocks(const char *authority) {
  const char *fields[FIELDS][2] = {{":path", "/shop.Catalog/Get"}, {":authority", authority}, {"content-type", "application/grpc"},
                                   {"user-agent", "grpc-go/1.80.0"}, {"te", "trailers"}, {"grpc-timeout", "5S"}};
  /* Of the static table; 0: none. */
  const uint8_t names[FIELDS] = {4, 1, 31, 58, 0, 0};
  for (int i = 0; i < CYCLE; i++) {
    uint8_t *p = blocks[i].bytes;
    *p++ = 0x83; /* :method POST */
    *p++ = 0x86; /* :scheme http */
    for (int f = 0; f < FIELDS; f++) {
      if (i > 0) {
        /* Newest first from 62: i traces came after the fields, and the fields that followed this one. */
        *p++ = 0x80 | (62 + i + FIELDS - 1 - f);
        continue;
      }
      *p++ = 0x40 | names[f];
      if (names[f] == 0) p += put_text(p, fields[f][0]);
      p += put_text(p, fields[f][1]);
    }
    if (i == 0) {
      *p++ = 0x40;
      p += put_text(p, "traceparent");
    } else {
      *p++ = 0x40 | 62; /* The name of the trace before; 62 fits the prefix of six bits just so. */
    }
    *p++ = 55;
    memcpy(p, "00-", 3);
    blocks[i].trace = p + 3 - blocks[i].bytes;
    memset(p + 3, '0', TRACE_HEX);
    memcpy(p + 3 + TRACE_HEX, "-00f067aa0ba902b7-01", 20);
    blocks[i].length = p + 55 - blocks[i].bytes;
  }
}

static int put_head(uint8_t *p, int length, int type, int flags, uint32_t stream) {
  uint8_t head[9] = {length >> 16, length >> 8, length, type, flags, stream >> 24, stream >> 16, stream >> 8, stream};
  memcpy(p, head, 9);
  return 9;
}

static void call(struct connection *c) {
  const struct block *b = &blocks[c->call++ % CYCLE];
  uint8_t *p = c->out + c->out_length, *headers;
  p += put_head(p, b->length, HEADERS, 4, c->next_stream);
  headers = p;
  memcpy(p, b->bytes, b->length);
  p += b->length;
  uint64_t x = serial += 0x9e3779b97f4a7c15ull;
  for (int i = 0; i < TRACE_HEX; i++) {
    headers[b->trace + i] = "0123456789abcdef"[(x >> (i * 2 & 63)) & 15];
    if (i == 15) x *= 0xbf58476d1ce4e5b9ull;
  }
  p += put_head(p, MESSAGE, DATA, 1, c->next_stream);
  memset(p, 0, MESSAGE);
  p[4] = MESSAGE - 5;
  p += MESSAGE;
  c->sent_at[c->next_stream >> 1 & 0xffff] = now_ns();
  c->next_stream += 2;
  c->out_length = p - c->out;
}

static void flush(struct connection *c) {
  int at = 0;
  while (at < c->out_length) {
    int n = write(c->fd, c->out + at, c->out_length - at);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) fail("write");
    at += n;
  }
  memmove(c->out, c->out + at, c->out_length - at);
  c->out_length -= at;
}

static void on_end(struct connection *c, uint32_t stream, int ok) {
  uint64_t t = now_ns();
  if (!ok) failed++;
  if (t >= begin && t < end) {
    answered++;
    note_latency(t - c->sent_at[stream >> 1 & 0xffff]);
  }
  if (t < end) call(c);
}

static void on_frame(struct connection *c, int type, int flags, uint32_t stream, const uint8_t *payload, int length) {
  if (type == DATA) c->consumed += length;
  if ((type == DATA || type == HEADERS) && (flags & 1)) on_end(c, stream, 1);
  if (type == RST_STREAM) on_end(c, stream, 0);
  if (type == GOAWAY) fail("GOAWAY");
  if ((type == SETTINGS || type == PING) && !(flags & 1)) {
    int kept = type == PING ? length : 0;
    c->out_length += put_head(c->out + c->out_length, kept, type, 1, 0);
    memcpy(c->out + c->out_length, payload, kept);
    c->out_length += kept;
  }
  if (c->consumed >= 1 << 20) {
    uint32_t n = htonl(c->consumed);
    c->out_length += put_head(c->out + c->out_length, 4, WINDOW_UPDATE, 0, 0);
    memcpy(c->out + c->out_length, &n, 4);
    c->out_length += 4;
    c->consumed = 0;
  }
}

static void on_readable(struct connection *c) {
  c->in_length += read_some(c->fd, c->in + c->in_length, BUFFER - c->in_length);
  int at = 0;
  while (at + 9 <= c->in_length) {
    const uint8_t *p = c->in + at;
    int length = p[0] << 16 | p[1] << 8 | p[2];
    if (at + 9 + length > c->in_length) break;
    on_frame(c, p[3], p[4], ntohl(*(uint32_t *)(p + 5)) & 0x7fffffff, p + 9, length);
    at += 9 + length;
  }
  memmove(c->in, c->in + at, c->in_length - at);
  c->in_length -= at;
  flush(c);
}

static struct connection *open_connection(const char *host, const char *port) {
  /* INITIAL_WINDOW_SIZE and the connection's window so wide that answers never wait. */
  static const uint8_t hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                 "\0\0\x0c\x04\0\0\0\0\0\0\x02\0\0\0\0\0\x04\x3f\xff\xff\xff"
                                 "\0\0\x04\x08\0\0\0\0\0\x3f\xff\0\0";
  struct connection *c = calloc(1, sizeof *c);
  c->fd = connect_to(host, port);
  memcpy(c->out, hello, sizeof hello - 1);
  c->out_length = sizeof hello - 1;
  c->next_stream = 1;
  return c;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "grpc HOST PORT CONNECTIONS STREAMS SECONDS\n"), 2;
  int connections = atoi(argv[3]), streams = atoi(argv[4]);
  double seconds = atof(argv[5]);
  char authority[64];
  snprintf(authority, sizeof authority, "%s:%s", argv[1], argv[2]);
  make_blocks(authority);
  int epoll = epoll_create1(0);
  begin = now_ns();
  end = begin + seconds * 1e9;
  for (int i = 0; i < connections; i++) {
    struct connection *c = open_connection(argv[1], argv[2]);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
    for (int s = 0; s < streams; s++) call(c);
    flush(c);
  }
  while (now_ns() < end) {
    struct epoll_event events[64];
    int n = epoll_wait(epoll, events, 64, 100);
    for (int i = 0; i < n; i++) on_readable(events[i].data.ptr);
  }
  tell(answered, failed);
  return 0;
}
