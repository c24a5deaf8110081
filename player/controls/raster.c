#include "raster.h"

#include <string.h>

// Corners further out than this, in pixels, are nonsense; it keeps edge functions
// below 2^59.
#define FAR 1048576.0f

// Corners lie on a grid of 1/256 pixel.
#define SUB 256

typedef struct {
	uint8_t *pix;
	int stride;
	raster_rect clip; // inside the target, in its own pixels
	const uint8_t *tex;
	raster_texture tx;
} canvas;

static inline uint32_t div255(uint32_t x) {
	x += 128;
	return (x + (x >> 8)) >> 8;
}

// premultiply turns a colour of Dear ImGui into a pixel, coverage 0 to 255.
static inline uint32_t premultiply(uint32_t c, uint32_t coverage) {
	uint32_t a = div255((c >> 24) * coverage);
	uint32_t r = div255((c & 255) * a), g = div255((c >> 8 & 255) * a), b = div255((c >> 16 & 255) * a);
	return a << 24 | r << 16 | g << 8 | b;
}

// over lays a pixel over another. Two channels are computed in one word.
static inline uint32_t over(uint32_t src, uint32_t dst) {
	uint32_t k = 255 - (src >> 24);
	uint32_t rb = (dst & 0x00ff00ff) * k + 0x00800080;
	uint32_t ag = (dst >> 8 & 0x00ff00ff) * k + 0x00800080;
	rb = (rb + (rb >> 8 & 0x00ff00ff)) >> 8 & 0x00ff00ff;
	ag = (ag + (ag >> 8 & 0x00ff00ff)) & 0xff00ff00;
	return src + (rb | ag);
}

static inline uint32_t *row(const canvas *c, int y) {
	return (uint32_t *)(c->pix + (size_t)y * (size_t)c->stride);
}

static inline int max(int a, int b) { return a > b ? a : b; }
static inline int min(int a, int b) { return a < b ? a : b; }

// fill lays one pixel over n others.
static void fill(uint32_t *restrict d, int n, uint32_t src) {
	if (src >> 24 == 255) {
		for (int i = 0; i < n; i++) d[i] = src;
	} else if (src != 0) {
		for (int i = 0; i < n; i++) d[i] = over(src, d[i]);
	}
}

// first is the first pixel whose middle is not left of x.
static inline int first(float x) {
	float f = x - 0.5f;
	int i = (int)f;
	return i + (f > (float)i);
}

static inline int near(float a, float b, float tolerance) {
	float d = a - b;
	return d < tolerance && d > -tolerance;
}

// texel reads a texture, whose edges go on for ever.
static inline uint32_t texel(const canvas *c, int x, int y) {
	x = max(0, min(x, c->tx.width - 1));
	y = max(0, min(y, c->tx.height - 1));
	const uint8_t *p = c->tex + (size_t)y * (size_t)c->tx.stride;
	if (c->tx.kind == RASTER_ALPHA) return (uint32_t)p[x] << 24 | 0xffffff;
	p += 4 * (size_t)x;
	return 0xff000000 | (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]; // as colours are: red lowest
}

// tint multiplies two colours channel by channel.
static inline uint32_t tint(uint32_t a, uint32_t b) {
	if (a == 0xffffffff) return b;
	uint32_t r = 0;
	for (int s = 0; s < 32; s += 8) r |= div255((a >> s & 255) * (b >> s & 255)) << s;
	return r;
}

// grid turns a place in a texture into 1/256 of its pixels; what is no number
// becomes 0.
static inline int64_t grid(float u, int size) {
	float f = u * (float)size * SUB;
	if (!(f > -1e9f)) return f <= -1e9f ? -1000000000 : 0;
	if (f > 1e9f) return 1000000000;
	return (int64_t)f;
}

// sample interpolates a texture at x, y, in 1/256 of its pixels.
static uint32_t sample(const canvas *c, int64_t x, int64_t y) {
	x -= SUB / 2;
	y -= SUB / 2;
	int ix = (int)(x >> 8), iy = (int)(y >> 8);
	uint32_t fx = x & 255, fy = y & 255;
	uint32_t p = texel(c, ix, iy), q = texel(c, ix + 1, iy), r = texel(c, ix, iy + 1), s = texel(c, ix + 1, iy + 1);
	uint32_t out = 0;
	for (int sh = 0; sh < 32; sh += 8) {
		uint32_t top = (p >> sh & 255) * (256 - fx) + (q >> sh & 255) * fx;
		uint32_t low = (r >> sh & 255) * (256 - fx) + (s >> sh & 255) * fx;
		out |= ((top * (256 - fy) + low * fy + 32768) >> 16) << sh;
	}
	return out;
}

