#ifndef PLANAR_CONVERT_KERNEL_H
#define PLANAR_CONVERT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

// A level is counted in 1/128 of an 8-bit code value (Q7), whatever the depth
// of the samples, so that 16 bits hold each of them; that of chroma is 0 for
// grey.

// planar_component says how the samples of one component lie in memory and
// where they lie in the bitmap.
typedef struct {
	int32_t bytes;           // of a word, which holds one sample: 1 or 2
	int32_t big;             // the words are big-endian
	int32_t step;            // words from one sample to the next
	int32_t max;             // larger words are damaged and count as this
	int32_t drop, gain, bias; // a word's level is (word >> drop) * gain - bias
	int32_t width, height;   // in samples
	int32_t box_x, box_y;    // log2 of how many samples are averaged before anything else
	int32_t columns;         // where the columns' taps begin; -1: a column each
	int32_t mask;            // the masks of these taps may be used
	int32_t rows;            // where the rows' taps begin
} planar_component;

// planar_plan is how a picture becomes a bitmap: Y, U, V or R, G, B, or grey
// if there is but one component.
typedef struct {
	planar_component component[3];
	int32_t components;
	int32_t width, height; // of the bitmap
	int32_t rgb;
	int32_t spread;   // chroma keeps its half width until the end
	int32_t portable; // do without hand-written vector code
	int32_t room;     // int16_t a row in scratch memory takes

	// Factors in Q13: what B, G or R change by when a component changes by one.
	int16_t luma;  // 0 of RGB
	int16_t level; // of RGB
	int16_t red_v, green_u, green_v, blue_u;
	int16_t offset; // Q5: black level and rounding

	// Where the colour of an even [0] and an odd [1] column lies from sample
	// column/2 if chroma is spread: whole samples, -1 or 0, and a Q15 fraction.
	int32_t column_whole[2];
	int16_t column_fraction[2];
} planar_plan;

// planar_taps say from which sample, and with which Q15 fraction of the
// next one, each column and row of the bitmap comes. mask[i] selects the
// bytes of sample index[i] from those that begin at index[i & ~3]. Of the last
// sample there is no next one, and the fraction is 0.
typedef struct {
	const int32_t *index;
	const int16_t *fraction;
	const uint16_t *mask;
} planar_taps;

// planar_rows is how many rows of scratch memory planar_convert needs.
int planar_rows(const planar_plan *p);

// planar_convert makes rows first <= row < last of a bitmap of B, G, R, 255.
// c0, c1 and c2 are the addresses of the components' first samples, s0, s1
// and s2 bytes from one row to the next; dst is the address of row 0. Ranges
// of rows may be made at the same time with scratch memory of their own.
void planar_convert(const planar_plan *p,
	const int32_t *index, const int16_t *fraction, const uint16_t *mask,
	const uint8_t *c0, ptrdiff_t s0, const uint8_t *c1, ptrdiff_t s1, const uint8_t *c2, ptrdiff_t s2,
	int first, int last, uint8_t *dst, ptrdiff_t dst_stride, int16_t *scratch);

#endif
