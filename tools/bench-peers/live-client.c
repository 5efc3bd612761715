// The least that many live streams cost a client: libcurl's CONNECT_ONLY connections, one thread, frames made by hand,
// the same chunk of audio for all, sends on a tick of 2 ms. cc -O2 live-client.c -lcurl -o live-client
//
// usage: live-client STREAMS SECONDS URL [AUTHORITY.pem]     URL: http://127.0.0.1:PORT or https://…
// Prints: KiB of memory per connection.
#define _GNU_SOURCE
#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum { chunk_bytes = 2560, header_bytes = 8 };
static const double chunk_seconds = 0.08, tick = 0.002;
static const char *authority;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static long peak_memory(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

static int put(CURL *stream, int socket, const void *bytes, size_t count) {
  for (const char *rest = bytes; count;) {
    size_t taken = 0;
    CURLcode code = curl_easy_send(stream, rest, count, &taken);
    if (code == CURLE_AGAIN) {
      struct pollfd wait = {socket, POLLOUT, 0};
      poll(&wait, 1, 100);
      continue;
    }
    if (code != CURLE_OK) return fprintf(stderr, "live-client: %s\n", curl_easy_strerror(code)), -1;
    rest += taken;
    count -= taken;
  }
  return 0;
}

// Answers are thrown away unread.
static void drain(CURL *stream) {
  static unsigned char buffer[16384];
  size_t count;
  while (curl_easy_recv(stream, buffer, sizeof buffer, &count) == CURLE_OK && count) {}
}

static int open_stream(CURL *stream, const char *url, curl_socket_t *socket) {
  static const char request[] =
    "GET /v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000 HTTP/1.1\r\nHost: localhost\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
  curl_easy_setopt(stream, CURLOPT_URL, url);
  curl_easy_setopt(stream, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(stream, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(stream, CURLOPT_NOSIGNAL, 1L);
  if (authority) curl_easy_setopt(stream, CURLOPT_CAINFO, authority);
  CURLcode code = curl_easy_perform(stream);
  if (code != CURLE_OK) return fprintf(stderr, "live-client: %s\n", curl_easy_strerror(code)), -1;
  curl_easy_getinfo(stream, CURLINFO_ACTIVESOCKET, socket);
  if (put(stream, *socket, request, sizeof request - 1) < 0) return -1;
  for (unsigned ending = 0; ending != 0x0d0a0d0a;) {
    unsigned char byte;
    size_t count;
    code = curl_easy_recv(stream, &byte, 1, &count);
    if (code == CURLE_AGAIN) {
      struct pollfd wait = {*socket, POLLIN, 0};
      poll(&wait, 1, 1000);
    } else if (code != CURLE_OK || !count) {
      return -1;
    } else {
      ending = ending << 8 | byte;
    }
  }
  return 0;
}

int main(int count, char **arguments) {
  if (count < 4) return 64;
  int streams = atoi(arguments[1]);
  double seconds = atof(arguments[2]);
  if (count > 4) authority = arguments[4];
  curl_global_init(CURL_GLOBAL_ALL);
  CURL **stream = calloc(streams, sizeof *stream);
  curl_socket_t *socket = calloc(streams, sizeof *socket);
  int poller = epoll_create1(0);
  long memory = peak_memory();
  for (int index = 0; index < streams; index++) {
    if (!(stream[index] = curl_easy_init()) || open_stream(stream[index], arguments[3], &socket[index]) < 0) return 69;
    struct epoll_event event = {EPOLLIN, {.u32 = index}};
    epoll_ctl(poller, EPOLL_CTL_ADD, socket[index], &event);
  }
  memory = peak_memory() - memory;

  unsigned char frame[header_bytes + chunk_bytes] = {0x82, 0xfe, chunk_bytes >> 8, chunk_bytes & 255};
  static unsigned char audio[chunk_bytes];
  unsigned mask = 0x11223344;
  double begin = now() + 0.3;
  struct epoll_event events[128];
  for (long sent = 0, total = seconds / chunk_seconds * streams; sent < total;) {
    double due = begin + sent / streams * chunk_seconds + (double)(sent % streams) / streams * chunk_seconds;
    double wait = begin + (long)((due - begin) / tick + 1) * tick - now();
    if (wait > 0) {
      struct timespec time = {0, wait * 1e9};
      int ready = epoll_pwait2(poller, events, 128, &time, NULL);
      for (int index = 0; index < ready; index++) drain(stream[events[index].data.u32]);
      continue;
    }
    memcpy(frame + 4, &mask, 4);
    for (int byte = 0; byte < chunk_bytes; byte += 4) {
      unsigned word;
      memcpy(&word, audio + byte, 4);
      word ^= mask;
      memcpy(frame + header_bytes + byte, &word, 4);
    }
    mask = mask * 1664525 + 1;
    int index = sent++ % streams;
    if (put(stream[index], socket[index], frame, sizeof frame) < 0) return 69;
  }
  printf("%.1f\n", (double)memory / streams);
}
