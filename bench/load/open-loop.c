/*
 * HTTP/1.1 requests at a fixed rate: open-loop HOST PORT RATE CONNECTIONS SECONDS. A latency counts from when the request
 * was to be sent, so that a stall is felt by all the requests that fell into it. The first second is not counted.
 */
#include "load.h"

enum { BUFFER = 1 << 16, HEAD = 2048 };
static const uint64_t SECOND = 1000000000ull;

struct connection {
  int fd, length;
  uint64_t due;
  char in[BUFFER];
};

/* About a kilobyte, as load/requests.lua sends it. Returns its length. */
static int make_request(char *out, uint64_t serial) {
  static const char filler[] = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d4c56ff4ce4aaf9573aa5dff913df997a"
                               "1679091c5a880faf6fb5e6087eb1b2dce4da3b7fbbce2345d7772b0674a318d5c51ce410c124a10e0db5e4b97fc2af39";
  return snprintf(out, HEAD,
                  "GET /api/route%lu/items/%lu?sort=price&page=2 HTTP/1.1\r\nHost: backend\r\n"
                  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36\r\n"
                  "Accept: application/json, text/plain, */*\r\nAccept-Language: en-GB,en;q=0.8\r\nAccept-Encoding: gzip, br\r\n"
                  "Authorization: Bearer %.180s\r\nCookie: session=%.40s; theme=dark; cart=%.24s\r\n"
                  "Referer: https://shop.example/catalog/%lu\r\nX-Request-Id: %016lx%016lx\r\nX-Tenant: tenant-%lu\r\n"
                  "Cache-Control: no-cache\r\ntraceparent: 00-%016lx%016lx-%016lx-01\r\n\r\n",
                  serial % 100, serial * 7919 % 99999, filler, filler, filler + 50, serial % 9999, serial, ~serial, serial % 9,
                  serial * 0x9e3779b97f4a7c15ul, serial + 1, serial * 0xbf58476d1ce4e5b9ul | 1);
}

/* Bytes of the answer that has come whole; 0: not yet. */
static int answer_length(struct connection *c) {
  c->in[c->length] = 0;
  char *end = strstr(c->in, "\r\n\r\n");
  if (!end) return 0;
  char *field = strcasestr(c->in, "\r\ncontent-length:");
  if (!field || field > end) fail("an answer without Content-Length");
  int whole = end + 4 - c->in + atoi(field + 17);
  return c->length >= whole ? whole : 0;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "open-loop HOST PORT RATE CONNECTIONS SECONDS\n"), 2;
  int count = atoi(argv[4]), idle_count = 0, epoll = epoll_create1(0);
  uint64_t gap = SECOND / atoi(argv[3]), sent = 0, answered = 0, failed = 0;
  struct connection *connections = calloc(count, sizeof *connections), **idle = calloc(count, sizeof *idle);
  for (int i = 0; i < count; i++) {
    struct connection *c = idle[idle_count++] = &connections[i];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = connect_to(argv[1], argv[2]);
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
  }
  uint64_t begin = now_ns(), counted = begin + SECOND, end = begin + (uint64_t)(atof(argv[5]) * SECOND), t;
  while ((t = now_ns()) < end) {
    for (; idle_count > 0 && begin + sent * gap <= t; sent++) {
      char request[HEAD];
      /* The one that has been idle longest, so that all are used. */
      struct connection *c = idle[0];
      memmove(idle, idle + 1, --idle_count * sizeof *idle);
      int length = make_request(request, sent);
      c->due = begin + sent * gap;
      if (write(c->fd, request, length) != length) fail("write");
    }
    uint64_t next = begin + sent * gap;
    struct timespec wait = {0, idle_count == 0 ? SECOND / 20 : next > t ? next - t : 0};
    struct epoll_event events[64];
    int n = epoll_pwait2(epoll, events, 64, &wait, NULL);
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      c->length += read_some(c->fd, c->in + c->length, BUFFER - 1 - c->length);
      if (!answer_length(c)) continue;
      if (c->due >= counted) answered++, note_latency(now_ns() - c->due);
      if (memcmp(c->in + 9, "200", 3)) failed++;
      c->length = 0;
      idle[idle_count++] = c;
    }
  }
  tell(answered, failed);
  return 0;
}
