#include "shim.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/common.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/time.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "_cgo_export.h"

// --- interruption ---

struct PlInterrupt {
    atomic_int stop, expired;
    _Atomic int64_t deadline; // 0: none
};

PlInterrupt *pl_interrupt_new(void) { return calloc(1, sizeof(PlInterrupt)); }
void pl_interrupt_free(PlInterrupt *it) { free(it); }
void pl_interrupt_stop(PlInterrupt *it) { atomic_store(&it->stop, 1); }
void pl_interrupt_resume(PlInterrupt *it) { atomic_store(&it->stop, 0); }
int pl_interrupt_stopped(PlInterrupt *it) { return atomic_load(&it->stop); }
int pl_interrupt_expired(PlInterrupt *it) { return atomic_load(&it->expired); }

void pl_interrupt_deadline(PlInterrupt *it, int64_t us) {
    atomic_store(&it->expired, 0);
    atomic_store(&it->deadline, us < 0 ? 0 : av_gettime_relative() + us + 1);
}

static int interrupted(void *opaque) {
    PlInterrupt *it = opaque;
    if (atomic_load_explicit(&it->stop, memory_order_relaxed)) return 1;
    int64_t d = atomic_load_explicit(&it->deadline, memory_order_relaxed);
    if (d && av_gettime_relative() >= d) {
        atomic_store(&it->expired, 1);
        return 1;
    }
    return 0;
}

void pl_interrupt_attach(AVFormatContext *fc, PlInterrupt *it) {
    fc->interrupt_callback.callback = interrupted;
    fc->interrupt_callback.opaque = it;
}

// --- log ---

// Error lines are told apart by thread, because that is the only thing that
// ties a line of a nested protocol to the open attempt it belongs to.
#define PL_LOG_SIZE 2048
static _Thread_local char kept[PL_LOG_SIZE];
static _Thread_local int kept_len, keeping;
static atomic_int forwarding;

static void log_line(void *ptr, int level, const char *fmt, va_list vl) {
    int fwd = atomic_load_explicit(&forwarding, memory_order_relaxed) && level <= AV_LOG_VERBOSE;
    int keep = keeping && level <= AV_LOG_WARNING;
    if (!fwd && !keep) return;
    char line[1024];
    int n = vsnprintf(line, sizeof line, fmt, vl);
    if (n <= 0) return;
    if (n >= (int)sizeof line) n = sizeof line - 1;
    if (keep) {
        if (kept_len + n + 1 >= PL_LOG_SIZE) kept_len = 0; // the latest lines matter
        memcpy(kept + kept_len, line, n);
        kept_len += n;
        kept[kept_len] = 0;
    }
    if (fwd) {
        const AVClass *c = ptr ? *(const AVClass **)ptr : NULL;
        planarLogLine(level, c ? (char *)c->class_name : "", line);
    }
}

static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static void log_install(void) { av_log_set_callback(log_line); }
void pl_log_init(void) { pthread_once(&log_once, log_install); }
void pl_log_forward(int on) { atomic_store(&forwarding, on); }
void pl_log_begin(void) { kept_len = 0; kept[0] = 0; keeping = 1; }
const char *pl_log_end(void) { keeping = 0; return kept; }

// --- input ---

// Degrees clockwise, a multiple of 90; a display matrix turns counterclockwise.
static int rotation_of(const uint8_t *m, size_t size) {
    if (!m || size < 9 * sizeof(int32_t)) return -1;
    double d = -av_display_rotation_get((const int32_t *)m);
    if (isnan(d)) return -1;
    int r = (int)(d / 90 + (d < 0 ? -0.5 : 0.5)) % 4;
    return (r < 0 ? r + 4 : r) * 90;
}

static uint64_t layout_mask(const AVChannelLayout *l) {
    return l->order == AV_CHANNEL_ORDER_NATIVE ? l->u.mask : 0;
}

int pl_layout_from(AVChannelLayout *l, int channels, uint64_t mask) {
    av_channel_layout_uninit(l);
    if (mask && av_popcount64(mask) == channels) return av_channel_layout_from_mask(l, mask);
    av_channel_layout_default(l, channels);
    return l->nb_channels == channels ? 0 : AVERROR(EINVAL);
}

