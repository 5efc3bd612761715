// A stand-in for Flux that costs next to nothing: one thread, epoll, canned answers. It takes what clients send in real
// time and prints how late it came. cc -O2 live-server.c -lssl -lcrypto -o live-server
//
// usage: live-server [-k CERTIFICATE-AND-KEY.pem] [-r RATE] [-t TURN] PORT
// listens on 127.0.0.1; ends when the last client has gone
//
// With -r the stream gets RATE Updates a second instead, whose transcript is the time they were sent at, in
// nanoseconds of CLOCK_MONOTONIC. Without it every third chunk is answered with a TurnInfo of a kilobyte, so every 240 ms
// of audio, as the service does; a turn takes
// ten of them, or TURN. A chunk is late by what it comes after the stream's own schedule: the k-th chunk is due k x 80 ms after the
// stream's start, and the stream's start is where the earliest of its chunks puts it. The first tenth of each stream is
// not counted.
// Prints: streams, chunks, lateness in ms (p50, p99, p99.9, largest), own CPU seconds, seconds; tabs between them.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { chunk_bytes = 2560, input_size = 16384, longest_text = 1536 };
static const double chunk_seconds = 0.08;

typedef struct {
  int socket;
  SSL *tls;
  int is_open;  // the WebSocket handshake is done
  size_t length;
  size_t audio;  // bytes of audio so far
  size_t sent;  // TurnInfos so far
  double opened;
  float *arrivals;  // seconds since the program's start, by chunk
  size_t count, capacity;
  unsigned char input[input_size];
} Stream;

static SSL_CTX *tls_context;
static double started;
static int rate;
static size_t turn_length = 10;
static char words[1024];
static float *late;
static size_t late_count, late_capacity, chunk_count, stream_count;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static ssize_t put(Stream *stream, const void *bytes, size_t count) {
  return stream->tls ? SSL_write(stream->tls, bytes, count) : send(stream->socket, bytes, count, MSG_NOSIGNAL);
}

static void put_frame(Stream *stream, int opcode, const void *payload, size_t count) {
  unsigned char frame[longest_text + 4] = {0x80 | opcode, count};
  size_t header = 2;
  if (count >= 126) {
    frame[1] = 126, frame[2] = count >> 8, frame[3] = count;
    header = 4;
  }
  memcpy(frame + header, payload, count);
  put(stream, frame, header + count);
}

static void put_turn_info(Stream *stream, const char *event, size_t turn, double start, double end, const char *transcript) {
  char text[longest_text];
  int count = snprintf(text, sizeof text,
    "{\"type\":\"TurnInfo\",\"request_id\":\"b9b0e6f2-0000-4000-8000-000000000000\",\"sequence_id\":%zu,"
    "\"event\":\"%s\",\"turn_index\":%zu,\"audio_window_start\":%.2f,\"audio_window_end\":%.2f,"
    "\"transcript\":\"%s\",\"words\":[%s],\"end_of_turn_confidence\":0.0312}",
    ++stream->sent, event, turn, start, end, transcript, words);
  put_frame(stream, 1, text, count);
}

// What the service says after every third chunk.
static void answer_audio(Stream *stream) {
  size_t step = stream->sent % turn_length;
  double end = stream->count * chunk_seconds;
  put_turn_info(stream, step == 0 ? "StartOfTurn" : step == turn_length - 1 ? "EndOfTurn" : "Update",
                stream->sent / turn_length, end - (step + 1) * 3 * chunk_seconds, end,
                "and then we went down to the river to look at the boats");
}

// Sends what is due of RATE Updates a second.
static void send_updates(Stream *stream) {
  double elapsed = now() - stream->opened;
  char transcript[32];
  while (stream->sent < elapsed * rate) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    snprintf(transcript, sizeof transcript, "%lld", time.tv_sec * 1000000000ll + time.tv_nsec);
    put_turn_info(stream, stream->sent == 0 ? "StartOfTurn" : "Update", 0, 0, elapsed, transcript);
  }
}

static int shake_hands(Stream *stream) {
  stream->input[stream->length] = 0;
  char *end = strstr((char *)stream->input, "\r\n\r\n");
  if (!end) return 0;
  char *key = strcasestr((char *)stream->input, "Sec-WebSocket-Key:");
  if (!key) return -1;
  key += strcspn(key, ":") + 1;
  key += strspn(key, " ");
  char text[128];
  snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)strcspn(key, "\r"), key);
  unsigned char digest[20], accept[64];
  SHA1((unsigned char *)text, strlen(text), digest);
  EVP_EncodeBlock(accept, digest, 20);
  char answer[256];
  put(stream, answer, snprintf(answer, sizeof answer,
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
    accept));
  static const char connected[] =
    "{\"type\":\"Connected\",\"request_id\":\"b9b0e6f2-0000-4000-8000-000000000000\",\"sequence_id\":0}";
  put_frame(stream, 1, connected, sizeof connected - 1);
  stream->is_open = 1;
  stream->opened = now();
  stream_count++;
  size_t used = end + 4 - (char *)stream->input;
  stream->length -= used;
  memmove(stream->input, stream->input + used, stream->length);
  return 1;
}

static void take_audio(Stream *stream, size_t count) {
  stream->audio += count;
  while (stream->audio >= (stream->count + 1) * chunk_bytes) {
    if (stream->count == stream->capacity) {
      stream->capacity = stream->capacity ? stream->capacity * 2 : 512;
      stream->arrivals = realloc(stream->arrivals, stream->capacity * sizeof(float));
    }
    stream->arrivals[stream->count++] = now() - started;
    if (!rate && stream->count % 3 == 0) answer_audio(stream);
  }
}

