// What go-astiav does not offer of encoders.
#ifndef PLANAR_ENCODE_H
#define PLANAR_ENCODE_H

#include "shim.h"

typedef struct PlPictures {
    int width, height, format;
    int rate_num, rate_den, sar_num, sar_den;
    int gop, threads;
    int64_t bitrate;
    int buffer; // of the rate control, bits
    int space, range, location;
} PlPictures;
// Timestamps of pictures are nanoseconds.
void pl_encoder_pictures(AVCodecContext *c, const PlPictures *p);
int pl_encoder_sound(AVCodecContext *c, int format, int rate, int channels, uint64_t mask, int64_t bitrate);
int pl_encoder_delay(const AVCodecContext *c); // samples

// Encodes a yuv420p picture that lies in the caller's memory, which nobody looks at
// afterwards. f is an empty frame.
int pl_encode_planes(AVCodecContext *c, AVFrame *f, int width, int height,
    const void *p0, const void *p1, const void *p2, int s0, int s1, int s2, int64_t pts, int key);
// Encodes what is in f, which stays the caller's.
int pl_encode_frame(AVCodecContext *c, AVFrame *f, int64_t pts, int key);

// Frames that are filled again and again.
int pl_picture_new(AVFrame *f, int format, int width, int height);
int pl_sound_new(AVFrame *f, int format, int rate, int channels, uint64_t mask, int samples);
// Fills f from interleaved samples of its own kind, of four bytes if it has planes.
int pl_sound_fill(AVFrame *f, const void *pcm);

// A conversion of pictures: from and to which format, size, matrix (SWS_CS_*), range
// (0 limited, 1 full) and place of the chroma samples (1/256 of a luma sample, -513:
// as usual).
typedef struct PlConversion {
    int sw, sh, sfmt, smatrix, srange, sx, sy;
    int dw, dh, dfmt, dmatrix, drange, dx, dy;
    int flags;
} PlConversion;
struct SwsContext *pl_conversion_new(const PlConversion *k, int *err);
int pl_conversion_run(struct SwsContext *c, int rows,
    const void *p0, const void *p1, const void *p2, const void *p3,
    int s0, int s1, int s2, int s3, AVFrame *dst);

#endif