int pl_stream_info(AVFormatContext *fc, int i, PlStream *o) {
    memset(o, 0, sizeof *o);
    if (i < 0 || i >= (int)fc->nb_streams) return AVERROR(EINVAL);
    AVStream *st = fc->streams[i];
    AVCodecParameters *p = st->codecpar;
    o->type = p->codec_type;
    o->codec_id = p->codec_id;
    o->disposition = st->disposition;
    o->nb_frames = st->nb_frames;
    o->duration = st->duration;
    o->start_time = st->start_time;
    o->tb_num = st->time_base.num, o->tb_den = st->time_base.den;
    o->avg_num = st->avg_frame_rate.num, o->avg_den = st->avg_frame_rate.den;
    o->r_num = st->r_frame_rate.num, o->r_den = st->r_frame_rate.den;
    o->sar_num = st->sample_aspect_ratio.num, o->sar_den = st->sample_aspect_ratio.den;
    o->codec_sar_num = p->sample_aspect_ratio.num, o->codec_sar_den = p->sample_aspect_ratio.den;
    o->width = p->width, o->height = p->height;
    o->pixel_format = p->codec_type == AVMEDIA_TYPE_VIDEO ? p->format : -1;
    o->sample_format = p->codec_type == AVMEDIA_TYPE_AUDIO ? p->format : -1;
    o->space = p->color_space, o->range = p->color_range, o->location = p->chroma_location;
    o->rate = p->sample_rate;
    o->channels = p->ch_layout.nb_channels;
    o->mask = layout_mask(&p->ch_layout);
    o->extradata = p->extradata_size;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVPacketSideData *sd = av_packet_side_data_get(p->coded_side_data,
        p->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    o->rotation = sd ? rotation_of(sd->data, sd->size) : -1;
#else
    size_t size = 0;
    const uint8_t *m = av_stream_get_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, &size);
    o->rotation = rotation_of(m, size);
#endif
    return 0;
}

void pl_stream_tag(AVFormatContext *fc, int i, const char *name, char *buf, int size) {
    AVDictionaryEntry *e = NULL;
    if (i >= 0 && i < (int)fc->nb_streams) e = av_dict_get(fc->streams[i]->metadata, name, NULL, 0);
    snprintf(buf, size, "%s", e ? e->value : "");
}

void pl_stream_discard(AVFormatContext *fc, int i, int discard) {
    if (i >= 0 && i < (int)fc->nb_streams)
        fc->streams[i]->discard = discard ? AVDISCARD_ALL : AVDISCARD_DEFAULT;
}

int pl_probe_score(AVFormatContext *fc) { return fc->probe_score; }
int pl_input_flags(AVFormatContext *fc) { return fc->iformat ? fc->iformat->flags : 0; }
int pl_io_error(AVFormatContext *fc) { return fc->pb ? fc->pb->error : 0; }

int pl_io_seekable(AVFormatContext *fc) {
    if (fc->ctx_flags & AVFMTCTX_UNSEEKABLE) return 0;
    if (!fc->pb) return -1;
    return !!(fc->pb->seekable & AVIO_SEEKABLE_NORMAL);
}

void pl_limit_probe(AVFormatContext *fc, int64_t probesize, int64_t analyze_us) {
    fc->probesize = probesize;
    fc->max_analyze_duration = analyze_us;
    fc->fps_probe_size = 0;
}

int pl_seek(AVFormatContext *fc, int stream, int64_t ts) {
    return avformat_seek_file(fc, stream, INT64_MIN, ts, ts, 0);
}

int pl_seek_begin(AVFormatContext *fc) {
    return avformat_seek_file(fc, -1, INT64_MIN, 0, INT64_MAX, AVSEEK_FLAG_BYTE);
}

// --- packets ---

void pl_packet_info(const AVPacket *p, PlPacket *o) {
    o->pts = p->pts;
    o->dts = p->dts;
    o->duration = p->duration;
    o->stream = p->stream_index;
    o->size = p->size;
    o->key = !!(p->flags & AV_PKT_FLAG_KEY);
}

// av_new_packet pads the payload, which decoders that read ahead rely on.
int pl_packet_fill(AVPacket *p, const void *data, int size) {
    av_packet_unref(p);
    int r = av_new_packet(p, size);
    if (r >= 0) memcpy(p->data, data, size);
    return r;
}

// --- decoders ---