// glyphs lays a row of a one byte texture in one colour over n pixels.
static void glyphs(uint32_t *d, int n, const uint8_t *a, uint32_t colour) {
	uint32_t full = premultiply(colour, 255);
	for (int i = 0; i < n; i++) {
		if (a[i] == 255) {
			d[i] = over(full, d[i]);
		} else if (a[i] != 0) {
			d[i] = over(premultiply(colour, a[i]), d[i]);
		}
	}
}

// rectangle draws an upright one of one colour from a to b, its opposite corners.
static void rectangle(const canvas *c, const raster_vertex *a, const raster_vertex *b) {
	float ax = a->x, ay = a->y, bx = b->x, by = b->y, au = a->u, av = a->v, bu = b->u, bv = b->v, s;
	if (ax > bx) s = ax, ax = bx, bx = s, s = au, au = bu, bu = s;
	if (ay > by) s = ay, ay = by, by = s, s = av, av = bv, bv = s;
	int x0 = max(first(ax), c->clip.x0), x1 = min(first(bx), c->clip.x1);
	int y0 = max(first(ay), c->clip.y0), y1 = min(first(by), c->clip.y1);
	if (x0 >= x1 || y0 >= y1) return;

	int flat = c->tx.kind == RASTER_NONE || (au == bu && av == bv);
	if (flat) {
		uint32_t colour = a->colour;
		if (c->tx.kind != RASTER_NONE) colour = tint(sample(c, grid(au, c->tx.width), grid(av, c->tx.height)), colour);
		uint32_t src = premultiply(colour, 255);
		for (int y = y0; y < y1; y++) fill(row(c, y) + x0, x1 - x0, src);
		return;
	}

	float w = (float)c->tx.width, h = (float)c->tx.height;
	if (near((bu - au) * w, bx - ax, 1 / 64.f) && near((bv - av) * h, by - ay, 1 / 64.f)) {
		// Pixel for pixel.
		int64_t tx = (grid(au, c->tx.width) + (int64_t)(((float)x0 + 0.5f - ax) * SUB)) >> 8;
		int64_t ty = (grid(av, c->tx.height) + (int64_t)(((float)y0 + 0.5f - ay) * SUB)) >> 8;
		if (tx >= 0 && ty >= 0 && tx + (x1 - x0) <= c->tx.width && ty + (y1 - y0) <= c->tx.height) {
			for (int y = y0; y < y1; y++, ty++) {
				const uint8_t *p = c->tex + (size_t)ty * (size_t)c->tx.stride;
				uint32_t *d = row(c, y) + x0;
				if (c->tx.kind == RASTER_ALPHA) {
					glyphs(d, x1 - x0, p + tx, a->colour);
					continue;
				}
				p += 4 * tx;
				if (a->colour == 0xffffffff) {
					memcpy(d, p, 4 * (size_t)(x1 - x0));
					for (int i = 0; i < x1 - x0; i++) d[i] |= 0xff000000;
					continue;
				}
				for (int i = 0; i < x1 - x0; i++) {
					d[i] = over(premultiply(tint(texel(c, (int)tx + i, (int)ty), a->colour), 255), d[i]);
				}
			}
			return;
		}
	}

	// Scaled: the place in the texture grows by the same from pixel to pixel.
	double sx = (double)(bu - au) * w / (double)(bx - ax), sy = (double)(bv - av) * h / (double)(by - ay);
	for (int y = y0; y < y1; y++) {
		float v = (float)((av * (double)h + ((double)y + 0.5 - ay) * sy));
		int64_t gy = grid(v, 1);
		uint32_t *d = row(c, y);
		for (int x = x0; x < x1; x++) {
			int64_t gx = grid((float)(au * (double)w + ((double)x + 0.5 - ax) * sx), 1);
			d[x] = over(premultiply(tint(sample(c, gx, gy), a->colour), 255), d[x]);
		}
	}
}

// edge is a side of a triangle: inside, a*x + b*y + c >= 0 in pixels' middles.
typedef struct {
	int64_t a, b, c;
} edge;

// side makes the edge from p to q, given that the inside is on its right. A pixel
// whose middle lies on it belongs to the triangle if it is a left or top edge, so
// that of two triangles with a common edge only one has it.
static edge side(int64_t px, int64_t py, int64_t qx, int64_t qy) {
	edge e = {py - qy, qx - px, 0};
	e.c = -(e.a * px + e.b * py);
	if (!(e.a > 0 || (e.a == 0 && e.b > 0))) e.c--;
	// From pixels to the grid: the middle of pixel x is at x*SUB + SUB/2.
	e.c += (e.a + e.b) * (SUB / 2);
	e.a *= SUB;
	e.b *= SUB;
	return e;
}

