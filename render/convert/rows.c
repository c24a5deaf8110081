#include "rows.h"

#include <string.h>

// The loops below are written so that compilers turn them into vector code;
// where the linker can choose at run time, there is a version for wider
// vectors. On x86 those that compilers do badly are also written for AVX2 by
// hand.
#if !defined(CLONES) && defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define CLONES __attribute__((target_clones("avx2", "sse4.1", "default")))
#endif
#endif
#ifndef CLONES
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))

// word is a sample at any address.
typedef uint16_t __attribute__((aligned(1), may_alias)) word;

// mulhrs is a * b / 32768, rounded: one instruction per vector.
INLINE int16_t mulhrs(int16_t a, int16_t b)
{
	return (int16_t)((((int32_t)a * b >> 14) + 1) >> 1);
}

INLINE int16_t lerp(int16_t a, int16_t b, int16_t fraction)
{
	return (int16_t)(a + mulhrs((int16_t)(b - a), fraction));
}

INLINE int16_t clamp8(int16_t v)
{
	v = v < 0 ? 0 : v;
	return v > 255 ? 255 : v;
}

INLINE void load_bytes(const uint8_t *restrict src, int step, int16_t bias, int n, int16_t *restrict out)
{
	for (int i = 0; i < n; i++) out[i] = (int16_t)((int16_t)(src[i * step] << 7) - bias);
}

INLINE void load_words(const uint8_t *restrict src, int step, int big, const planar_component *c, int n, int16_t *restrict out)
{
	const word *in = (const word *)src;
	const uint16_t max = (uint16_t)c->max, gain = (uint16_t)c->gain, bias = (uint16_t)c->bias;
	const int drop = c->drop;
	for (int i = 0; i < n; i++) {
		uint16_t v = in[i * step];
		if (big) v = (uint16_t)(v << 8 | v >> 8);
		v = v < max ? v : max;
		v = (uint16_t)(v >> drop);
		out[i] = (int16_t)(uint16_t)((uint16_t)(v * gain) - bias);
	}
}

// One loop per step: only with a constant can compilers make vectors of it.
CLONES void planar_load(const uint8_t *src, const planar_component *c, int n, int16_t *out)
{
	const int16_t bias = (int16_t)c->bias;
	switch (c->bytes << 4 | c->big << 3 | c->step) {
	case 0x11: load_bytes(src, 1, bias, n, out); break;
	case 0x12: load_bytes(src, 2, bias, n, out); break;
	case 0x13: load_bytes(src, 3, bias, n, out); break;
	case 0x14: load_bytes(src, 4, bias, n, out); break;
	case 0x21: load_words(src, 1, 0, c, n, out); break;
	case 0x22: load_words(src, 2, 0, c, n, out); break;
	case 0x23: load_words(src, 3, 0, c, n, out); break;
	case 0x24: load_words(src, 4, 0, c, n, out); break;
	case 0x29: load_words(src, 1, 1, c, n, out); break;
	case 0x2a: load_words(src, 2, 1, c, n, out); break;
	case 0x2b: load_words(src, 3, 1, c, n, out); break;
	case 0x2c: load_words(src, 4, 1, c, n, out); break;
	default: memset(out, 0, (size_t)n * sizeof *out);
	}
}

// The difference of two levels fits 16 bits, their sum does not.
CLONES void planar_mean(int16_t *restrict a, const int16_t *restrict b, int n)
{
	for (int i = 0; i < n; i++) a[i] = (int16_t)(a[i] + ((int16_t)(b[i] - a[i]) >> 1));
}

CLONES void planar_blend(const int16_t *restrict a, const int16_t *restrict b, int16_t fraction, int n, int16_t *restrict out)
{
	for (int i = 0; i < n; i++) out[i] = lerp(a[i], b[i], fraction);
}

CLONES void planar_level(const int16_t *restrict row, int n, int16_t factor, int16_t offset, int16_t *restrict out)
{
	for (int i = 0; i < n; i++) out[i] = (int16_t)(mulhrs(row[i], factor) + offset);
}