void pl_codec_setup(AVCodecContext *c, int tb_num, int tb_den) {
    c->pkt_timebase = (AVRational){tb_num, tb_den};
}

void pl_codec_flush(AVCodecContext *c) { avcodec_flush_buffers(c); }

int pl_codec_id(const char *name) {
    const AVCodecDescriptor *d = avcodec_descriptor_get_by_name(name);
    return d ? d->id : AV_CODEC_ID_NONE;
}

int pl_par_audio(AVCodecParameters *p, int rate, int channels, uint64_t mask) {
    p->sample_rate = rate;
    p->block_align = 0;
    return pl_layout_from(&p->ch_layout, channels, mask);
}

int pl_layout(int format, int w, int h, PlLayout *o) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    memset(o, 0, sizeof *o);
    if (!d || (d->flags & AV_PIX_FMT_FLAG_HWACCEL)) return AVERROR(EINVAL);
    int n = av_pix_fmt_count_planes(format);
    if (n <= 0 || n > PL_MAX_PLANES) return AVERROR(EINVAL);
    if (d->flags & AV_PIX_FMT_FLAG_PAL) n = 1;
    for (int i = 0; i < n; i++) {
        int l = av_image_get_linesize(format, w, i);
        if (l < 0) return l;
        o->rowbytes[i] = l;
        o->rows[i] = i == 1 || i == 2 ? AV_CEIL_RSHIFT(h, d->log2_chroma_h) : h;
    }
    o->planes = n;
    return 0;
}

int pl_frame_info(const AVFrame *f, PlFrame *o) {
    PlLayout l;
    int r = pl_layout(f->format, f->width, f->height, &l);
    if (r < 0) return r;
    o->planes = l.planes;
    o->flipped = 0;
    for (int i = 0; i < l.planes; i++) {
        if (!f->data[i]) return AVERROR_INVALIDDATA;
        o->data[i] = f->data[i];
        o->linesize[i] = f->linesize[i];
        o->rowbytes[i] = l.rowbytes[i];
        o->rows[i] = l.rows[i];
        if (f->linesize[i] < 0) o->flipped = 1;
    }
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    if ((d->flags & AV_PIX_FMT_FLAG_PAL) && f->data[1]) { // the palette, 256 native-endian ARGB words
        o->data[1] = f->data[1];
        o->linesize[1] = o->rowbytes[1] = AVPALETTE_SIZE;
        o->rows[1] = 1;
        o->planes = 2;
    }
    o->width = f->width, o->height = f->height, o->format = f->format;
    o->pts = f->best_effort_timestamp;
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    o->duration = f->duration;
#else
    o->duration = f->pkt_duration;
#endif
#ifdef AV_FRAME_FLAG_KEY
    o->key = !!(f->flags & AV_FRAME_FLAG_KEY);
#else
    o->key = f->key_frame;
#endif
    o->space = f->colorspace, o->range = f->color_range, o->location = f->chroma_location;
    o->sar_num = f->sample_aspect_ratio.num, o->sar_den = f->sample_aspect_ratio.den;
    const AVFrameSideData *sd = f->nb_side_data ? av_frame_get_side_data(f, AV_FRAME_DATA_DISPLAYMATRIX) : NULL;
    o->rotation = sd ? rotation_of(sd->data, sd->size) : -1;
    return 0;
}

int pl_sound_info(const AVFrame *f, PlSound *o) {
    int planar = av_sample_fmt_is_planar(f->format);
    int b = av_get_bytes_per_sample(f->format);
    if (b <= 0 || f->ch_layout.nb_channels <= 0 || f->nb_samples < 0 || !f->extended_data) return AVERROR_INVALIDDATA;
    o->data = f->extended_data;
    o->planes = planar ? f->ch_layout.nb_channels : 1;
    o->bytes = b * f->nb_samples * (planar ? 1 : f->ch_layout.nb_channels);
    o->samples = f->nb_samples;
    o->format = f->format;
    o->rate = f->sample_rate;
    o->channels = f->ch_layout.nb_channels;
    o->mask = layout_mask(&f->ch_layout);
    o->pts = f->best_effort_timestamp;
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    o->duration = f->duration;
#else
    o->duration = f->pkt_duration;
#endif
    return 0;
}

// --- pixel formats ---

