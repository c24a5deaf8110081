// What go-astiav does not offer of FFmpeg. Structures are filled in one call
// so that a frame costs one crossing from Go to C, not thirty.
#ifndef PLANAR_SHIM_H
#define PLANAR_SHIM_H

#include <stdint.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <libswresample/swresample.h>

#define PL_MAX_PLANES 4

// Interruption: a flag and a deadline that FFmpeg polls while it blocks. Both
// live in C memory, so that FFmpeg may hold on to them.
typedef struct PlInterrupt PlInterrupt;
PlInterrupt *pl_interrupt_new(void);
void pl_interrupt_free(PlInterrupt *it);
void pl_interrupt_stop(PlInterrupt *it);
void pl_interrupt_resume(PlInterrupt *it);
int pl_interrupt_stopped(PlInterrupt *it);
void pl_interrupt_deadline(PlInterrupt *it, int64_t us_from_now); // < 0: none
int pl_interrupt_expired(PlInterrupt *it);
void pl_interrupt_attach(AVFormatContext *fc, PlInterrupt *it);

// Log: error lines of the calling thread are kept between begin and end, and
// all lines up to the level go to Go if forwarding is on.
void pl_log_init(void);
void pl_log_forward(int on);
void pl_log_begin(void);
const char *pl_log_end(void);

// Input.
typedef struct PlStream {
    int type, codec_id, disposition;
    int64_t nb_frames, duration, start_time;
    int tb_num, tb_den, avg_num, avg_den, r_num, r_den;
    int sar_num, sar_den, codec_sar_num, codec_sar_den;
    int width, height, pixel_format;
    int space, range, location, rotation; // rotation -1: not stated
    int sample_format, rate, channels;
    uint64_t mask;
    int extradata;
} PlStream;
int pl_stream_info(AVFormatContext *fc, int i, PlStream *out);
// The stream's metadata of that name, cut to size bytes with the final 0; empty if there is none.
void pl_stream_tag(AVFormatContext *fc, int i, const char *name, char *buf, int size);
void pl_stream_discard(AVFormatContext *fc, int i, int discard);
int pl_probe_score(AVFormatContext *fc);
int pl_input_flags(AVFormatContext *fc);
int pl_io_seekable(AVFormatContext *fc); // -1: no I/O context
int pl_io_error(AVFormatContext *fc);
void pl_limit_probe(AVFormatContext *fc, int64_t probesize, int64_t analyze_us);
int pl_seek(AVFormatContext *fc, int stream, int64_t ts);
int pl_seek_begin(AVFormatContext *fc); // by bytes

// Packets.
typedef struct PlPacket {
    int64_t pts, dts, duration;
    int stream, size, key;
} PlPacket;
void pl_packet_info(const AVPacket *p, PlPacket *out);
int pl_packet_fill(AVPacket *p, const void *data, int size);

// Decoders.
void pl_codec_setup(AVCodecContext *c, int tb_num, int tb_den);
void pl_codec_flush(AVCodecContext *c);
int pl_codec_id(const char *name); // AV_CODEC_ID_NONE if unknown
// The layout of a mask that has as many channels, else the usual one of that many.
int pl_layout_from(AVChannelLayout *l, int channels, uint64_t mask);
int pl_par_audio(AVCodecParameters *p, int rate, int channels, uint64_t mask);

typedef struct PlFrame {
    uint8_t *data[PL_MAX_PLANES];
    int linesize[PL_MAX_PLANES], rowbytes[PL_MAX_PLANES], rows[PL_MAX_PLANES];
    int planes, width, height, format, key, flipped;
    int64_t pts, duration;
    int space, range, location, sar_num, sar_den, rotation;
} PlFrame;
int pl_frame_info(const AVFrame *f, PlFrame *out);

typedef struct PlSound {
    uint8_t **data;
    int planes, bytes, samples, format, rate, channels;
    uint64_t mask;
    int64_t pts, duration;
} PlSound;
int pl_sound_info(const AVFrame *f, PlSound *out);

// Pixel formats.
typedef struct PlLayout {
    int planes, rowbytes[PL_MAX_PLANES], rows[PL_MAX_PLANES];
} PlLayout;
int pl_layout(int format, int w, int h, PlLayout *out);
// Flags of PlDescriptor are AVPixFmtDescriptor's, steps and offsets in bytes (bits
// of bitstream formats).
typedef struct PlDescriptor {
    int components, shift_x, shift_y, rgb, alpha, big_endian, is_float, bayer, palette, bitstream;
    struct { int plane, step, offset, shift, depth; } comp[4];
} PlDescriptor;
int pl_describe(int format, PlDescriptor *out);
int pl_pixel_format_next(int prev); // -1 begins and ends; hardware formats are left out
int pl_pixel_format_rgb(int format);
int pl_pixel_format_full(int format); // full range unless stated otherwise
int pl_pixel_format_alpha(int format);
int pl_pixel_format_pal(int format);
int pl_pixel_format_depth(int format); // bits of the first component

// Scaling. Matrix is one of SWS_CS_*, ranges are 0 limited, 1 full.
struct SwsContext *pl_scale_new(int sw, int sh, int sfmt, int dw, int dh, int dfmt,
    int flags, int matrix, int full, int contrast, int hpos, int vpos, int *err);
// pl_scale converts to 32-bit pixels; the fourth byte is not defined. With
// planes of a context made for AV_PIX_FMT_GBRP, pl_scale_band goes through
// scratch, which has pl_band_bytes, and sets it to 255.
int pl_scale(struct SwsContext *c, int h,
    const void *p0, const void *p1, const void *p2, const void *p3,
    int s0, int s1, int s2, int s3, void *dst, int dst_stride);
size_t pl_band_bytes(int dw, int dh);
int pl_scale_band(struct SwsContext *c, int h, int chroma_shift, int dw, int dh, void *scratch,
    const void *p0, const void *p1, const void *p2, const void *p3,
    int s0, int s1, int s2, int s3, void *dst, int dst_stride);
int pl_chroma_shift(int format); // log2 of luma rows for a chroma row
void pl_opaque(void *dst, int stride, int w, int h);

// Resampling to one interleaved plane.
struct SwrContext *pl_swr_new(int ifmt, int irate, int ich, uint64_t imask,
    int ofmt, int orate, int och, uint64_t omask, int *err);
void pl_swr_free(struct SwrContext *c);
int pl_swr_bound(struct SwrContext *c, int in);
int pl_swr_convert(struct SwrContext *c, void *out, int out_frames, void **in, int in_frames);
int64_t pl_swr_delay(struct SwrContext *c, int64_t base);
// A context between equal interleaved formats whose ratio can be changed. With no
// input, pl_swr_drift gives what is ready; pl_swr_convert drains.
struct SwrContext *pl_swr_drift_new(int fmt, int rate, int channels, uint64_t mask, int *err);
int pl_swr_drift_set(struct SwrContext *c, int delta, int distance);
int pl_swr_drift(struct SwrContext *c, void *out, int out_frames, const void *in, int in_frames);

// Filling and reading interleaved audio frames for the filter graph.
int pl_audio_frame(AVFrame *f, int fmt, int rate, int channels, uint64_t mask,
    const void *data, int frames, int64_t pts);
/* Parses a layout of channels in the usual order, or a number of them (mask 0). */
int pl_channel_layout_parse(const char *name, int *channels, uint64_t *mask);
// A number that a filter has left with a frame, NAN if it has not.
double pl_frame_number(const AVFrame *f, const char *key);
int pl_channel_layout_describe(int channels, uint64_t mask, char *buf, int size);

#endif
