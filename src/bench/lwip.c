/*
 * Native lwIP beside our stack: two hosts in one process, in memory, as in bench/pair.ts. Debian's shared library is
 * loaded twice, each copy in a name space of its own: lwIP keeps its state in globals, so a copy is a host. Frames are
 * handed over as bytes, one copy each, through a queue: what a host emits the other takes when the first has returned.
 *
 * Prints one line of JSON: samples of megabytes, round trips and connections a second.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <netif/etharp.h>
#include <netif/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_MAX 1514
#define QUEUE 4096
#define CHUNK 65536
#define PORT 7

struct frame {
  u16_t length;
  u8_t bytes[FRAME_MAX];
};

/* One copy of lwIP: the calls that we make of it, its link, and the frames that it has emitted. */
struct host {
  void (*init)(void);
  void (*check_timeouts)(void);
  struct netif *(*netif_add)(struct netif *, const ip4_addr_t *, const ip4_addr_t *, const ip4_addr_t *, void *,
                             netif_init_fn, netif_input_fn);
  void (*netif_set_up)(struct netif *);
  void (*netif_set_link_up)(struct netif *);
  err_t (*ethernet_input)(struct pbuf *, struct netif *);
  err_t (*etharp_output)(struct netif *, struct pbuf *, const ip4_addr_t *);
  struct pbuf *(*pbuf_alloc)(pbuf_layer, u16_t, pbuf_type);
  u8_t (*pbuf_free)(struct pbuf *);
  err_t (*pbuf_take)(struct pbuf *, const void *, u16_t);
  u16_t (*pbuf_copy_partial)(const struct pbuf *, void *, u16_t, u16_t);
  struct tcp_pcb *(*tcp_new)(void);
  err_t (*tcp_bind)(struct tcp_pcb *, const ip_addr_t *, u16_t);
  struct tcp_pcb *(*listen)(struct tcp_pcb *, u8_t, err_t *);
  void (*tcp_accept)(struct tcp_pcb *, tcp_accept_fn);
  void (*tcp_arg)(struct tcp_pcb *, void *);
  void (*tcp_recv)(struct tcp_pcb *, tcp_recv_fn);
  err_t (*tcp_connect)(struct tcp_pcb *, const ip_addr_t *, u16_t, tcp_connected_fn);
  err_t (*tcp_write)(struct tcp_pcb *, const void *, u16_t, u8_t);
  err_t (*tcp_output)(struct tcp_pcb *);
  void (*tcp_recved)(struct tcp_pcb *, u16_t);
  err_t (*tcp_close)(struct tcp_pcb *);

  u8_t last;
  struct netif netif;
  struct frame *queue;
  unsigned head, tail;
};

static struct host near, far;
static struct tcp_pcb *accepted;
static u8_t received[CHUNK * 4];
static unsigned received_length;
static int opened;

static void fail(const char *why) {
  fprintf(stderr, "lwIP: %s\n", why);
  exit(1);
}

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) fail(name);
  return found;
}

static err_t emit(struct netif *netif, struct pbuf *p) {
  struct host *h = netif->state;
  struct frame *f = &h->queue[h->tail % QUEUE];
  if (h->tail - h->head == QUEUE || p->tot_len > FRAME_MAX) fail("the queue of frames is full");
  f->length = h->pbuf_copy_partial(p, f->bytes, p->tot_len, 0);
  h->tail++;
  return ERR_OK;
}

static err_t set_link(struct netif *netif) {
  struct host *h = netif->state;
  netif->name[0] = 'e';
  netif->name[1] = 'n';
  netif->mtu = 1500;
  netif->hwaddr_len = 6;
  memcpy(netif->hwaddr, (u8_t[]){2, 0, 0, 0, 0, h->last}, 6);
  netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
  netif->output = h->etharp_output;
  netif->linkoutput = emit;
  return ERR_OK;
}