int pl_pixel_format_next(int prev) {
    const AVPixFmtDescriptor *d = prev < 0 ? NULL : av_pix_fmt_desc_get(prev);
    while ((d = av_pix_fmt_desc_next(d)))
        if (!(d->flags & AV_PIX_FMT_FLAG_HWACCEL)) return av_pix_fmt_desc_get_id(d);
    return -1;
}

int pl_describe(int format, PlDescriptor *o) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    if (!d) return AVERROR(EINVAL);
    o->components = d->nb_components;
    o->shift_x = d->log2_chroma_w, o->shift_y = d->log2_chroma_h;
    o->rgb = !!(d->flags & AV_PIX_FMT_FLAG_RGB), o->alpha = !!(d->flags & AV_PIX_FMT_FLAG_ALPHA);
    o->big_endian = !!(d->flags & AV_PIX_FMT_FLAG_BE), o->is_float = !!(d->flags & AV_PIX_FMT_FLAG_FLOAT);
    o->bayer = !!(d->flags & AV_PIX_FMT_FLAG_BAYER), o->palette = !!(d->flags & AV_PIX_FMT_FLAG_PAL);
    o->bitstream = !!(d->flags & AV_PIX_FMT_FLAG_BITSTREAM);
    for (int i = 0; i < d->nb_components && i < 4; i++) {
        const AVComponentDescriptor *c = &d->comp[i];
        o->comp[i].plane = c->plane, o->comp[i].step = c->step, o->comp[i].offset = c->offset;
        o->comp[i].shift = c->shift, o->comp[i].depth = c->depth;
    }
    return 0;
}

int pl_pixel_format_rgb(int format) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    return d && (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER)) != 0;
}

int pl_pixel_format_full(int format) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    if (!d) return 0;
    return pl_pixel_format_rgb(format) || d->nb_components < 3 || !strncmp(d->name, "yuvj", 4);
}

int pl_pixel_format_alpha(int format) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    return d && (d->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
}

int pl_pixel_format_pal(int format) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    return d && (d->flags & AV_PIX_FMT_FLAG_PAL) != 0;
}

int pl_pixel_format_depth(int format) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    return d ? d->comp[0].depth : 0;
}

// --- scaling ---

struct SwsContext *pl_scale_new(int sw, int sh, int sfmt, int dw, int dh, int dfmt,
    int flags, int matrix, int full, int contrast, int hpos, int vpos, int *err) {
    struct SwsContext *c = sws_alloc_context();
    if (!c) { *err = AVERROR(ENOMEM); return NULL; }
    av_opt_set_int(c, "srcw", sw, 0);
    av_opt_set_int(c, "srch", sh, 0);
    av_opt_set_int(c, "src_format", sfmt, 0);
    av_opt_set_int(c, "dstw", dw, 0);
    av_opt_set_int(c, "dsth", dh, 0);
    av_opt_set_int(c, "dst_format", dfmt, 0);
    av_opt_set_int(c, "sws_flags", flags, 0);
    av_opt_set_int(c, "src_range", full, 0);
    av_opt_set_int(c, "dst_range", 1, 0);
    av_opt_set_int(c, "src_h_chr_pos", hpos, 0);
    av_opt_set_int(c, "src_v_chr_pos", vpos, 0);
    const int *t = sws_getCoefficients(matrix);
    sws_setColorspaceDetails(c, t, full, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, contrast, 1 << 16);
    *err = sws_init_context(c, NULL, NULL);
    if (*err < 0) { sws_freeContext(c); return NULL; }
    return c;
}

int pl_scale(struct SwsContext *c, int h,
    const void *p0, const void *p1, const void *p2, const void *p3,
    int s0, int s1, int s2, int s3, void *dst, int dst_stride) {
    const uint8_t *src[4] = {p0, p1, p2, p3};
    int strides[4] = {s0, s1, s2, s3};
    uint8_t *d[4] = {dst};
    int ds[4] = {dst_stride};
    return sws_scale(c, src, strides, 0, h, d, ds);
}

