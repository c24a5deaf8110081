#include "kernel.h"

#include <string.h>

// The loops below are written so that compilers turn them into vector code;
// where the linker can choose at run time, there is a version for wider
// vectors. On x86 the last two, which are most of the work, are also written for
// AVX2 by hand, which halves the time.
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

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

// blend is planar_spread for 16 columns of chroma: the 32 interpolated values.
AVX2 INLINE void blend(const int16_t *even, const int16_t *odd, __m256i we, __m256i wo, __m256i out[2])
{
	const __m256i e0 = _mm256_loadu_si256((const __m256i *)even), e1 = _mm256_loadu_si256((const __m256i *)(even + 1));
	const __m256i o0 = _mm256_loadu_si256((const __m256i *)odd), o1 = _mm256_loadu_si256((const __m256i *)(odd + 1));
	const __m256i e = _mm256_add_epi16(e0, _mm256_mulhrs_epi16(_mm256_sub_epi16(e1, e0), we));
	const __m256i o = _mm256_add_epi16(o0, _mm256_mulhrs_epi16(_mm256_sub_epi16(o1, o0), wo));
	// Interleaving works within halves of a vector: columns 0-7 and 16-23, 8-15 and 24-31.
	out[0] = _mm256_unpacklo_epi16(e, o);
	out[1] = _mm256_unpackhi_epi16(e, o);
}

// paint is planar_pixels for 16 pixels, in the order blend leaves.
AVX2 INLINE void paint(__m256i luma, __m256i blue, __m256i green, __m256i red, __m256i out[2])
{
	const __m256i b = _mm256_srai_epi16(_mm256_add_epi16(luma, blue), 5);
	const __m256i g = _mm256_srai_epi16(_mm256_add_epi16(luma, green), 5);
	const __m256i r = _mm256_srai_epi16(_mm256_add_epi16(luma, red), 5);
	const __m256i br = _mm256_packus_epi16(b, r); // packing clamps to 0..255
	const __m256i ga = _mm256_packus_epi16(g, _mm256_set1_epi16(255));
	const __m256i bg = _mm256_unpacklo_epi8(br, ga), ra = _mm256_unpackhi_epi8(br, ga);
	out[0] = _mm256_unpacklo_epi16(bg, ra);
	out[1] = _mm256_unpackhi_epi16(bg, ra);
}

// pixels_avx2 is planar_spread and planar_pixels in one, 32 pixels at a time,
// without the memory between them. It returns how many pixels it did.
AVX2 static int pixels_avx2(const uint8_t *y, int16_t *const narrow[3], int n, const planar_yuv *m, uint32_t *out)
{
	const __m256i we = _mm256_set1_epi16(m->column_fraction[0]), wo = _mm256_set1_epi16(m->column_fraction[1]);
	const __m256i weight = _mm256_set1_epi16(m->luma);
	// Past the caches: the bitmap is read next by the X server, and would push out
	// what the decoder needs.
	const int aligned = (uintptr_t)out % 32 == 0;
	int x = 0;
	for (; x + 32 <= n; x += 32) {
		__m256i c[3][2], p[2], q[2];
		for (int k = 0; k < 3; k++) {
			const int16_t *at = narrow[k] + x / 2;
			blend(at + m->column_whole[0], at + m->column_whole[1], we, wo, c[k]);
		}
		// Luma in the same order: 0-7 with 16-23, 8-15 with 24-31.
		const __m256i first = _mm256_loadu_si256((const __m256i *)(y + x));
		const __m256i zero = _mm256_setzero_si256();
		const __m256i a = _mm256_srli_epi16(_mm256_unpacklo_epi8(zero, first), 1); // y << 7
		const __m256i b = _mm256_srli_epi16(_mm256_unpackhi_epi8(zero, first), 1);
		paint(_mm256_mulhrs_epi16(a, weight), c[0][0], c[1][0], c[2][0], p); // 0-3|16-19, 4-7|20-23
		paint(_mm256_mulhrs_epi16(b, weight), c[0][1], c[1][1], c[2][1], q); // 8-11|24-27, 12-15|28-31
		__m256i *to = (__m256i *)(out + x);
		const __m256i o0 = _mm256_permute2x128_si256(p[0], p[1], 0x20), o1 = _mm256_permute2x128_si256(q[0], q[1], 0x20);
		const __m256i o2 = _mm256_permute2x128_si256(p[0], p[1], 0x31), o3 = _mm256_permute2x128_si256(q[0], q[1], 0x31);
		if (aligned) {
			_mm256_stream_si256(to + 0, o0);
			_mm256_stream_si256(to + 1, o1);
			_mm256_stream_si256(to + 2, o2);
			_mm256_stream_si256(to + 3, o3);
		} else {
			_mm256_storeu_si256(to + 0, o0);
			_mm256_storeu_si256(to + 1, o1);
			_mm256_storeu_si256(to + 2, o2);
			_mm256_storeu_si256(to + 3, o3);
		}
	}
	return x;
}
#endif

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
#if defined(__x86_64__) && defined(__GNUC__)
	const int fast = __builtin_cpu_supports("avx2");
#endif
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
		}
		const uint8_t *luma = y + row * y_stride;
		uint32_t *out = (uint32_t *)(dst + row * dst_stride);
		int done = 0; // an even number
#if defined(__x86_64__) && defined(__GNUC__)
		if (fast) done = pixels_avx2(luma, narrow, width, m, out);
#endif
		if (done == width) continue;
		for (int c = 0; c < 3; c++) {
			planar_spread(narrow[c] + done / 2, n - done / 2, m, wide[c]);
		}
		planar_pixels(luma + done, wide[0], wide[1], wide[2], width - done, m->luma, out + done);
	}
#if defined(__x86_64__) && defined(__GNUC__)
	_mm_sfence();
#endif
}