static inline int64_t floordiv(int64_t n, int64_t d) { // d > 0
	int64_t q = n / d;
	return q - (n % d < 0);
}

// plane is a value that changes evenly over a triangle.
typedef struct {
	float at, dx, dy; // at pixel 0, 0
} plane;

static plane even(const raster_vertex *p, float ox, float oy, float det, float v0, float v1, float v2) {
	float x1 = p[1].x - p[0].x, y1 = p[1].y - p[0].y, x2 = p[2].x - p[0].x, y2 = p[2].y - p[0].y;
	plane e;
	e.dx = ((v1 - v0) * y2 - (v2 - v0) * y1) / det;
	e.dy = ((v2 - v0) * x1 - (v1 - v0) * x2) / det;
	e.at = v0 + e.dx * (0.5f - (p[0].x - ox)) + e.dy * (0.5f - (p[0].y - oy));
	return e;
}

static inline uint32_t byte(float f) {
	if (!(f > 0)) return 0;
	return f >= 255 ? 255 : (uint32_t)(f + 0.5f);
}

// triangle draws any one, the corners in pixels of the target.
static void triangle(const canvas *c, const raster_vertex *p) {
	int64_t x[3], y[3];
	for (int i = 0; i < 3; i++) {
		x[i] = (int64_t)(p[i].x * SUB + (p[i].x < 0 ? -0.5f : 0.5f));
		y[i] = (int64_t)(p[i].y * SUB + (p[i].y < 0 ? -0.5f : 0.5f));
	}
	int64_t area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]);
	if (area == 0) return;
	int j = area > 0 ? 1 : 2, k = 3 - j; // clockwise on the screen
	edge e[3] = {side(x[0], y[0], x[j], y[j]), side(x[j], y[j], x[k], y[k]), side(x[k], y[k], x[0], y[0])};

	float top = p[0].y, low = p[0].y, left = p[0].x, right = p[0].x;
	for (int i = 1; i < 3; i++) {
		if (p[i].y < top) top = p[i].y;
		if (p[i].y > low) low = p[i].y;
		if (p[i].x < left) left = p[i].x;
		if (p[i].x > right) right = p[i].x;
	}
	int y0 = max((int)top - 1, c->clip.y0), y1 = min((int)low + 2, c->clip.y1);
	int xmin = max((int)left - 1, c->clip.x0), xmax = min((int)right + 2, c->clip.x1);
	if (y0 >= y1 || xmin >= xmax) return;

	int plain = p[0].colour == p[1].colour && p[0].colour == p[2].colour;
	int textured = c->tx.kind != RASTER_NONE;
	uint32_t white = 0xffffffff;
	if (textured && p[0].u == p[1].u && p[0].u == p[2].u && p[0].v == p[1].v && p[0].v == p[2].v) {
		white = sample(c, grid(p[0].u, c->tx.width), grid(p[0].v, c->tx.height));
		textured = 0;
	}
	uint32_t src = premultiply(tint(white, p[0].colour), 255);
	plane ch[4] = {0}, u = {0}, v = {0};
	int level = 1; // the colour is the same all over a row
	if (!plain || textured) {
		float det = (p[1].x - p[0].x) * (p[2].y - p[0].y) - (p[2].x - p[0].x) * (p[1].y - p[0].y);
		if (!(det != 0)) return;
		for (int i = 0; i < 4; i++) {
			int s = 8 * i;
			ch[i] = even(p, 0, 0, det, (float)(p[0].colour >> s & 255), (float)(p[1].colour >> s & 255), (float)(p[2].colour >> s & 255));
			level = level && ch[i].dx == 0;
		}
		if (textured) {
			u = even(p, 0, 0, det, p[0].u, p[1].u, p[2].u);
			v = even(p, 0, 0, det, p[0].v, p[1].v, p[2].v);
		}
	}

	for (int py = y0; py < y1; py++) {
		// Each edge cuts the row from one side.
		int64_t lo = xmin, hi = xmax;
		for (int i = 0; i < 3; i++) {
			int64_t r = e[i].b * py + e[i].c;
			if (e[i].a > 0) {
				int64_t at = -floordiv(r, e[i].a);
				if (at > lo) lo = at;
			} else if (e[i].a < 0) {
				int64_t at = floordiv(r, -e[i].a) + 1;
				if (at < hi) hi = at;
			} else if (r < 0) {
				hi = lo;
			}
		}
		if (lo >= hi) continue;
		uint32_t *d = row(c, py);
		if (!textured && plain) {
			fill(d + lo, (int)(hi - lo), src);
			continue;
		}
		float q[4];
		for (int i = 0; i < 4; i++) q[i] = ch[i].at + ch[i].dx * (float)lo + ch[i].dy * (float)py;
		if (!textured && level) {
			uint32_t colour = byte(q[0]) | byte(q[1]) << 8 | byte(q[2]) << 16 | byte(q[3]) << 24;
			fill(d + lo, (int)(hi - lo), premultiply(tint(white, colour), 255));
			continue;
		}
		for (int px = (int)lo; px < (int)hi; px++) {
			uint32_t colour = p[0].colour;
			if (!plain) {
				colour = byte(q[0]) | byte(q[1]) << 8 | byte(q[2]) << 16 | byte(q[3]) << 24;
				for (int i = 0; i < 4; i++) q[i] += ch[i].dx;
			}
			uint32_t t = white;
			if (textured) {
				t = sample(c, grid(u.at + u.dx * (float)px + u.dy * (float)py, c->tx.width),
				           grid(v.at + v.dx * (float)px + v.dy * (float)py, c->tx.height));
			}
			d[px] = over(premultiply(tint(t, colour), 255), d[px]);
		}
	}
}