static void load(struct host *h, u8_t last) {
  void *library = dlmopen(LM_ID_NEWLM, "liblwip.so.0", RTLD_NOW);
  if (!library) fail(dlerror());
  h->last = last;
  h->queue = malloc(QUEUE * sizeof *h->queue);
  h->init = symbol(library, "lwip_init");
  h->check_timeouts = symbol(library, "sys_check_timeouts");
  h->netif_add = symbol(library, "netif_add");
  h->netif_set_up = symbol(library, "netif_set_up");
  h->netif_set_link_up = symbol(library, "netif_set_link_up");
  h->ethernet_input = symbol(library, "ethernet_input");
  h->etharp_output = symbol(library, "etharp_output");
  h->pbuf_alloc = symbol(library, "pbuf_alloc");
  h->pbuf_free = symbol(library, "pbuf_free");
  h->pbuf_take = symbol(library, "pbuf_take");
  h->pbuf_copy_partial = symbol(library, "pbuf_copy_partial");
  h->tcp_new = symbol(library, "tcp_new");
  h->tcp_bind = symbol(library, "tcp_bind");
  h->listen = symbol(library, "tcp_listen_with_backlog_and_err");
  h->tcp_accept = symbol(library, "tcp_accept");
  h->tcp_arg = symbol(library, "tcp_arg");
  h->tcp_recv = symbol(library, "tcp_recv");
  h->tcp_connect = symbol(library, "tcp_connect");
  h->tcp_write = symbol(library, "tcp_write");
  h->tcp_output = symbol(library, "tcp_output");
  h->tcp_recved = symbol(library, "tcp_recved");
  h->tcp_close = symbol(library, "tcp_close");
  h->init();
  ip4_addr_t address, mask, gateway;
  IP4_ADDR(&address, 10, 0, 0, last);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  IP4_ADDR(&gateway, 0, 0, 0, 0);
  h->netif_add(&h->netif, &address, &mask, &gateway, h, set_link, h->ethernet_input);
  h->netif_set_up(&h->netif);
  h->netif_set_link_up(&h->netif);
}

/* What `from` has emitted goes to `to`. */
static int deliver(struct host *from, struct host *to) {
  int moved = from->head != from->tail;
  while (from->head != from->tail) {
    struct frame *f = &from->queue[from->head++ % QUEUE];
    struct pbuf *p = to->pbuf_alloc(PBUF_RAW, f->length, PBUF_RAM);
    if (!p) fail("no pbuf");
    to->pbuf_take(p, f->bytes, f->length);
    if (to->netif.input(p, &to->netif) != ERR_OK) to->pbuf_free(p);
  }
  return moved;
}

static void settle(void) {
  while (deliver(&near, &far) | deliver(&far, &near))
    ;
}

static err_t take(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
  struct host *h = arg;
  (void)err;
  if (!p) return h->tcp_close(pcb);
  if (received_length + p->tot_len > sizeof received) fail("more arrived than was sent");
  received_length += h->pbuf_copy_partial(p, received + received_length, p->tot_len, 0);
  h->tcp_recved(pcb, p->tot_len);
  h->pbuf_free(p);
  return ERR_OK;
}

static err_t accept_one(void *arg, struct tcp_pcb *pcb, err_t err) {
  (void)arg, (void)err;
  accepted = pcb;
  tcp_nagle_disable(pcb);
  far.tcp_arg(pcb, &far);
  far.tcp_recv(pcb, take);
  return ERR_OK;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err) {
  (void)arg, (void)pcb, (void)err;
  opened = 1;
  return ERR_OK;
}

