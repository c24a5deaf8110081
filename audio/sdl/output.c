#include "output.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE 64 /* bytes of a cache line: what two threads write lies on different ones */

/* The first callbacks get silence. PulseAudio was seen to swallow up to 5 ms of
 * what it gets first, while it catches up with the stream that begins. */
#ifndef WARM
#define WARM 2
#endif

#define LOAD(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

struct planar_out {
    /* Constant after setup. */
    uint8_t *data;
    uint64_t mask;     /* frames of data - 1; they are a power of two */
    uint32_t capacity; /* frames that may be queued, at most mask + 1 */
    uint32_t frame;    /* bytes */
    uint32_t sample;   /* bytes */
    int channels, kind;
    SDL_AudioDeviceID dev;

    /* Frames written and read since the start; they never wrap. */
    uint64_t head __attribute__((aligned(LINE))); /* the producer's */
    uint32_t ended;                               /* no more will be written: running out is no underrun */
    uint64_t tail __attribute__((aligned(LINE))); /* the callback's; also Flush's, under the device's lock */
    uint32_t gain __attribute__((aligned(LINE))); /* bits of the wanted gain, anyone's */

    /* The snapshot, guarded by seq (odd while it is being written). Written by
     * the callback, and by others under the device's lock, which excludes it. */
    uint32_t seq __attribute__((aligned(LINE)));
    int32_t last, running, starved;
    int64_t handed;
    int64_t when;   /* ns, start of the latest hand-over of sound */
    int64_t at;     /* frames handed over before it, silence included */
    int64_t frozen; /* ns, when time stopped for the position; 0 if it runs */
    int64_t underruns;
    planar_feed feed;

    int32_t paused; /* written under the device's lock */
    float applied;  /* gain at the end of the latest hand-over */

    pthread_mutex_t users; /* held with the device's lock, which does nothing while there is no device */

    /* The filter of the callback's times, its own. */
    double period; /* ns, constant */
    double beat;   /* ns, the smoothed time of the latest callback */
    int beats;     /* callbacks that beat rests on, 0 for none */
    int strays;    /* callbacks in a row that were far from their time */
};

int64_t planar_out_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static float gain_of(planar_out *o) {
    uint32_t bits = LOAD(&o->gain);
    float g;
    memcpy(&g, &bits, sizeof g);
    return g;
}

planar_out *planar_out_new(void) {
    void *p = NULL;
    if (posix_memalign(&p, LINE, sizeof(planar_out)) != 0) {
        return NULL;
    }
    planar_out *o = memset(p, 0, sizeof *o);
    o->paused = 1;
    pthread_mutex_init(&o->users, NULL);
    planar_out_set_gain(o, 1);
    return o;
}

int planar_out_setup(planar_out *o, uint32_t capacity, double period, int channels, int kind) {
    uint64_t size = 1;
    while (size < capacity) {
        size *= 2;
    }
    o->period = period;
    o->mask = size - 1;
    o->capacity = capacity;
    o->channels = channels;
    o->kind = kind;
    o->sample = kind == PLANAR_S16 ? 2 : 4;
    o->frame = o->sample * (uint32_t)channels;
    o->data = calloc(size, o->frame); /* its pages are touched first by the producer, not by the callback */
    return o->data != NULL;
}

void planar_out_free(planar_out *o) {
    pthread_mutex_destroy(&o->users);
    free(o->data);
    free(o);
}

uint32_t planar_out_queued(planar_out *o) {
    uint64_t tail = __atomic_load_n(&o->tail, __ATOMIC_ACQUIRE); /* first, or the difference could be negative */
    uint64_t n = __atomic_load_n(&o->head, __ATOMIC_ACQUIRE) - tail;
    return n > o->capacity ? o->capacity : (uint32_t)n; /* more if both moved between the two loads */
}

uint32_t planar_out_write(planar_out *o, const void *pcm, uint32_t frames) {
    uint64_t head = LOAD(&o->head);
    uint64_t room = o->capacity - (head - __atomic_load_n(&o->tail, __ATOMIC_ACQUIRE));
    uint64_t n = frames < room ? frames : room;
    uint64_t at = head & o->mask, first = o->mask + 1 - at;
    if (first > n) {
        first = n;
    }
    memcpy(o->data + at * o->frame, pcm, first * o->frame);
    memcpy(o->data, (const uint8_t *)pcm + first * o->frame, (n - first) * o->frame);
    if (n) {
        STORE(&o->ended, 0);
    }
    __atomic_store_n(&o->head, head + n, __ATOMIC_RELEASE);
    return (uint32_t)n;
}

