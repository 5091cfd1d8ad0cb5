/*
 * A TAP device and a unix stream, joined: each frame goes over the stream behind its length, 4 bytes, big-endian (the
 * framing of QEMU's `-netdev stream`). A unix path reaches across network name spaces, so whoever listens on it needs
 * none of its own.
 *
 *     tap-relay NAME PATH     makes the device NAME in the present name space and connects to the listener at PATH
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_MAX 65549

static void fail(const char *what) {
  fprintf(stderr, "tap-relay: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int open_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR);
  if (fd < 0) fail("/dev/net/tun");
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail(name);
  return fd;
}

static int open_stream(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail(path);
  return fd;
}

static void write_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t done = write(fd, bytes, length);
    if (done <= 0) exit(0);
    bytes += done, length -= done;
  }
}

/* What the stream brought, cut into frames; a part of one waits for the rest. */
static void from_stream(int stream, int tap) {
  static uint8_t held[4 * (4 + FRAME_MAX)];
  static size_t count;
  ssize_t got = read(stream, held + count, sizeof held - count);
  if (got <= 0) exit(0);
  count += got;
  size_t at = 0;
  while (count - at >= 4) {
    uint32_t length;
    memcpy(&length, held + at, 4);
    length = ntohl(length);
    if (length > FRAME_MAX) fprintf(stderr, "tap-relay: a frame of %u bytes\n", length), exit(1);
    if (count - at < 4 + length) break;
    /* A frame that the device refuses is lost, as on any wire. */
    if (write(tap, held + at + 4, length) < 0 && errno != EINVAL && errno != EIO) fail("write");
    at += 4 + length;
  }
  memmove(held, held + at, count -= at);
}

static void from_tap(int tap, int stream) {
  static uint8_t frame[4 + FRAME_MAX];
  ssize_t length = read(tap, frame + 4, FRAME_MAX);
  if (length <= 0) exit(0);
  uint32_t big_endian = htonl(length);
  memcpy(frame, &big_endian, 4);
  write_all(stream, frame, 4 + length);
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "tap-relay NAME PATH\n"), 2;
  int tap = open_tap(argv[1]), stream = open_stream(argv[2]);
  struct pollfd ends[] = {{.fd = tap, .events = POLLIN}, {.fd = stream, .events = POLLIN}};
  for (;;) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) fail("poll");
    if (ends[0].revents) from_tap(tap, stream);
    if (ends[1].revents) from_stream(stream, tap);
  }
}
