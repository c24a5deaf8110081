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
    int32_t last;   /* frames of sound in it */
    int32_t running, starved;
} planar_position;

/* A new output, NULL if there is no memory. */
planar_out *planar_out_new(void);
/* Allocates the ring, before SDL's device is started; the output is then paused.
 * period is in ns. 0 if there is no memory. */
int planar_out_setup(planar_out *o, SDL_AudioDeviceID dev, uint32_t capacity, double period, int channels, int kind);
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
int64_t planar_out_underruns(planar_out *o);

#endif
