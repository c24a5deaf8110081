#include "kernel.h"

#include <string.h>

// The loops below are written so that compilers turn them into vector code;
// where the linker can choose at run time, there is a version for wider
// vectors. No intrinsics: this is as fast as memory and runs everywhere.
#if !defined(CLONES) && defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define CLONES __attribute__((target_clones("avx2", "sse4.1", "default")))
#endif
#endif
#ifndef CLONES
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))

// mulhrs is a * b / 32768, rounded: one instruction per vector.
INLINE int16_t mulhrs(int16_t a, int16_t b)
{
	return (int16_t)((((int32_t)a * b >> 14) + 1) >> 1);
}

INLINE int16_t clamp8(int16_t v)
{
	v = v < 0 ? 0 : v;
	return v > 255 ? 255 : v;
}

INLINE int clamp_row(int row, int rows)
{
	row = row < 0 ? 0 : row;
	return row < rows ? row : rows - 1;
}

// chroma_row blends two chroma rows and turns them into what they add to
// blue, green and red, in Q5.
CLONES void planar_chroma_row(const uint8_t *restrict ua, const uint8_t *restrict ub,
	const uint8_t *restrict va, const uint8_t *restrict vb, int16_t fraction, int n, const planar_yuv *m,
	int16_t *restrict blue, int16_t *restrict green, int16_t *restrict red)
{
	const int16_t wb = fraction, wa = 128 - fraction;
	const int16_t red_v = m->red_v, green_u = m->green_u, green_v = m->green_v, blue_u = m->blue_u;
	const int16_t offset = m->offset;
	for (int i = 0; i < n; i++) {
		// Q7; at most 255 * 128, so that 16 bits hold it.
		int16_t u = (int16_t)(ua[i] * wa + ub[i] * wb - 128 * 128);
		int16_t v = (int16_t)(va[i] * wa + vb[i] * wb - 128 * 128);
		blue[i] = (int16_t)(mulhrs(u, blue_u) + offset);
		green[i] = (int16_t)(mulhrs(u, green_u) + mulhrs(v, green_v) + offset);
		red[i] = (int16_t)(mulhrs(v, red_v) + offset);
	}
}

// spread interpolates a row of chroma for every column.
CLONES void planar_spread(const int16_t *restrict c, int n, const planar_yuv *m, int16_t *restrict out)
{
	const int16_t *restrict even = c + m->column_whole[0];
	const int16_t *restrict odd = c + m->column_whole[1];
	const int16_t we = m->column_fraction[0], wo = m->column_fraction[1];
	for (int i = 0; i < n; i++) {
		out[2 * i] = (int16_t)(even[i] + mulhrs((int16_t)(even[i + 1] - even[i]), we));
		out[2 * i + 1] = (int16_t)(odd[i] + mulhrs((int16_t)(odd[i + 1] - odd[i]), wo));
	}
}

// pixels adds luma and chroma and rounds. No sum leaves 16 bits: luma is at
// most 297, chroma 275 code values.
CLONES void planar_pixels(const uint8_t *restrict y, const int16_t *restrict blue, const int16_t *restrict green,
	const int16_t *restrict red, int n, int16_t luma, uint32_t *restrict out)
{
	for (int x = 0; x < n; x++) {
		int16_t l = mulhrs((int16_t)(y[x] << 7), luma);
		uint16_t b = (uint16_t)clamp8((int16_t)((int16_t)(l + blue[x]) >> 5));
		uint16_t g = (uint16_t)clamp8((int16_t)((int16_t)(l + green[x]) >> 5));
		uint16_t r = (uint16_t)clamp8((int16_t)((int16_t)(l + red[x]) >> 5));
		uint16_t bg = (uint16_t)(b | g << 8);
		uint16_t ra = (uint16_t)(r | 0xff00);
		out[x] = bg | (uint32_t)ra << 16;
	}
}

// Rows of chroma have room for their ends, repeated, on both sides.
static size_t chroma_room(int width, const planar_yuv *m)
{
	return (size_t)(width + 1) / 2 + 2 * (size_t)m->pad;
}

size_t planar_scratch_size(int width, const planar_yuv *m)
{
	return 3 * (chroma_room(width, m) + (size_t)(width + 1));
}

void planar_i420_to_bgra(const uint8_t *y, ptrdiff_t y_stride, const uint8_t *u, ptrdiff_t u_stride,
	const uint8_t *v, ptrdiff_t v_stride, int width, int height, int first, int last,
	uint8_t *dst, ptrdiff_t dst_stride, const planar_yuv *m, int16_t *scratch)
{
	const int n = (width + 1) / 2, rows = (height + 1) / 2;
	int16_t *narrow[3], *wide[3];
	for (int c = 0; c < 3; c++) {
		narrow[c] = scratch + m->pad;
		scratch += chroma_room(width, m);
	}
	for (int c = 0; c < 3; c++) {
		wide[c] = scratch;
		scratch += 2 * n;
	}
	for (int row = first; row < last; row++) {
		const int a = clamp_row(row / 2 + m->row_whole[row & 1], rows);
		const int b = clamp_row(row / 2 + m->row_whole[row & 1] + 1, rows);
		planar_chroma_row(u + a * u_stride, u + b * u_stride, v + a * v_stride, v + b * v_stride,
			m->row_fraction[row & 1], n, m, narrow[0], narrow[1], narrow[2]);
		for (int c = 0; c < 3; c++) {
			for (int i = 1; i <= m->pad; i++) {
				narrow[c][-i] = narrow[c][0];
				narrow[c][n - 1 + i] = narrow[c][n - 1];
			}
			planar_spread(narrow[c], n, m, wide[c]);
		}
		planar_pixels(y + row * y_stride, wide[0], wide[1], wide[2], width, m->luma,
			(uint32_t *)(dst + row * dst_stride));
	}
}