static inline int sane(const raster_vertex *v) {
	return v->x > -FAR && v->x < FAR && v->y > -FAR && v->y < FAR; // false for what is no number
}

// upright reports whether six indices are the two triangles of an upright
// rectangle of one colour, as Dear ImGui makes them: a b c, a c d.
static int upright(const raster_vertex *vtx, int nvtx, const uint16_t *i) {
	if (i[3] != i[0] || i[4] != i[2] || i[0] >= nvtx || i[1] >= nvtx || i[2] >= nvtx || i[5] >= nvtx) return 0;
	const raster_vertex *a = vtx + i[0], *b = vtx + i[1], *c = vtx + i[2], *d = vtx + i[5];
	return a->colour == b->colour && a->colour == c->colour && a->colour == d->colour &&
	       a->y == b->y && b->x == c->x && c->y == d->y && d->x == a->x &&
	       a->v == b->v && b->u == c->u && c->v == d->v && d->u == a->u && sane(a) && sane(c);
}

void raster_draw(uint8_t *pix, const raster_target *t, const raster_rect *clip,
                 const raster_vertex *vtx, int nvtx, const uint16_t *idx, int nidx,
                 const uint8_t *tex, const raster_texture *tx) {
	raster_rect r = {max(clip->x0, t->x), max(clip->y0, t->y), min(clip->x1, t->x + t->width), min(clip->y1, t->y + t->height)};
	if (r.x0 >= r.x1 || r.y0 >= r.y1) return;
	canvas c = {pix, t->stride, {r.x0 - t->x, r.y0 - t->y, r.x1 - t->x, r.y1 - t->y}, tex, *tx};
	float ox = (float)t->x, oy = (float)t->y;
	for (int i = 0; i + 3 <= nidx; i += 3) {
		if (i + 6 <= nidx && upright(vtx, nvtx, idx + i)) {
			raster_vertex a = vtx[idx[i]], b = vtx[idx[i + 2]];
			a.x -= ox, b.x -= ox, a.y -= oy, b.y -= oy;
			rectangle(&c, &a, &b);
			i += 3;
			continue;
		}
		raster_vertex p[3];
		int ok = 1;
		for (int j = 0; j < 3 && ok; j++) {
			ok = idx[i + j] < nvtx && sane(vtx + idx[i + j]);
			if (ok) {
				p[j] = vtx[idx[i + j]];
				p[j].x -= ox;
				p[j].y -= oy;
			}
		}
		if (ok) triangle(&c, p);
	}
}

void raster_bounds(raster_rect *r, const raster_rect *clip,
                   const raster_vertex *vtx, int nvtx, const uint16_t *idx, int nidx) {
	float x0 = FAR, y0 = FAR, x1 = -FAR, y1 = -FAR;
	for (int i = 0; i < nidx; i++) {
		if (idx[i] >= nvtx || !sane(vtx + idx[i])) continue;
		const raster_vertex *v = vtx + idx[i];
		if (v->x < x0) x0 = v->x;
		if (v->x > x1) x1 = v->x;
		if (v->y < y0) y0 = v->y;
		if (v->y > y1) y1 = v->y;
	}
	if (x0 > x1) return;
	// One pixel more, for the rounding of corners to the grid.
	raster_rect b = {max(clip->x0, (int)x0 - 1), max(clip->y0, (int)y0 - 1), min(clip->x1, (int)x1 + 2), min(clip->y1, (int)y1 + 2)};
	if (b.x0 >= b.x1 || b.y0 >= b.y1) return;
	if (r->x0 >= r->x1) {
		*r = b;
		return;
	}
	*r = (raster_rect){min(r->x0, b.x0), min(r->y0, b.y0), max(r->x1, b.x1), max(r->y1, b.y1)};
}
