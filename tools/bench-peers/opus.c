// The least that decoding Ogg Opus costs: walks the pages of a file and gives every packet to libopus, which
// decodes straight to 16 kHz mono s16. No checksums, no seeking, no chained streams.
// usage: opus FILE >raw        build: cc -O2 opus.c -lopus -o opus
#include <fcntl.h>
#include <opus/opus.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { rate = 16000, longest_frame = rate / 1000 * 120, longest_packet = 1 << 16 };

static OpusDecoder *decoder;
static long packet_count;
static int pre_skip;  // frames at 16 kHz that still have to be dropped (RFC 7845, section 4.2)

// Takes packet after packet: the identification header, the comment header, then audio.
static int take(const unsigned char *packet, int length) {
  long index = packet_count++;
  if (index == 0) {
    int error;
    if (length < 19 || memcmp(packet, "OpusHead", 8) != 0) return -1;
    pre_skip = (packet[10] | packet[11] << 8) / (48000 / rate);
    decoder = opus_decoder_create(rate, 1, &error);
    return error;
  }
  if (index == 1) return 0;
  opus_int16 pcm[longest_frame];
  int frames = opus_decode(decoder, packet, length, pcm, longest_frame, 0);
  if (frames < 0) return frames;
  int skipped = pre_skip < frames ? pre_skip : frames;
  pre_skip -= skipped;
  fwrite(pcm + skipped, sizeof pcm[0], frames - skipped, stdout);
  return 0;
}

// Joins the segments of all pages to packets (RFC 3533, section 6).
static int walk(const unsigned char *page, const unsigned char *end) {
  static unsigned char packet[longest_packet];
  int length = 0;
  while (end - page >= 27 && memcmp(page, "OggS", 4) == 0) {
    const unsigned char *segments = page + 27, *body = segments + page[26];
    if (body > end) break;
    for (int i = 0; i < page[26]; i++) {
      int size = segments[i];
      if (size > end - body || length + size > longest_packet) return -1;
      memcpy(packet + length, body, size);
      length += size;
      body += size;
      if (size == 255) continue;
      int status = take(packet, length);
      if (status < 0) return status;
      length = 0;
    }
    page = body;
  }
  return page == end ? 0 : -1;
}

int main(int count, char **arguments) {
  struct stat status;
  int file = count == 2 ? open(arguments[1], O_RDONLY) : -1;
  if (file < 0 || fstat(file, &status) < 0) return fprintf(stderr, "usage: opus FILE >raw\n"), 64;
  const unsigned char *bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) return perror("mmap"), 74;
  if (walk(bytes, bytes + status.st_size) < 0) return fprintf(stderr, "opus: not an Ogg Opus stream\n"), 65;
  return fflush(stdout) == 0 ? 0 : 74;
}