// One row of blue, green, red, 255.
static void pack(uint8_t *d, const uint8_t *g, const uint8_t *b, const uint8_t *r, int w) {
    int x = 0;
#ifdef __SSE2__
    const __m128i a = _mm_set1_epi8(-1);
    for (; x + 16 <= w; x += 16) {
        __m128i B = _mm_loadu_si128((const void *)(b + x));
        __m128i G = _mm_loadu_si128((const void *)(g + x));
        __m128i R = _mm_loadu_si128((const void *)(r + x));
        __m128i l = _mm_unpacklo_epi8(B, G), h = _mm_unpackhi_epi8(B, G);
        __m128i l2 = _mm_unpacklo_epi8(R, a), h2 = _mm_unpackhi_epi8(R, a);
        _mm_storeu_si128((void *)(d + 4 * x), _mm_unpacklo_epi16(l, l2));
        _mm_storeu_si128((void *)(d + 4 * x + 16), _mm_unpackhi_epi16(l, l2));
        _mm_storeu_si128((void *)(d + 4 * x + 32), _mm_unpacklo_epi16(h, h2));
        _mm_storeu_si128((void *)(d + 4 * x + 48), _mm_unpackhi_epi16(h, h2));
    }
#endif
    for (; x < w; x++) {
        d[4 * x] = b[x];
        d[4 * x + 1] = g[x];
        d[4 * x + 2] = r[x];
        d[4 * x + 3] = 255;
    }
}

// swscale's exact conversion is quick only for planar RGB, so that is what it
// makes, in bands that stay in the processor's cache, and pack does the rest.
#define BAND 16

static size_t band_stride(int dw) { return ((size_t)dw + 127) & ~(size_t)63; }

// Each plane has room for all rows, because how many one call makes is swscale's
// affair; the pages of those that never come are never touched.
size_t pl_band_bytes(int dw, int dh) { return 3 * band_stride(dw) * dh + 64; }

int pl_scale_band(struct SwsContext *c, int h, int shift, int dw, int dh, void *scratch,
    const void *p0, const void *p1, const void *p2, const void *p3,
    int s0, int s1, int s2, int s3, void *dst, int dst_stride) {
    const uint8_t *planes[4] = {p0, p1, p2, p3};
    int strides[4] = {s0, s1, s2, s3};
    size_t row = band_stride(dw);
    int ds[4] = {row, row, row};
    uint8_t *plane[3];
    for (int i = 0; i < 3; i++) plane[i] = (uint8_t *)scratch + i * row * dh;
    for (int y = 0, done = 0; y < h; y += BAND) {
        const uint8_t *src[4];
        uint8_t *d[4] = {0};
        for (int i = 0; i < 4; i++) {
            int from = i == 1 || i == 2 ? y >> shift : y;
            src[i] = planes[i] ? planes[i] + (ptrdiff_t)from * strides[i] : NULL;
        }
        // swscale puts row "done" where we want the band to begin.
        for (int i = 0; i < 3; i++) d[i] = plane[i] - (ptrdiff_t)done * row;
        int n = sws_scale(c, src, strides, y, FFMIN(BAND, h - y), d, ds);
        if (n < 0) return n;
        n = FFMIN(n, dh - done);
        for (int j = 0; j < n; j++)
            pack((uint8_t *)dst + (ptrdiff_t)(done + j) * dst_stride,
                plane[0] + j * row, plane[1] + j * row, plane[2] + j * row, dw);
        done += n;
    }
    return 0;
}

int pl_chroma_shift(int format) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    return d ? d->log2_chroma_h : 0;
}

void pl_opaque(void *dst, int stride, int w, int h) {
    for (int y = 0; y < h; y++) {
        uint8_t *row = (uint8_t *)dst + (size_t)y * stride;
        for (int x = 0; x < w; x++) { // compilers make whole words of this
            uint32_t v;
            memcpy(&v, row + 4 * x, 4);
            v |= AV_NE(0x000000ff, 0xff000000);
            memcpy(row + 4 * x, &v, 4);
        }
    }
}

// --- resampling ---

// Bits that soxr is exact to: its "very high quality", inaudible also in 24 bits.
#define SOXR_PRECISION 28