// The caller may give the same row twice.
CLONES void planar_chroma(const int16_t *ua, const int16_t *ub, const int16_t *va, const int16_t *vb,
	int16_t fraction, int n, const planar_plan *p, int16_t *restrict blue, int16_t *restrict green, int16_t *restrict red)
{
	const int16_t red_v = p->red_v, green_u = p->green_u, green_v = p->green_v, blue_u = p->blue_u;
	const int16_t offset = p->offset;
	for (int i = 0; i < n; i++) {
		int16_t u = lerp(ua[i], ub[i], fraction);
		int16_t v = lerp(va[i], vb[i], fraction);
		blue[i] = (int16_t)(mulhrs(u, blue_u) + offset);
		green[i] = (int16_t)(mulhrs(u, green_u) + mulhrs(v, green_v) + offset);
		red[i] = (int16_t)(mulhrs(v, red_v) + offset);
	}
}

CLONES void planar_spread(const int16_t *restrict c, int n, const planar_plan *p, int16_t *restrict out)
{
	const int16_t *restrict even = c + p->column_whole[0];
	const int16_t *restrict odd = c + p->column_whole[1];
	const int16_t we = p->column_fraction[0], wo = p->column_fraction[1];
	for (int i = 0; i < n; i++) {
		out[2 * i] = lerp(even[i], even[i + 1], we);
		out[2 * i + 1] = lerp(odd[i], odd[i + 1], wo);
	}
}

// No sum leaves 16 bits: luma is at most 299, chroma 275 code values.
CLONES void planar_pixels(const int16_t *restrict y, const int16_t *restrict blue, const int16_t *restrict green,
	const int16_t *restrict red, int n, int16_t luma, planar_pixel *restrict out)
{
	for (int x = 0; x < n; x++) {
		int16_t l = mulhrs(y[x], luma);
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

static int have_avx2(void) { return __builtin_cpu_supports("avx2"); }

AVX2 INLINE __m256i load16(const int16_t *p) { return _mm256_loadu_si256((const __m256i *)p); }

// load8x2 is 8 entries at a and 8 at b.
AVX2 INLINE __m256i load8x2(const int16_t *a, const int16_t *b)
{
	const __m256i low = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)a));
	return _mm256_inserti128_si256(low, _mm_loadu_si128((const __m128i *)b), 1);
}

AVX2 INLINE __m256i lerp16(__m256i a, __m256i b, __m256i fraction)
{
	return _mm256_add_epi16(a, _mm256_mulhrs_epi16(_mm256_sub_epi16(b, a), fraction));
}

// halve16 is the means of the pairs in two vectors, in order.
AVX2 INLINE __m256i halve16(__m256i a, __m256i b)
{
	const __m256i one = _mm256_set1_epi16(1), round = _mm256_set1_epi32(1);
	a = _mm256_srai_epi32(_mm256_add_epi32(_mm256_madd_epi16(a, one), round), 1);
	b = _mm256_srai_epi32(_mm256_add_epi32(_mm256_madd_epi16(b, one), round), 1);
	return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
}

AVX2 static int halve_avx2(const int16_t *row, int n, int16_t *out)
{
	int i = 0;
	for (; i + 16 <= n; i += 16) {
		_mm256_storeu_si256((__m256i *)(out + i), halve16(load16(row + 2 * i), load16(row + 2 * i + 16)));
	}
	return i;
}

// words16 turns words into levels.
AVX2 INLINE __m256i words16(__m256i v, const planar_component *c)
{
	v = _mm256_min_epu16(v, _mm256_set1_epi16((int16_t)c->max));
	return _mm256_mullo_epi16(_mm256_srl_epi16(v, _mm_cvtsi32_si128(c->drop)), _mm256_set1_epi16((int16_t)c->gain));
}

