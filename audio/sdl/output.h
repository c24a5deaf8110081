/* The audio thread's half of the SDL output: a ring between one producer and the
 * SDL callback, and a snapshot of how far the callback has come. The callback never
 * waits, allocates or calls into Go. */
#ifndef PLANAR_SDL_OUTPUT_H
#define PLANAR_SDL_OUTPUT_H

#include <SDL.h>
#include <stdint.h>

typedef struct planar_out planar_out;

enum { PLANAR_S16, PLANAR_S32, PLANAR_F32 };

typedef struct {
    int64_t handed; /* frames of sound handed to SDL since the start */
    int64_t age;    /* ns since the latest hand-over of sound began; smoothed, so it can be negative */
    int64_t when;   /* ns, when that was */
    int64_t at;     /* frames, silence included, handed over before it since planar_out_attach */
    int32_t last;   /* frames of sound in it */
    int32_t running, starved;
} planar_position;

typedef struct {
    int64_t calls; /* callbacks since planar_out_attach */
    int64_t total; /* frames they were given, silence included */
    int64_t last;  /* of these, by the latest one */
    int64_t when;  /* ns, when the latest one came, unsmoothed */
} planar_feed;

/* A new output, NULL if there is no memory. */
planar_out *planar_out_new(void);
/* Allocates the ring; the output is then paused. period is in ns. 0 if there is no
 * memory. */
int planar_out_setup(planar_out *o, uint32_t capacity, double period, int channels, int kind);
/* Tells of the SDL device that will call back, before it is started; or, by 0, that the
 * one there was is about to be closed. No other calls may run but the callback and
 * planar_out_feed. */
void planar_out_attach(planar_out *o, SDL_AudioDeviceID dev);
/* After SDL_CloseAudioDevice. */
void planar_out_free(planar_out *o);
/* The SDL_AudioCallback. */
void planar_out_callback(void *o, Uint8 *stream, int len);

/* Before SDL's audio is set up, once or more. */
void planar_quiet_alsa(void);

/* For the producer. */
uint32_t planar_out_write(planar_out *o, const void *pcm, uint32_t frames);
void planar_out_end(planar_out *o);
void planar_out_flush(planar_out *o);
/* For any thread. */
uint32_t planar_out_queued(planar_out *o);
void planar_out_pause(planar_out *o, int paused);
void planar_out_set_gain(planar_out *o, float gain);
planar_position planar_out_position(planar_out *o);
planar_feed planar_out_feed(planar_out *o);
int64_t planar_out_underruns(planar_out *o);
/* The time that all of this is in: ns of CLOCK_MONOTONIC. */
int64_t planar_out_now(void);

#endif