static struct tcp_pcb *open_one(void) {
  struct tcp_pcb *pcb = near.tcp_new();
  ip_addr_t address = IPADDR4_INIT_BYTES(10, 0, 0, 2);
  if (!pcb) fail("no connection");
  tcp_nagle_disable(pcb);
  near.tcp_arg(pcb, &near);
  near.tcp_recv(pcb, take);
  opened = 0;
  accepted = NULL;
  if (near.tcp_connect(pcb, &address, PORT, connected) != ERR_OK) fail("no connect");
  settle();
  if (!opened || !accepted) fail("the handshake did not end");
  return pcb;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* MB/s of `mebibytes` from near to far; the bytes are compared outside the clock. */
static double throughput(struct tcp_pcb *pcb, unsigned mebibytes) {
  static u8_t chunk[CHUNK];
  double seconds = 0;
  for (unsigned i = 0; i < CHUNK; i++) chunk[i] = (i * 7919) >> 5;
  for (unsigned n = 0; n < mebibytes * 16; n++) {
    memcpy(chunk + (n * 4) % (CHUNK - 4), &n, 4);
    received_length = 0;
    double start = now();
    for (unsigned sent = 0; received_length < CHUNK;) {
      unsigned room = tcp_sndbuf(pcb), piece = CHUNK - sent < room ? CHUNK - sent : room;
      if (piece > 0 && near.tcp_write(pcb, chunk + sent, piece, TCP_WRITE_FLAG_COPY) == ERR_OK) sent += piece;
      near.tcp_output(pcb);
      if (!(deliver(&near, &far) | deliver(&far, &near))) near.check_timeouts(), far.check_timeouts();
    }
    seconds += now() - start;
    if (memcmp(chunk, received, CHUNK) != 0) fail("the bytes that arrived are not those that were sent");
  }
  return mebibytes * 1.048576 / seconds;
}

static void exchange(struct host *h, struct tcp_pcb *pcb, const void *message) {
  received_length = 0;
  if (h->tcp_write(pcb, message, 64, TCP_WRITE_FLAG_COPY) != ERR_OK) fail("no room for 64 bytes");
  h->tcp_output(pcb);
  deliver(&near, &far);
  deliver(&far, &near);
  if (received_length != 64) fail("a message did not arrive at once");
}

static double round_trips(struct tcp_pcb *here, struct tcp_pcb *there, unsigned count) {
  static const u8_t message[64];
  double start = now();
  for (unsigned i = 0; i < count; i++) {
    exchange(&near, here, message);
    exchange(&far, there, message);
    if (i % 64 == 0) near.check_timeouts(), far.check_timeouts();
  }
  return count / (now() - start);
}

/* Connect, and close from both sides; TIME-WAIT stays. */
static double connections(unsigned count) {
  double start = now();
  for (unsigned i = 0; i < count; i++) {
    struct tcp_pcb *here = open_one();
    near.tcp_close(here);
    settle();
    near.check_timeouts(), far.check_timeouts();
  }
  return count / (now() - start);
}

int main(int argc, char **argv) {
  unsigned samples = argc > 1 ? atoi(argv[1]) : 5, mebibytes = argc > 2 ? atoi(argv[2]) : 256;
  load(&near, 1);
  load(&far, 2);
  struct tcp_pcb *listener = far.tcp_new();
  ip_addr_t any = IPADDR4_INIT(0);
  if (far.tcp_bind(listener, &any, PORT) != ERR_OK) fail("no bind");
  listener = far.listen(listener, 255, NULL);
  far.tcp_accept(listener, accept_one);
  settle();
  struct tcp_pcb *here = open_one(), *there = accepted;
  throughput(here, mebibytes / 4);
  printf("{\"throughputMBps\":[");
  for (unsigned i = 0; i < samples; i++) printf("%s%.1f", i ? "," : "", throughput(here, mebibytes));
  printf("],\"roundTripsPerSecond\":[");
  for (unsigned i = 0; i < samples; i++) printf("%s%.0f", i ? "," : "", round_trips(here, there, 100000));
  printf("],\"connectionsPerSecond\":[");
  for (unsigned i = 0; i < samples; i++) printf("%s%.0f", i ? "," : "", connections(1000));
  printf("]}\n");
  return 0;
}
