/* What the load generators share: a clock, connections, and the latencies that they tell. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LATENCIES = 1 << 24 };

static uint32_t *latencies_us;
static uint32_t latency_count;

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static inline void fail(const char *why) {
  fprintf(stderr, "%s%s%s\n", why, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

/* Does not block once it is connected. */
static inline int connect_to(const char *host, const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  inet_pton(AF_INET, host, &to.sin_addr);
  if (connect(fd, (void *)&to, sizeof to) != 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  errno = 0;
  return fd;
}

/* Bytes read; 0: none now. */
static inline int read_some(int fd, void *into, int room) {
  int n = read(fd, into, room);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return errno = 0;
  if (n <= 0) fail("the connection ended");
  return n;
}

static inline void note_latency(uint64_t ns) {
  if (!latencies_us) latencies_us = malloc(MAX_LATENCIES * sizeof *latencies_us);
  if (latency_count < MAX_LATENCIES) latencies_us[latency_count++] = ns / 1000;
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static inline uint32_t quantile_us(double q) { return latency_count ? latencies_us[(uint32_t)((latency_count - 1) * q)] : 0; }

/* One JSON object of numbers, as `native.ts` reads it. */
static inline void tell(uint64_t answered, uint64_t failed) {
  if (latency_count) qsort(latencies_us, latency_count, sizeof *latencies_us, by_value);
  printf("{\"answered\":%lu,\"failed\":%lu,\"p50Us\":%u,\"p99Us\":%u,\"p999Us\":%u,\"maxUs\":%u}\n", answered, failed,
         quantile_us(0.5), quantile_us(0.99), quantile_us(0.999), quantile_us(1));
}
