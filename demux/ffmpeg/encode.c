#include "encode.h"

#include <string.h>

#include <libavutil/buffer.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>

// --- setting up ---

void pl_encoder_pictures(AVCodecContext *c, const PlPictures *p) {
    c->width = p->width, c->height = p->height, c->pix_fmt = p->format;
    c->time_base = (AVRational){1, 1000000000};
    c->framerate = (AVRational){p->rate_num, p->rate_den};
    c->sample_aspect_ratio = (AVRational){p->sar_num, p->sar_den};
    c->gop_size = p->gop, c->keyint_min = p->gop, c->max_b_frames = 0;
    c->thread_count = p->threads, c->thread_type = FF_THREAD_SLICE;
    c->bit_rate = c->rc_max_rate = p->bitrate;
    c->rc_buffer_size = p->buffer;
    c->colorspace = p->space, c->color_range = p->range, c->chroma_sample_location = p->location;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
}

int pl_encoder_sound(AVCodecContext *c, int format, int rate, int channels, uint64_t mask, int64_t bitrate) {
    c->sample_fmt = format, c->sample_rate = rate, c->bit_rate = bitrate;
    c->time_base = (AVRational){1, rate};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return pl_layout_from(&c->ch_layout, channels, mask);
}

int pl_encoder_delay(const AVCodecContext *c) { return c->initial_padding; }

// --- encoding ---

int pl_encode_frame(AVCodecContext *c, AVFrame *f, int64_t pts, int key) {
    if (f) {
        f->pts = pts;
        f->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    }
    return avcodec_send_frame(c, f);
}

// The planes are the caller's.
static void keep(void *opaque, uint8_t *data) {}

int pl_encode_planes(AVCodecContext *c, AVFrame *f, int width, int height,
    const void *p0, const void *p1, const void *p2, int s0, int s1, int s2, int64_t pts, int key) {
    const void *planes[3] = {p0, p1, p2};
    int strides[3] = {s0, s1, s2}, r = 0;
    av_frame_unref(f); // it may have memory of its own, from pictures that were converted
    f->format = AV_PIX_FMT_YUV420P, f->width = width, f->height = height;
    for (int i = 0; i < 3 && r >= 0; i++) {
        // With buffers of its own, a frame is not copied by libavcodec. Nobody writes
        // to what is passed to an encoder.
        f->data[i] = (uint8_t *)planes[i], f->linesize[i] = strides[i];
        f->buf[i] = av_buffer_create(f->data[i], (size_t)strides[i] * (i ? height / 2 : height), keep, NULL, AV_BUFFER_FLAG_READONLY);
        if (!f->buf[i]) r = AVERROR(ENOMEM);
    }
    if (r >= 0) r = pl_encode_frame(c, f, pts, key);
    // x264 and x265 copy a picture before they return. One that does not must not go on.
    for (int i = 0; i < 3; i++)
        if (f->buf[i] && av_buffer_get_ref_count(f->buf[i]) != 1) r = AVERROR_BUG;
    av_frame_unref(f);
    return r;
}

// --- frames ---

int pl_picture_new(AVFrame *f, int format, int width, int height) {
    av_frame_unref(f);
    f->format = format, f->width = width, f->height = height;
    return av_frame_get_buffer(f, 0);
}

int pl_sound_new(AVFrame *f, int format, int rate, int channels, uint64_t mask, int samples) {
    av_frame_unref(f);
    f->format = format, f->sample_rate = rate, f->nb_samples = samples;
    int r = pl_layout_from(&f->ch_layout, channels, mask);
    return r < 0 ? r : av_frame_get_buffer(f, 0);
}

int pl_sound_fill(AVFrame *f, const void *pcm) {
    int r = av_frame_make_writable(f);
    if (r < 0) return r;
    int channels = f->ch_layout.nb_channels;
    if (!av_sample_fmt_is_planar(f->format)) {
        memcpy(f->data[0], pcm, (size_t)f->nb_samples * channels * av_get_bytes_per_sample(f->format));
        return 0;
    }
    for (int i = 0; i < channels; i++) {
        const uint32_t *src = (const uint32_t *)pcm + i;
        uint32_t *dst = (uint32_t *)f->extended_data[i];
        for (int n = 0; n < f->nb_samples; n++) dst[n] = src[(size_t)n * channels];
    }
    return 0;
}

// --- conversion ---

struct SwsContext *pl_conversion_new(const PlConversion *k, int *err) {
    struct SwsContext *c = sws_alloc_context();
    if (!c) { *err = AVERROR(ENOMEM); return NULL; }
    const struct { const char *name; int value; } options[] = {
        {"srcw", k->sw}, {"srch", k->sh}, {"src_format", k->sfmt}, {"src_range", k->srange},
        {"dstw", k->dw}, {"dsth", k->dh}, {"dst_format", k->dfmt}, {"dst_range", k->drange},
        {"src_h_chr_pos", k->sx}, {"src_v_chr_pos", k->sy}, {"dst_h_chr_pos", k->dx}, {"dst_v_chr_pos", k->dy},
        {"sws_flags", k->flags},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) av_opt_set_int(c, options[i].name, options[i].value, 0);
    const int *from = sws_getCoefficients(k->smatrix), *to = sws_getCoefficients(k->dmatrix);
    sws_setColorspaceDetails(c, from, k->srange, to, k->drange, 0, 1 << 16, 1 << 16);
    *err = sws_init_context(c, NULL, NULL);
    if (*err < 0) { sws_freeContext(c); return NULL; }
    // Only a context that is ready goes from one matrix to another.
    if (k->smatrix != k->dmatrix) sws_setColorspaceDetails(c, from, k->srange, to, k->drange, 0, 1 << 16, 1 << 16);
    return c;
}

int pl_conversion_run(struct SwsContext *c, int rows,
    const void *p0, const void *p1, const void *p2, const void *p3,
    int s0, int s1, int s2, int s3, AVFrame *dst) {
    const uint8_t *src[4] = {p0, p1, p2, p3};
    int strides[4] = {s0, s1, s2, s3};
    int r = av_frame_make_writable(dst);
    return r < 0 ? r : sws_scale(c, src, strides, 0, rows, dst->data, dst->linesize);
}
