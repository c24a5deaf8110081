#ifndef PLANAR_CONTROLS_RASTER_H
#define PLANAR_CONTROLS_RASTER_H

#include <stdint.h>

// A corner of a triangle, as Dear ImGui has it: the position in pixels of the
// window, where in the texture, 0 to 1, and the colour, red in the lowest byte,
// not multiplied by alpha.
typedef struct {
	float x, y, u, v;
	uint32_t colour;
} raster_vertex;

// What is drawn on: pixels blue, green, red, alpha, multiplied by alpha. x and y
// are where its top left corner lies in the window.
typedef struct {
	int x, y, width, height;
	int stride; // bytes
} raster_target;

// What is drawn only inside: pixels of the window, x1 and y1 excluded.
typedef struct {
	int x0, y0, x1, y1;
} raster_rect;

// The kinds of texture.
enum {
	RASTER_NONE,  // white
	RASTER_ALPHA, // a byte a pixel, white times it
	RASTER_BGRX   // four bytes a pixel: blue, green, red, and one that is not looked at
};

typedef struct {
	int kind, width, height;
	int stride; // bytes
} raster_texture;

// raster_draw draws the triangles that idx[0..nidx) name over what is there.
// Whatever the data, nothing outside of pix, vtx and tex is touched: triangles
// that name a vertex that is not there, or whose corners are no numbers, are left
// out.
void raster_draw(uint8_t *pix, const raster_target *t, const raster_rect *clip,
                 const raster_vertex *vtx, int nvtx, const uint16_t *idx, int nidx,
                 const uint8_t *tex, const raster_texture *tx);

// raster_bounds grows r by what raster_draw would touch inside clip. An empty r
// has x0 >= x1.
void raster_bounds(raster_rect *r, const raster_rect *clip,
                   const raster_vertex *vtx, int nvtx, const uint16_t *idx, int nidx);

#endif
