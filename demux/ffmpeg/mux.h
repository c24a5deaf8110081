// Muxers that write into memory. What a call has written is in a PlOutput, which is
// valid until the next call; so C never calls Go.
#ifndef PLANAR_MUX_H
#define PLANAR_MUX_H

#include "shim.h"

typedef struct PlMux PlMux;

typedef struct PlSegment {
    int64_t position; // where it belongs in the file
    size_t at, size;  // where it is in data
} PlSegment;

typedef struct PlOutput {
    const uint8_t *data;
    const PlSegment *segments;
    int count;
} PlOutput;

typedef struct PlMuxStream {
    int type, codec_id, tag;
    int width, height, format, rate_num, rate_den, sar_num, sar_den, rotation;
    int space, range, location;
    int sample_format, sample_rate, channels;
    uint64_t mask;
} PlMuxStream;

PlMux *pl_mux_new(const char *format, int *err);
void pl_mux_free(PlMux *m);
int pl_mux_flags(PlMux *m); // AVFMT_*
int pl_mux_stream(PlMux *m, const PlMuxStream *s, const void *extradata, int size, const char *language, const char *title);
// Writes the header. options are "name=value:name=value".
int pl_mux_begin(PlMux *m, int seekable, int live, const char *options, PlOutput *o);
void pl_mux_time_base(PlMux *m, int stream, int *num, int *den); // once begun
// Timestamps are in the stream's time base. tables has an MPEG transport stream
// repeat its tables first.
int pl_mux_write(PlMux *m, int stream, const void *data, int size,
    int64_t pts, int64_t dts, int64_t duration, int key, int tables, PlOutput *o);
int pl_mux_flush(PlMux *m, PlOutput *o);
int pl_mux_end(PlMux *m, PlOutput *o); // writes the trailer

const char *pl_mux_guess(const char *name); // NULL if there is none that writes to one file
int pl_mux_takes(const char *format, int codec_id);

#endif