AVX2 static int load_halved_avx2(const uint8_t *src, const planar_component *c, int n, int16_t *out)
{
	const __m256i bias = _mm256_set1_epi16((int16_t)c->bias), one = _mm256_set1_epi8(1);
	int i = 0;
	for (; c->bytes == 1 && i + 16 <= n; i += 16) {
		const __m256i sum = _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)(src + 2 * i)), one);
		_mm256_storeu_si256((__m256i *)(out + i), _mm256_sub_epi16(_mm256_slli_epi16(sum, 6), bias));
	}
	const int16_t *words = (const int16_t *)src;
	for (; c->bytes == 2 && i + 16 <= n; i += 16) {
		const __m256i a = words16(load16(words + 2 * i), c), b = words16(load16(words + 2 * i + 16), c);
		_mm256_storeu_si256((__m256i *)(out + i), _mm256_sub_epi16(halve16(a, b), bias));
	}
	return i;
}

AVX2 static int load_box_avx2(const uint8_t *a, const uint8_t *b, int16_t bias, int n, int16_t *out)
{
	const __m256i grey = _mm256_set1_epi16(bias), one = _mm256_set1_epi8(1);
	int i = 0;
	for (; i + 16 <= n; i += 16) {
		const __m256i above = _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)(a + 2 * i)), one);
		const __m256i below = _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)(b + 2 * i)), one);
		const __m256i sum = _mm256_slli_epi16(_mm256_add_epi16(above, below), 5);
		_mm256_storeu_si256((__m256i *)(out + i), _mm256_sub_epi16(sum, grey));
	}
	return i;
}

// blend_bytes is 16 levels of chroma between two rows of bytes.
AVX2 INLINE __m256i blend_bytes(const uint8_t *a, const uint8_t *b, __m256i weights, __m256i bias)
{
	const __m128i above = _mm_loadu_si128((const __m128i *)a), below = _mm_loadu_si128((const __m128i *)b);
	const __m256i both = _mm256_set_m128i(_mm_unpackhi_epi8(above, below), _mm_unpacklo_epi8(above, below));
	return _mm256_sub_epi16(_mm256_slli_epi16(_mm256_maddubs_epi16(both, weights), 1), bias);
}

AVX2 static int chroma_bytes_avx2(const uint8_t *ua, const uint8_t *ub, const uint8_t *va, const uint8_t *vb,
	int fraction, int n, const planar_plan *p, int16_t *blue, int16_t *green, int16_t *red)
{
	const __m256i weights = _mm256_set1_epi16((int16_t)(fraction << 8 | (64 - fraction)));
	const __m256i bias_u = _mm256_set1_epi16((int16_t)p->component[1].bias), bias_v = _mm256_set1_epi16((int16_t)p->component[2].bias);
	const __m256i red_v = _mm256_set1_epi16(p->red_v), green_u = _mm256_set1_epi16(p->green_u);
	const __m256i green_v = _mm256_set1_epi16(p->green_v), blue_u = _mm256_set1_epi16(p->blue_u);
	const __m256i offset = _mm256_set1_epi16(p->offset);
	int i = 0;
	for (; i + 16 <= n; i += 16) {
		const __m256i u = blend_bytes(ua + i, ub + i, weights, bias_u), v = blend_bytes(va + i, vb + i, weights, bias_v);
		const __m256i g = _mm256_add_epi16(_mm256_mulhrs_epi16(u, green_u), _mm256_mulhrs_epi16(v, green_v));
		_mm256_storeu_si256((__m256i *)(blue + i), _mm256_add_epi16(_mm256_mulhrs_epi16(u, blue_u), offset));
		_mm256_storeu_si256((__m256i *)(green + i), _mm256_add_epi16(g, offset));
		_mm256_storeu_si256((__m256i *)(red + i), _mm256_add_epi16(_mm256_mulhrs_epi16(v, red_v), offset));
	}
	return i;
}