struct SwrContext *pl_swr_new(int ifmt, int irate, int ich, uint64_t imask,
    int ofmt, int orate, int och, uint64_t omask, int *err) {
    AVChannelLayout in = {0}, out = {0};
    struct SwrContext *c = NULL;
    if ((*err = pl_layout_from(&in, ich, imask)) >= 0 && (*err = pl_layout_from(&out, och, omask)) >= 0 &&
        (*err = swr_alloc_set_opts2(&c, &out, ofmt, orate, &in, ifmt, irate, 0, NULL)) >= 0) {
        int better = irate != orate && av_opt_set_int(c, "resampler", SWR_ENGINE_SOXR, 0) >= 0 &&
            av_opt_set_int(c, "precision", SOXR_PRECISION, 0) >= 0;
        *err = swr_init(c);
        if (*err < 0 && better) { // soxr is not built in
            av_opt_set_int(c, "resampler", SWR_ENGINE_SWR, 0);
            *err = swr_init(c);
        }
        if (*err < 0)
            swr_free(&c);
    }
    av_channel_layout_uninit(&in);
    av_channel_layout_uninit(&out);
    return c;
}

void pl_swr_free(struct SwrContext *c) { swr_free(&c); }
int pl_swr_bound(struct SwrContext *c, int in) { return swr_get_out_samples(c, in); }

int pl_swr_convert(struct SwrContext *c, void *out, int out_frames, void **in, int in_frames) {
    uint8_t *o[1] = {out};
    return swr_convert(c, o, out_frames, (const uint8_t **)in, in_frames);
}

int64_t pl_swr_delay(struct SwrContext *c, int64_t base) { return swr_get_delay(c, base); }

struct SwrContext *pl_swr_drift_new(int fmt, int rate, int channels, uint64_t mask, int *err) {
    AVChannelLayout l = {0};
    struct SwrContext *c = NULL;
    if ((*err = pl_layout_from(&l, channels, mask)) >= 0 &&
        (*err = swr_alloc_set_opts2(&c, &l, fmt, rate, &l, fmt, rate, 0, NULL)) >= 0) {
        // With equal rates nothing would be resampled.
        *err = av_opt_set_int(c, "flags", SWR_FLAG_RESAMPLE, 0);
        // The filter's coefficients for 16 bit are too coarse.
        if (*err >= 0 && av_get_bytes_per_sample(fmt) <= 2)
            *err = av_opt_set_int(c, "internal_sample_fmt", AV_SAMPLE_FMT_FLTP, 0);
        if (*err >= 0)
            *err = swr_init(c);
        if (*err < 0)
            swr_free(&c);
    }
    av_channel_layout_uninit(&l);
    return c;
}

int pl_swr_drift_set(struct SwrContext *c, int delta, int distance) {
    return swr_set_compensation(c, delta, distance);
}

int pl_swr_drift(struct SwrContext *c, void *out, int out_frames, const void *in, int in_frames) {
    uint8_t *o[1] = {out};
    const uint8_t *i[1] = {in};
    return swr_convert(c, o, out_frames, i, in_frames);
}

int pl_audio_frame(AVFrame *f, int fmt, int rate, int channels, uint64_t mask,
    const void *data, int frames, int64_t pts) {
    av_frame_unref(f);
    f->format = fmt;
    f->sample_rate = rate;
    f->nb_samples = frames;
    f->pts = pts;
    int r = pl_layout_from(&f->ch_layout, channels, mask);
    if (r >= 0) r = av_frame_get_buffer(f, 0);
    if (r >= 0) memcpy(f->data[0], data, (size_t)frames * channels * av_get_bytes_per_sample(fmt));
    return r;
}

int pl_channel_layout_parse(const char *name, int *channels, uint64_t *mask) {
    AVChannelLayout l = {0};
    int r = av_channel_layout_from_string(&l, name);
    if (r >= 0 && l.order != AV_CHANNEL_ORDER_NATIVE && l.order != AV_CHANNEL_ORDER_UNSPEC) r = AVERROR(EINVAL);
    *channels = l.nb_channels;
    *mask = layout_mask(&l);
    av_channel_layout_uninit(&l);
    return r;
}

double pl_frame_number(const AVFrame *f, const char *key) {
    const AVDictionaryEntry *e = av_dict_get(f->metadata, key, NULL, 0);
    return e ? strtod(e->value, NULL) : NAN;
}

int pl_channel_layout_describe(int channels, uint64_t mask, char *buf, int size) {
    AVChannelLayout l = {0};
    int r = pl_layout_from(&l, channels, mask);
    if (r >= 0) r = av_channel_layout_describe(&l, buf, size);
    av_channel_layout_uninit(&l);
    return r;
}
