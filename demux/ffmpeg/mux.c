#include "mux.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/display.h>
#include <libavutil/opt.h>

struct PlMux {
    AVFormatContext *fc;
    AVPacket *packet;
    int transport; // an MPEG transport stream
    uint8_t *in;   // a copy of the latest packet, padded
    size_t in_size;
    // What has been written since the latest call began.
    uint8_t *data;
    size_t size, room;
    PlSegment *segments;
    int count, segment_room;
    int64_t position, end; // of the file
};

// --- the file in memory ---

#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define CONST const
#else
#define CONST
#endif

static int sink_write(void *opaque, CONST uint8_t *buf, int size) {
    PlMux *m = opaque;
    if (m->size + size > m->room) {
        size_t room = (m->size + size) * 2;
        uint8_t *data = realloc(m->data, room);
        if (!data) return AVERROR(ENOMEM);
        m->data = data, m->room = room;
    }
    PlSegment *s = m->count ? &m->segments[m->count - 1] : NULL;
    if (!s || s->position + (int64_t)s->size != m->position) {
        if (m->count == m->segment_room) {
            int room = m->segment_room * 2 + 8;
            PlSegment *more = realloc(m->segments, room * sizeof *more);
            if (!more) return AVERROR(ENOMEM);
            m->segments = more, m->segment_room = room;
        }
        s = &m->segments[m->count++];
        *s = (PlSegment){m->position, m->size, 0};
    }
    memcpy(m->data + m->size, buf, size);
    m->size += size, s->size += size, m->position += size;
    m->end = FFMAX(m->end, m->position);
    return size;
}

static int64_t sink_seek(void *opaque, int64_t offset, int whence) {
    PlMux *m = opaque;
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE: return m->end;
    case SEEK_SET: break;
    case SEEK_CUR: offset += m->position; break;
    case SEEK_END: offset += m->end; break;
    default: return AVERROR(EINVAL);
    }
    if (offset < 0) return AVERROR(EINVAL);
    return m->position = offset;
}

// More than this is not kept from call to call: an index at the end, say.
#define KEPT (4 << 20)

static void sink_clear(PlMux *m) {
    if (m->room > KEPT) {
        free(m->data);
        m->data = NULL, m->room = 0;
    }
    m->size = 0, m->count = 0;
}

static void sink_give(PlMux *m, PlOutput *o) { *o = (PlOutput){m->data, m->segments, m->count}; }

// --- the muxer ---

PlMux *pl_mux_new(const char *format, int *err) {
    const AVOutputFormat *f = av_guess_format(format, NULL, NULL);
    if (!f || f->flags & AVFMT_NOFILE) { *err = AVERROR_MUXER_NOT_FOUND; return NULL; }
    PlMux *m = calloc(1, sizeof *m);
    if (!m) { *err = AVERROR(ENOMEM); return NULL; }
    m->transport = !strcmp(f->name, "mpegts");
    *err = avformat_alloc_output_context2(&m->fc, f, NULL, NULL);
    if (*err >= 0 && !(m->packet = av_packet_alloc())) *err = AVERROR(ENOMEM);
    if (*err < 0) { pl_mux_free(m); return NULL; }
    return m;
}

void pl_mux_free(PlMux *m) {
    if (!m) return;
    if (m->fc && m->fc->pb) {
        av_freep(&m->fc->pb->buffer);
        avio_context_free(&m->fc->pb);
    }
    avformat_free_context(m->fc);
    av_packet_free(&m->packet);
    free(m->in);
    free(m->data);
    free(m->segments);
    free(m);
}

int pl_mux_flags(PlMux *m) { return m->fc->oformat->flags; }

int pl_mux_stream(PlMux *m, const PlMuxStream *s, const void *extradata, int size, const char *language, const char *title) {
    AVStream *st = avformat_new_stream(m->fc, NULL);
    if (!st) return AVERROR(ENOMEM);
    AVCodecParameters *p = st->codecpar;
    p->codec_type = s->type, p->codec_id = s->codec_id, p->codec_tag = s->tag;
    if (size > 0) {
        if (!(p->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE))) return AVERROR(ENOMEM);
        memcpy(p->extradata, extradata, size);
        p->extradata_size = size;
    }
    if (*language) av_dict_set(&st->metadata, "language", language, 0);
    if (*title) av_dict_set(&st->metadata, "title", title, 0);
    if (s->type == AVMEDIA_TYPE_AUDIO) {
        p->format = s->sample_format, p->sample_rate = s->sample_rate;
        st->time_base = (AVRational){1, s->sample_rate};
        return pl_layout_from(&p->ch_layout, s->channels, s->mask);
    }
    p->width = s->width, p->height = s->height, p->format = s->format;
    p->color_space = s->space, p->color_range = s->range, p->chroma_location = s->location;
    p->sample_aspect_ratio = st->sample_aspect_ratio = (AVRational){s->sar_num, s->sar_den};
    st->avg_frame_rate = (AVRational){s->rate_num, s->rate_den};
    st->time_base = (AVRational){1, 90000};
    if (s->rotation) {
        int32_t *matrix;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
        AVPacketSideData *sd = av_packet_side_data_new(&p->coded_side_data, &p->nb_coded_side_data,
            AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof *matrix, 0);
        matrix = sd ? (int32_t *)sd->data : NULL;
#else
        matrix = (int32_t *)av_stream_new_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof *matrix);