// columns_avx2 takes four columns from eight samples, which hold them as long
// as columns are less than two samples apart.
AVX2 static int columns_avx2(const int16_t *row, planar_taps t, int n, int16_t *out)
{
	int x = 0;
	for (; x + 16 <= n; x += 16) {
		const int16_t *p0 = row + t.index[x], *p1 = row + t.index[x + 4];
		const __m256i fraction = load16(t.fraction + x);
		if (t.index[x + 15] - t.index[x] == 15 && t.index[x + 7] - t.index[x] == 7) {
			_mm256_storeu_si256((__m256i *)(out + x), lerp16(load16(p0), load16(p0 + 1), fraction));
			continue;
		}
		const int16_t *p2 = row + t.index[x + 8], *p3 = row + t.index[x + 12];
		const __m256i mask = _mm256_loadu_si256((const __m256i *)(t.mask + x));
		const __m256i a = _mm256_blend_epi16(_mm256_shuffle_epi8(load8x2(p0, p2), mask),
			_mm256_shuffle_epi8(load8x2(p1, p3), mask), 0xf0);
		const __m256i b = _mm256_blend_epi16(_mm256_shuffle_epi8(load8x2(p0 + 1, p2 + 1), mask),
			_mm256_shuffle_epi8(load8x2(p1 + 1, p3 + 1), mask), 0xf0);
		_mm256_storeu_si256((__m256i *)(out + x), lerp16(a, b, fraction));
	}
	return x;
}

// paint is planar_pixels for 16 pixels, of which each half of the vectors has
// eight: their first four come out in out[0], their last four in out[1].
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

// store writes past the caches if it can: the bitmap is read next by the X
// server, and would push out what the decoder needs.
AVX2 INLINE void store(planar_pixel *to, __m256i v, int aligned)
{
	if (aligned) {
		_mm256_stream_si256((__m256i *)to, v);
	} else {
		_mm256_storeu_si256((__m256i *)to, v);
	}
}

// luma16 is 8 levels of luma from sample x on, and 8 from sample other on.
AVX2 INLINE __m256i luma16(planar_luma y, enum planar_luma_kind kind, int x, int other)
{
	if (kind == PLANAR_BYTES) {
		const __m128i low = _mm_loadl_epi64((const __m128i *)((const uint8_t *)y.row + x));
		const __m128i high = _mm_loadl_epi64((const __m128i *)((const uint8_t *)y.row + other));
		return _mm256_slli_epi16(_mm256_cvtepu8_epi16(_mm_unpacklo_epi64(low, high)), 7);
	}
	const __m256i v = load8x2((const int16_t *)y.row + x, (const int16_t *)y.row + other);
	if (kind == PLANAR_LEVELS) return v;
	return words16(v, y.component);
}

AVX2 INLINE int pixels_of(planar_luma y, enum planar_luma_kind kind, int16_t *const bgr[3], int n, int16_t luma, planar_pixel *out)
{
	const __m256i weight = _mm256_set1_epi16(luma);
	const int aligned = (uintptr_t)out % 32 == 0;
	int x = 0;
	for (; x + 16 <= n; x += 16) {
		__m256i p[2];
		const __m256i l = _mm256_mulhrs_epi16(luma16(y, kind, x, x + 8), weight);
		paint(l, load16(bgr[0] + x), load16(bgr[1] + x), load16(bgr[2] + x), p);
		store(out + x, _mm256_permute2x128_si256(p[0], p[1], 0x20), aligned);
		store(out + x + 8, _mm256_permute2x128_si256(p[0], p[1], 0x31), aligned);
	}
	return x;
}

AVX2 static int pixels_avx2(planar_luma y, int16_t *const bgr[3], int n, int16_t luma, planar_pixel *out)
{
	switch (y.kind) {
	case PLANAR_BYTES: return pixels_of(y, PLANAR_BYTES, bgr, n, luma, out);
	case PLANAR_WORDS: return pixels_of(y, PLANAR_WORDS, bgr, n, luma, out);
	default: return pixels_of(y, PLANAR_LEVELS, bgr, n, luma, out);
	}
}

