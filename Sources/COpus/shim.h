#pragma once
#include <opus/opus.h>
#include <opus/opus_multistream.h>

// Swift does not import variadic C functions; each wrapper below is one request of opus_decoder_ctl.

static inline int COpus_decoder_set_gain(OpusDecoder *decoder, opus_int32 q8_decibels) {
  return opus_decoder_ctl(decoder, OPUS_SET_GAIN(q8_decibels));
}

static inline int COpus_decoder_reset(OpusDecoder *decoder) {
  return opus_decoder_ctl(decoder, OPUS_RESET_STATE);
}

static inline int COpus_multistream_decoder_set_gain(OpusMSDecoder *decoder, opus_int32 q8_decibels) {
  return opus_multistream_decoder_ctl(decoder, OPUS_SET_GAIN(q8_decibels));
}
