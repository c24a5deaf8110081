#ifndef PLANAR_CONVERT_KERNEL_H
#define PLANAR_CONVERT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

// planar_yuv is a colour conversion and where the chroma samples lie.
//
// Levels are counted in 1/32 of a code value (Q5), factors in Q13: what RGB
// changes by when luma or chroma changes by one.
typedef struct {
	int16_t luma;                           // the luma factor
	int16_t red_v, green_u, green_v, blue_u; // the chroma factors
	int16_t offset;                         // Q5: black level and rounding

	// Where, counted in chroma samples, the colour of an even [0] and an odd
	// [1] column lies from sample column/2: whole samples and a Q15 fraction.
	int32_t column_whole[2];
	int16_t column_fraction[2];
	// The same of rows, the fraction in 1/128.
	int32_t row_whole[2];
	int16_t row_fraction[2];
	int32_t pad; // samples a column can reach beyond its row's ends
} planar_yuv;

// planar_scratch_size is how many int16_t planar_i420_to_bgra needs for
// pictures of the given width.
size_t planar_scratch_size(int width, const planar_yuv *m);

// planar_i420_to_bgra converts rows first <= row < last of a width x height
// picture of 8-bit 4:2:0 to B, G, R, 255. dst is the address of row 0. Ranges
// of rows may be converted at the same time with scratch memory of their own.
void planar_i420_to_bgra(const uint8_t *y, ptrdiff_t y_stride, const uint8_t *u, ptrdiff_t u_stride,
	const uint8_t *v, ptrdiff_t v_stride, int width, int height, int first, int last,
	uint8_t *dst, ptrdiff_t dst_stride, const planar_yuv *m, int16_t *scratch);

#endif