// blend is planar_spread for 16 columns of chroma: the 32 interpolated values.
// If chroma is sited left, even columns need no arithmetic.
AVX2 INLINE void blend(const int16_t *even, const int16_t *odd, __m256i we, __m256i wo, int left, __m256i out[2])
{
	const __m256i e = left ? load16(even) : lerp16(load16(even), load16(even + 1), we);
	const __m256i o = lerp16(left ? e : load16(odd), load16(odd + 1), wo);
	// Interleaving works within halves of a vector: columns 0-7 and 16-23, 8-15 and 24-31.
	out[0] = _mm256_unpacklo_epi16(e, o);
	out[1] = _mm256_unpackhi_epi16(e, o);
}

AVX2 INLINE int spread_of(planar_luma y, enum planar_luma_kind kind, int left, int16_t *const bgr[3], int n, const planar_plan *plan, planar_pixel *out)
{
	const __m256i we = _mm256_set1_epi16(plan->column_fraction[0]), wo = _mm256_set1_epi16(plan->column_fraction[1]);
	const __m256i weight = _mm256_set1_epi16(plan->luma);
	const int even = plan->column_whole[0], odd = plan->column_whole[1];
	const int aligned = (uintptr_t)out % 32 == 0;
	int x = 0;
	for (; x + 32 <= n; x += 32) {
		__m256i c[3][2], p[2], q[2];
		for (int k = 0; k < 3; k++) {
			const int16_t *at = bgr[k] + x / 2;
			blend(at + even, at + odd, we, wo, left, c[k]);
		}
		const __m256i a = luma16(y, kind, x, x + 16), b = luma16(y, kind, x + 8, x + 24);
		paint(_mm256_mulhrs_epi16(a, weight), c[0][0], c[1][0], c[2][0], p); // 0-3|16-19, 4-7|20-23
		paint(_mm256_mulhrs_epi16(b, weight), c[0][1], c[1][1], c[2][1], q); // 8-11|24-27, 12-15|28-31
		store(out + x, _mm256_permute2x128_si256(p[0], p[1], 0x20), aligned);
		store(out + x + 8, _mm256_permute2x128_si256(q[0], q[1], 0x20), aligned);
		store(out + x + 16, _mm256_permute2x128_si256(p[0], p[1], 0x31), aligned);
		store(out + x + 24, _mm256_permute2x128_si256(q[0], q[1], 0x31), aligned);
	}
	return x;
}

AVX2 static int spread_avx2(planar_luma y, int16_t *const bgr[3], int n, const planar_plan *p, planar_pixel *out)
{
	const int left = p->column_fraction[0] == 0 && p->column_whole[0] == 0 && p->column_whole[1] == 0;
	switch (y.kind << 1 | left) {
	case PLANAR_BYTES << 1: return spread_of(y, PLANAR_BYTES, 0, bgr, n, p, out);
	case PLANAR_BYTES << 1 | 1: return spread_of(y, PLANAR_BYTES, 1, bgr, n, p, out);
	case PLANAR_WORDS << 1: return spread_of(y, PLANAR_WORDS, 0, bgr, n, p, out);
	case PLANAR_WORDS << 1 | 1: return spread_of(y, PLANAR_WORDS, 1, bgr, n, p, out);
	case PLANAR_LEVELS << 1: return spread_of(y, PLANAR_LEVELS, 0, bgr, n, p, out);
	default: return spread_of(y, PLANAR_LEVELS, 1, bgr, n, p, out);
	}
}

void planar_fence(void) { _mm_sfence(); }
#else
static int chroma_bytes_avx2(const uint8_t *ua, const uint8_t *ub, const uint8_t *va, const uint8_t *vb,
	int fraction, int n, const planar_plan *p, int16_t *blue, int16_t *green, int16_t *red) { return 0; }
static int have_avx2(void) { return 0; }
static int halve_avx2(const int16_t *row, int n, int16_t *out) { return 0; }
static int load_halved_avx2(const uint8_t *src, const planar_component *c, int n, int16_t *out) { return 0; }
static int load_box_avx2(const uint8_t *a, const uint8_t *b, int16_t bias, int n, int16_t *out) { return 0; }
static int columns_avx2(const int16_t *row, planar_taps t, int n, int16_t *out) { return 0; }
static int pixels_avx2(planar_luma y, int16_t *const bgr[3], int n, int16_t luma, planar_pixel *out) { return 0; }
static int spread_avx2(planar_luma y, int16_t *const bgr[3], int n, const planar_plan *plan, planar_pixel *out) { return 0; }
void planar_fence(void) {}
#endif