// Takes every whole frame of the input: 0 to go on, -1 to close.
static int take_frames(Stream *stream) {
  static const unsigned char normal[2] = {0x03, 0xe8};
  if (!stream->is_open) {
    int result = shake_hands(stream);
    if (result <= 0) return result;
  }
  size_t position = 0;
  for (;;) {
    unsigned char *frame = stream->input + position;
    size_t left = stream->length - position;
    if (left < 2) break;
    size_t count = frame[1] & 127, header = 6;
    if (count == 127) return -1;
    if (count == 126) {
      if (left < 4) break;
      count = frame[2] << 8 | frame[3];
      header = 8;
    }
    if (left < header + count) break;
    int opcode = frame[0] & 15;
    // The payload stays masked: nothing here looks into the audio, and the only text a client sends here is CloseStream.
    if (opcode == 2) take_audio(stream, count);
    if (opcode == 1 || opcode == 8) put_frame(stream, 8, normal, 2);
    if (opcode == 8) return -1;
    if (opcode == 9) put_frame(stream, 10, "", 0);
    position += header + count;
  }
  stream->length -= position;
  memmove(stream->input, stream->input + position, stream->length);
  return 0;
}

static void close_stream(Stream *stream) {
  double start = 1e9;
  for (size_t k = 0; k < stream->count; k++)
    if (stream->arrivals[k] - k * chunk_seconds < start) start = stream->arrivals[k] - k * chunk_seconds;
  for (size_t k = stream->count / 10; k < stream->count; k++) {
    if (late_count == late_capacity) late = realloc(late, (late_capacity = late_capacity * 2 + 65536) * sizeof(float));
    late[late_count++] = (stream->arrivals[k] - k * chunk_seconds - start) * 1e3;
  }
  chunk_count += stream->count;
  if (stream->tls) SSL_free(stream->tls);
  close(stream->socket);
  free(stream->arrivals);
  free(stream);
}

// Reads until nothing is left: 0 to go on, -1 to close.
static int read_stream(Stream *stream) {
  for (;;) {
    size_t room = input_size - 1 - stream->length;
    ssize_t count = stream->tls ? SSL_read(stream->tls, stream->input + stream->length, room)
                                : recv(stream->socket, stream->input + stream->length, room, 0);
    if (count <= 0) {
      if (!stream->tls) return count < 0 && errno == EAGAIN ? 0 : -1;
      int error = SSL_get_error(stream->tls, count);
      return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    stream->length += count;
    if (take_frames(stream) < 0) return -1;
  }
}

static int in_order(const void *a, const void *b) {
  float difference = *(const float *)a - *(const float *)b;
  return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
  const char *key = NULL;
  for (int option; (option = getopt(count, arguments, "k:r:t:")) != -1;) {
    if (option == 'k') key = optarg;
    else if (option == 'r') rate = atoi(optarg);
    else if (option == 't') turn_length = atoi(optarg);
    else return 64;
  }
  if (optind + 1 != count) return 64;
  signal(SIGPIPE, SIG_IGN);
  if (key) {
    tls_context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    if (SSL_CTX_use_certificate_chain_file(tls_context, key) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_context, key, SSL_FILETYPE_PEM) != 1)
      return fprintf(stderr, "live-server: no certificate and key in %s\n", key), 74;
  }
  static const char *const spoken[] = {"and", "then", "we", "went", "down", "to", "the",
                                       "river", "to", "look", "at", "the", "boats"};
  for (int word = 0, length = 0; word < 13; word++)
    length += sprintf(words + length, "%s{\"word\":\"%s\",\"confidence\":0.98%d,\"start\":%.2f,\"end\":%.2f}",
                      word ? "," : "", spoken[word], word % 10, word * 0.16, 0.12 + word * 0.16);

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[optind])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) return perror("live-server"), 69;
  int poller = epoll_create1(0);
  struct epoll_event event = {EPOLLIN, {.ptr = NULL}}, events[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);

  started = now();
  double first = 0;
  Stream *updated = NULL;  // -r is for one stream at a time
  for (size_t live = 0, seen = 0; live || !seen;) {
    int ready = epoll_wait(poller, events, 256, updated ? 1 : -1);
    if (updated) send_updates(updated);
    for (int index = 0; index < ready; index++) {
      Stream *stream = events[index].data.ptr;
      if (stream) {
        if (read_stream(stream) < 0) updated = NULL, close_stream(stream), live--;
        else if (rate && stream->is_open) updated = stream;
        continue;
      }
      for (int peer; (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0; live++, seen++) {
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        stream = calloc(1, sizeof *stream);
        stream->socket = peer;
        if (tls_context) {
          stream->tls = SSL_new(tls_context);
          SSL_set_fd(stream->tls, peer);
          SSL_set_accept_state(stream->tls);
        }
        event = (struct epoll_event){EPOLLIN, {.ptr = stream}};
        epoll_ctl(poller, EPOLL_CTL_ADD, peer, &event);
        if (!first) first = now();
      }
    }
  }
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  if (!late_count) return fprintf(stderr, "live-server: no audio came\n"), 65;
  qsort(late, late_count, sizeof *late, in_order);
  printf("%zu\t%zu\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\n", stream_count, chunk_count, late[late_count / 2],
         late[late_count * 99 / 100], late[late_count * 999 / 1000], late[late_count - 1], cpu, now() - first);
}
