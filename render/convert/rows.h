#ifndef PLANAR_CONVERT_ROWS_H
#define PLANAR_CONVERT_ROWS_H

#include "kernel.h"

// Work on single rows. Rows of levels have PLANAR_MARGIN readable entries on
// both sides.
#define PLANAR_MARGIN 32

// planar_pixel is a pixel at any address.
typedef uint32_t __attribute__((aligned(1), may_alias)) planar_pixel;

// planar_load reads n samples and nothing beyond the last.
void planar_load(const uint8_t *src, const planar_component *c, int n, int16_t *out);

// planar_halve averages pairs: n results.
void planar_halve(const int16_t *row, int n, int16_t *out, int portable);

// planar_load_halved reads n samples and averages pairs; the last of an odd
// number stays as it is.
void planar_load_halved(const uint8_t *src, const planar_component *c, int n, int16_t *scratch, int16_t *out, int portable);

// planar_load_box is planar_load_halved of two rows of bytes without a gap, and
// planar_mean of these.
void planar_load_box(const uint8_t *a, const uint8_t *b, const planar_component *c, int n, int16_t *out, int portable);

// planar_mean makes a the mean of a and b.
void planar_mean(int16_t *a, const int16_t *b, int n);

// planar_columns interpolates n columns. mask may be NULL.
void planar_columns(const int16_t *row, planar_taps t, int n, int16_t *out, int portable);

// planar_blend is a plus a Q15 fraction of what b differs by.
void planar_blend(const int16_t *a, const int16_t *b, int16_t fraction, int n, int16_t *out);

// planar_level turns levels into Q5.
void planar_level(const int16_t *row, int n, int16_t factor, int16_t offset, int16_t *out);

// planar_chroma blends two rows of chroma and turns them into what they add to
// blue, green and red, in Q5.
void planar_chroma(const int16_t *ua, const int16_t *ub, const int16_t *va, const int16_t *vb,
	int16_t fraction, int n, const planar_plan *p, int16_t *blue, int16_t *green, int16_t *red);

// planar_chroma_bytes is planar_load and planar_chroma in one, of n samples that
// are bytes without a gap, and a fraction in 1/64. It returns 0 if it cannot.
int planar_chroma_bytes(const uint8_t *ua, const uint8_t *ub, const uint8_t *va, const uint8_t *vb,
	int fraction, int n, const planar_plan *p, int16_t *blue, int16_t *green, int16_t *red);

// planar_spread interpolates a row of chroma for 2 n columns.
void planar_spread(const int16_t *c, int n, const planar_plan *p, int16_t *out);

// planar_pixels adds luma and chroma and makes n pixels.
void planar_pixels(const int16_t *y, const int16_t *blue, const int16_t *green, const int16_t *red,
	int n, int16_t luma, planar_pixel *out);

// planar_luma is a row of luma, either levels or the samples of its component
// as they lie in memory: bytes or words without a gap.
typedef struct {
	enum planar_luma_kind { PLANAR_LEVELS, PLANAR_BYTES, PLANAR_WORDS } kind;
	const void *row;
	const planar_component *component;
} planar_luma;

// planar_pixels_fast and planar_pixels_spread do what they can of a row of
// n pixels, the latter with chroma of half the width, and return how many
// pixels that was, an even number.
int planar_pixels_fast(planar_luma y, int16_t *const bgr[3], int n, int16_t luma, planar_pixel *out);
int planar_pixels_spread(planar_luma y, int16_t *const bgr[3], int n, const planar_plan *p, planar_pixel *out);

// planar_fence ends a batch of rows of pixels.
void planar_fence(void);

#endif
