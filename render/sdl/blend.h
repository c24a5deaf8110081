#ifndef PLANAR_BLEND_H
#define PLANAR_BLEND_H

#include <stddef.h>
#include <stdint.h>

// planar_layer_blend lays w * h pixels over others: blue, green, red, alpha, multiplied
// by alpha already. It leaves the fourth byte of dst alone. Strides are in bytes;
// rows begin at multiples of 4.
void planar_layer_blend(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h);

#endif