#endif
        if (!matrix) return AVERROR(ENOMEM);
        av_display_rotation_set(matrix, -s->rotation);
    }
    return 0;
}

#define IO_BUFFER (64 << 10)

int pl_mux_begin(PlMux *m, int seekable, int live, const char *options, PlOutput *o) {
    uint8_t *buffer = av_malloc(IO_BUFFER);
    if (!buffer) return AVERROR(ENOMEM);
    m->fc->pb = avio_alloc_context(buffer, IO_BUFFER, 1, m, NULL, sink_write, seekable ? sink_seek : NULL);
    if (!m->fc->pb) { av_freep(&buffer); return AVERROR(ENOMEM); }
    m->fc->pb->seekable = seekable ? AVIO_SEEKABLE_NORMAL : 0;
    m->fc->flush_packets = live;
    m->fc->max_delay = 0;
    m->fc->avoid_negative_ts = 0; // the caller sees to it
    AVDictionary *d = NULL;
    int r = av_dict_parse_string(&d, options, "=", ":", 0);
    if (r >= 0) r = avformat_write_header(m->fc, &d);
    av_dict_free(&d);
    if (r >= 0 && live) avio_flush(m->fc->pb);
    sink_give(m, o);
    return r;
}

void pl_mux_time_base(PlMux *m, int stream, int *num, int *den) {
    AVRational b = m->fc->streams[stream]->time_base;
    *num = b.num, *den = b.den;
}

int pl_mux_write(PlMux *m, int stream, const void *data, int size,
    int64_t pts, int64_t dts, int64_t duration, int key, int tables, PlOutput *o) {
    sink_clear(m);
    // Parsers in muxers read a few bytes beyond the end, which Go's memory need not have.
    size_t need = (size_t)size + AV_INPUT_BUFFER_PADDING_SIZE;
    if (need > m->in_size || m->in_size > KEPT) {
        free(m->in);
        m->in_size = need + need / 2;
        if (!(m->in = malloc(m->in_size))) { m->in_size = 0; return AVERROR(ENOMEM); }
    }
    memcpy(m->in, data, size);
    memset(m->in + size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    if (tables && m->transport) av_opt_set_int(m->fc->priv_data, "mpegts_flags", 1, 0); // resend_headers, once
    AVPacket *p = m->packet;
    p->data = m->in, p->size = size, p->stream_index = stream;
    p->pts = pts, p->dts = dts, p->duration = duration;
    p->flags = key ? AV_PKT_FLAG_KEY : 0;
    int r = av_write_frame(m->fc, p);
    av_packet_unref(p);
    sink_give(m, o);
    return r;
}

int pl_mux_flush(PlMux *m, PlOutput *o) {
    sink_clear(m);
    int r = 0;
    if (m->fc->oformat->flags & AVFMT_ALLOW_FLUSH) r = av_write_frame(m->fc, NULL);
    avio_flush(m->fc->pb);
    sink_give(m, o);
    return r < 0 ? r : 0;
}

int pl_mux_end(PlMux *m, PlOutput *o) {
    sink_clear(m);
    int r = av_write_trailer(m->fc);
    avio_flush(m->fc->pb);
    sink_give(m, o);
    return r;
}

const char *pl_mux_guess(const char *name) {
    const AVOutputFormat *f = av_guess_format(NULL, name, NULL);
    return f && !(f->flags & AVFMT_NOFILE) ? f->name : NULL;
}

int pl_mux_takes(const char *format, int codec_id) {
    const AVOutputFormat *f = av_guess_format(format, NULL, NULL);
    return f ? avformat_query_codec(f, codec_id, FF_COMPLIANCE_NORMAL) : 0;
}
