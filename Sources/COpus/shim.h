#pragma once
#include <opus/opus.h>
#include <opus/opus_multistream.h>

// Swift does not import variadic C functions; each wrapper below is one request of a ctl function.

static inline int COpus_decoder_set_gain(OpusDecoder *decoder, opus_int32 q8_decibels) {
  return opus_decoder_ctl(decoder, OPUS_SET_GAIN(q8_decibels));
}

static inline int COpus_decoder_reset(OpusDecoder *decoder) {
  return opus_decoder_ctl(decoder, OPUS_RESET_STATE);
}

static inline int COpus_multistream_decoder_set_gain(OpusMSDecoder *decoder, opus_int32 q8_decibels) {
  return opus_multistream_decoder_ctl(decoder, OPUS_SET_GAIN(q8_decibels));
}

static inline int COpus_encoder_set_bitrate(OpusEncoder *encoder, opus_int32 bits_per_second) {
  return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second));
}

static inline int COpus_encoder_set_complexity(OpusEncoder *encoder, opus_int32 complexity) {
  return opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity));
}

static inline int COpus_encoder_set_signal(OpusEncoder *encoder, opus_int32 signal) {
  return opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(signal));
}

static inline int COpus_encoder_get_lookahead(OpusEncoder *encoder, opus_int32 *samples) {
  return opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD(samples));
}

static inline int COpus_encoder_reset(OpusEncoder *encoder) {
  return opus_encoder_ctl(encoder, OPUS_RESET_STATE);
}
