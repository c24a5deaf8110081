#include "blend.h"

// Written for compilers to make vector code of, like ../convert/rows.c.
#if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define CLONES __attribute__((target_clones("avx2", "sse4.1", "default")))
#endif
#endif
#ifndef CLONES
#define CLONES
#endif

// div255 divides two numbers of 16 bits, each at most 255 * 255, by 255, rounded.
static inline __attribute__((always_inline)) uint32_t div255(uint32_t pair)
{
	const uint32_t low = 0x00ff00ff;
	pair += 0x00800080;
	return (pair + (pair >> 8 & low)) >> 8 & low;
}

CLONES static void blend_row(uint32_t *restrict dst, const uint32_t *restrict src, int n)
{
	for (int i = 0; i < n; i++) {
		uint32_t s = src[i], d = dst[i], rest = 255 - (s >> 24);
		uint32_t under = div255((d & 0x00ff00ff) * rest) | (div255((d >> 8 & 0xff) * rest) << 8 & 0xff00);
		dst[i] = (d & 0xff000000) | ((s & 0x00ffffff) + under);
	}
}

void planar_layer_blend(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h)
{
	for (int y = 0; y < h; y++) {
		blend_row((uint32_t *)(dst + (ptrdiff_t)y * dst_stride), (const uint32_t *)(src + (ptrdiff_t)y * src_stride), w);
	}
}