CLONES static void halve(const int16_t *restrict row, int n, int16_t *restrict out)
{
	for (int i = 0; i < n; i++) out[i] = (int16_t)((row[2 * i] + row[2 * i + 1] + 1) >> 1);
}

void planar_halve(const int16_t *row, int n, int16_t *out, int portable)
{
	const int done = !portable && have_avx2() ? halve_avx2(row, n, out) : 0;
	halve(row + 2 * done, n - done, out + done);
}

void planar_load_halved(const uint8_t *src, const planar_component *c, int n, int16_t *scratch, int16_t *out, int portable)
{
	int done = 0;
	if (!portable && c->step == 1 && !c->big && have_avx2()) {
		done = load_halved_avx2(src, c, n / 2, out);
	}
	const int rest = n - 2 * done;
	if (rest == 0) return;
	planar_load(src + (ptrdiff_t)2 * done * c->step * c->bytes, c, rest, scratch);
	scratch[rest] = scratch[rest - 1];
	planar_halve(scratch, (rest + 1) / 2, out + done, portable);
}

void planar_load_box(const uint8_t *a, const uint8_t *b, const planar_component *c, int n, int16_t *out, int portable)
{
	const int16_t bias = (int16_t)c->bias;
	int i = !portable && have_avx2() ? load_box_avx2(a, b, bias, n / 2, out) : 0;
	for (; i < n / 2; i++) {
		out[i] = (int16_t)(((a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1]) << 5) - bias);
	}
	if (n % 2 != 0) out[i] = (int16_t)(((a[n - 1] + b[n - 1]) << 6) - bias);
}

CLONES static void columns(const int16_t *restrict row, planar_taps t, int n, int16_t *restrict out)
{
	for (int x = 0; x < n; x++) out[x] = lerp(row[t.index[x]], row[t.index[x] + 1], t.fraction[x]);
}

void planar_columns(const int16_t *row, planar_taps t, int n, int16_t *out, int portable)
{
	const int done = !portable && t.mask && have_avx2() ? columns_avx2(row, t, n, out) : 0;
	t.index += done;
	t.fraction += done;
	columns(row, t, n - done, out + done);
}

int planar_chroma_bytes(const uint8_t *ua, const uint8_t *ub, const uint8_t *va, const uint8_t *vb,
	int fraction, int n, const planar_plan *p, int16_t *blue, int16_t *green, int16_t *red)
{
	if (!have_avx2()) return 0;
	for (int i = chroma_bytes_avx2(ua, ub, va, vb, fraction, n, p, blue, green, red); i < n; i++) {
		const int16_t u = (int16_t)(((ua[i] * (64 - fraction) + ub[i] * fraction) << 1) - p->component[1].bias);
		const int16_t v = (int16_t)(((va[i] * (64 - fraction) + vb[i] * fraction) << 1) - p->component[2].bias);
		blue[i] = (int16_t)(mulhrs(u, p->blue_u) + p->offset);
		green[i] = (int16_t)(mulhrs(u, p->green_u) + mulhrs(v, p->green_v) + p->offset);
		red[i] = (int16_t)(mulhrs(v, p->red_v) + p->offset);
	}
	return 1;
}

int planar_pixels_fast(planar_luma y, int16_t *const bgr[3], int n, int16_t luma, planar_pixel *out)
{
	return have_avx2() ? pixels_avx2(y, bgr, n, luma, out) : 0;
}

int planar_pixels_spread(planar_luma y, int16_t *const bgr[3], int n, const planar_plan *p, planar_pixel *out)
{
	return have_avx2() ? spread_avx2(y, bgr, n, p, out) : 0;
}