void planar_out_end(planar_out *o) { STORE(&o->ended, 1); }

static void open_snapshot(planar_out *o) {
    STORE(&o->seq, o->seq + 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void close_snapshot(planar_out *o) { __atomic_store_n(&o->seq, o->seq + 1, __ATOMIC_RELEASE); }

/* Multiplies n frames; the gain goes in a straight line from from to to. */
static void amplify(const planar_out *o, void *pcm, uint32_t n, float from, float to) {
    if (from == 1 && to == 1) {
        return;
    }
    int16_t *s16 = pcm;
    int32_t *s32 = pcm;
    float *f32 = pcm;
    double step = ((double)to - from) / n;
    for (uint32_t i = 0; i < n; i++) {
        double g = i + 1 < n ? from + step * (i + 1) : to;
        switch (o->kind) {
        case PLANAR_S16:
            for (int c = 0; c < o->channels; c++, s16++) {
                *s16 = (int16_t)lrint(*s16 * g);
            }
            break;
        case PLANAR_S32:
            for (int c = 0; c < o->channels; c++, s32++) {
                *s32 = (int32_t)lrint(*s32 * g);
            }
            break;
        default:
            for (int c = 0; c < o->channels; c++, f32++) {
                *f32 *= (float)g;
            }
        }
    }
}

/* The smoothed time of a callback that came at now.
 *
 * The device consumes evenly, but sound systems ask in steps of their own (PulseAudio:
 * a quarter of the period) and threads wake late: callbacks were seen to come up
 * to 2.5 ms early or late on an idle machine, and that much the position would
 * jump about. What counts is when they should have come: their mean over the last
 * MEAN of them, 0.7 s. (The price is a lag if the device's clock is off, 0.07 ms
 * at 100 ppm.) A stray callback was held up by something; if they keep coming at
 * the wrong time, the device has lost time and the count begins again. So it does
 * after the first ones, when the device fills its buffer as fast as it can. */
static int64_t beat(planar_out *o, int64_t now) {
    enum { MEAN = 32, STRAYS = 4 };
    double e = (double)now - (o->beat + o->period);
    if (o->beats > 0 && fabs(e) > 1.5 * o->period && ++o->strays < STRAYS) {
        o->beat += o->period;
        return (int64_t)o->beat;
    }
    if (o->beats == 0 || o->strays >= STRAYS || (o->beats < STRAYS && e < -o->period / 2)) {
        o->beat = (double)now;
        o->beats = 1;
    } else {
        if (o->beats < MEAN) {
            o->beats++;
        }
        o->beat += o->period + e / o->beats;
    }
    o->strays = 0;
    return (int64_t)o->beat;
}

/* Counts a callback that came at a time for want frames, and returns how many had
 * been handed over before. */
static int64_t feed(planar_out *o, int64_t came, uint32_t want) {
    int64_t before = o->feed.total;
    open_snapshot(o);
    STORE(&o->feed.calls, o->feed.calls + 1);
    STORE(&o->feed.total, before + want);
    STORE(&o->feed.last, (int64_t)want);
    STORE(&o->feed.when, came);
    close_snapshot(o);
    return before;
}

void planar_out_callback(void *user, Uint8 *stream, int len) {
    planar_out *o = user;
    if (!o->dev) { /* the device is being closed, and nothing is guarded against it any more */
        memset(stream, 0, (size_t)len);
        return;
    }
    int64_t came = planar_out_now(), now = beat(o, came);
    uint32_t want = (uint32_t)len / o->frame;
    int64_t at = feed(o, came, want);
    if (o->paused || LOAD(&o->feed.calls) <= WARM) {
        memset(stream, 0, (size_t)len);
        return;
    }
    uint64_t tail = LOAD(&o->tail);
    uint64_t n = __atomic_load_n(&o->head, __ATOMIC_ACQUIRE) - tail;
    uint32_t ended = LOAD(&o->ended); /* after head: the last sound is not seen without its end */
    if (n > want) {
        n = want;
    }
    uint64_t from = tail & o->mask, first = o->mask + 1 - from;
    if (first > n) {
        first = n;
    }
    memcpy(stream, o->data + from * o->frame, first * o->frame);
    memcpy(stream + first * o->frame, o->data, (n - first) * o->frame);
    memset(stream + n * o->frame, 0, (size_t)len - n * o->frame);
    __atomic_store_n(&o->tail, tail + n, __ATOMIC_RELEASE);

    float gain = gain_of(o);
    amplify(o, stream, (uint32_t)n, o->running ? o->applied : gain, gain);
    o->applied = gain;

    /* Silence before the first sound, and after the first silence of a
     * starvation, hands over nothing: the position goes on counting from the hand-over
     * that brought the last sound. */
    if (n == 0 && (!o->running || o->starved)) {
        return;
    }
    int32_t starved = n < want;
    int counts = starved && !o->starved && !ended;
    open_snapshot(o);
    STORE(&o->handed, o->handed + (int64_t)n);
    STORE(&o->last, (int32_t)n);
    STORE(&o->when, now);
    STORE(&o->at, at);
    STORE(&o->frozen, 0);
    STORE(&o->running, 1);
    STORE(&o->starved, starved);
    STORE(&o->underruns, o->underruns + counts);
    close_snapshot(o);
}

/* Begins a new run of sound: nothing is heard of it until the next hand-over. */
static void stop_running(planar_out *o, int64_t now) {
    open_snapshot(o);
    if (!o->frozen) {
        STORE(&o->frozen, now);
    }
    STORE(&o->running, 0);
    STORE(&o->starved, 0);
    close_snapshot(o);
}

static void lock(planar_out *o) {
    pthread_mutex_lock(&o->users);
    if (o->dev) {
        SDL_LockAudioDevice(o->dev);
    }
}

static void unlock(planar_out *o) {
    if (o->dev) {
        SDL_UnlockAudioDevice(o->dev);
    }
    pthread_mutex_unlock(&o->users);
}

void planar_out_attach(planar_out *o, SDL_AudioDeviceID dev) {
    SDL_AudioDeviceID before = o->dev;
    lock(o);
    o->dev = dev;
    o->beats = o->strays = 0;
    if (!o->paused) {
        stop_running(o, planar_out_now());
    }
    open_snapshot(o);
    STORE(&o->feed.calls, 0);
    STORE(&o->feed.total, 0);
    STORE(&o->feed.last, 0);
    STORE(&o->feed.when, 0);
    close_snapshot(o);
    if (before) {
        SDL_UnlockAudioDevice(before);
    }
    pthread_mutex_unlock(&o->users);
}

void planar_out_flush(planar_out *o) {
    lock(o);
    __atomic_store_n(&o->tail, LOAD(&o->head), __ATOMIC_RELEASE);
    STORE(&o->ended, 0);
    stop_running(o, planar_out_now());
    unlock(o);
}

/* The device itself is never paused: SDL would feed it silence just the same, but
 * we would lose the beat of the callbacks. */
void planar_out_pause(planar_out *o, int paused) {
    paused = paused != 0;
    lock(o);
    if (paused && !o->paused && !o->frozen) {
        open_snapshot(o);
        STORE(&o->frozen, planar_out_now());
        close_snapshot(o);
    } else if (!paused && o->paused) {
        stop_running(o, planar_out_now());
    }
    o->paused = paused;
    unlock(o);
}

void planar_out_set_gain(planar_out *o, float gain) {
    uint32_t bits;
    memcpy(&bits, &gain, sizeof bits);
    STORE(&o->gain, bits);
}

/* Begins to read the snapshot, and tells whether what was read is whole. */
static uint32_t begin_read(planar_out *o) { return __atomic_load_n(&o->seq, __ATOMIC_ACQUIRE); }

static int end_read(planar_out *o, uint32_t seq, int tries) {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (!(seq & 1) && seq == LOAD(&o->seq)) {
        return 1;
    }
    if (tries % 64 == 0) {
        sched_yield(); /* the writer was interrupted half-way */
    }
    return 0;
}

planar_position planar_out_position(planar_out *o) {
    planar_position p;
    int64_t frozen;
    uint32_t seq;
    int tries = 1;
    do {
        seq = begin_read(o);
        p.handed = LOAD(&o->handed);
        p.last = LOAD(&o->last);
        p.running = LOAD(&o->running);
        p.starved = LOAD(&o->starved);
        p.when = LOAD(&o->when);
        p.at = LOAD(&o->at);
        frozen = LOAD(&o->frozen);
    } while (!end_read(o, seq, tries++));
    p.age = (frozen ? frozen : planar_out_now()) - p.when;
    if (p.handed == 0) {
        p.age = 0;
    }
    return p;
}

planar_feed planar_out_feed(planar_out *o) {
    planar_feed f;
    uint32_t seq;
    int tries = 1;
    do {
        seq = begin_read(o);
        f.calls = LOAD(&o->feed.calls);
        f.total = LOAD(&o->feed.total);
        f.last = LOAD(&o->feed.last);
        f.when = LOAD(&o->feed.when);
    } while (!end_read(o, seq, tries++));
    return f;
}

int64_t planar_out_underruns(planar_out *o) { return LOAD(&o->underruns); }
