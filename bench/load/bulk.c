/* Takes so many MiB from the bulk backend and tells how long it took: bulk HOST PORT MIB. */
#include "load.h"

enum { BUFFER = 1 << 20 };

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "bulk HOST PORT MIB\n"), 2;
  char *buffer = malloc(BUFFER), asked[9];
  uint64_t total = 0, begin = now_ns();
  int fd = connect_to(argv[1], argv[2]), n;
  fcntl(fd, F_SETFL, 0);
  snprintf(asked, sizeof asked, "%08d", atoi(argv[3]));
  if (write(fd, asked, 8) != 8) fail("write");
  while ((n = read(fd, buffer, BUFFER)) > 0) total += n;
  if (n < 0) fail("read");
  printf("{\"mib\":%lu,\"ms\":%lu}\n", total >> 20, (now_ns() - begin) / 1000000);
  return 0;
}
