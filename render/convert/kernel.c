#include "rows.h"

#include <string.h>

// work is what one thread needs while it makes rows.
typedef struct {
	const planar_plan *plan;
	planar_taps taps;
	const uint8_t *data[3];
	ptrdiff_t stride[3];
	int16_t *load[2]; // columns on the way to being averaged
	int16_t *means;   // a row for each doubling of rows averaged
	int16_t *narrow;  // a row before its columns are interpolated
	// The rows of each component that were made last, in columns of the
	// bitmap, even and odd ones, and which these are.
	int16_t *line[3][2];
	int held[3][2];
	int16_t *luma, *bgr[3], *wide[3];
} work;

static int most_means(const planar_plan *p)
{
	int most = 0;
	for (int c = 0; c < p->components; c++) {
		if (p->component[c].box_y > most) most = p->component[c].box_y;
	}
	return most;
}

int planar_rows(const planar_plan *p)
{
	return 2 + most_means(p) + 1 + 1 + 3 * (2 + 1 + 1);
}

static int16_t *take(int16_t **scratch, const planar_plan *p, int rows)
{
	int16_t *row = *scratch + PLANAR_MARGIN;
	*scratch += (ptrdiff_t)rows * p->room;
	return row;
}

static void prepare(work *w, const planar_plan *p, int16_t *scratch)
{
	w->plan = p;
	w->load[0] = take(&scratch, p, 1);
	w->load[1] = take(&scratch, p, 1);
	w->means = take(&scratch, p, most_means(p));
	w->narrow = take(&scratch, p, 1);
	w->luma = take(&scratch, p, 1);
	for (int c = 0; c < 3; c++) {
		for (int i = 0; i < 2; i++) {
			w->line[c][i] = take(&scratch, p, 1);
			w->held[c][i] = -1;
		}
		w->bgr[c] = take(&scratch, p, 1);
		w->wide[c] = take(&scratch, p, 1);
	}
}

// samples reads row of a component and averages columns.
static void samples(work *w, int c, int row, int16_t *to)
{
	const planar_component *k = &w->plan->component[c];
	const uint8_t *src = w->data[c] + row * w->stride[c];
	if (k->box_x == 0) {
		planar_load(src, k, k->width, to);
		return;
	}
	int16_t *from = w->load[0], *other = w->load[1];
	planar_load_halved(src, k, k->width, other, k->box_x == 1 ? to : from, w->plan->portable);
	int n = k->width;
	for (int box = k->box_x - 1; box > 0; box--) {
		n = (n + 1) / 2;
		from[n] = from[n - 1];
		planar_halve(from, (n + 1) / 2, box == 1 ? to : other, w->plan->portable);
		int16_t *swap = from;
		from = other;
		other = swap;
	}
}

static int columns_after_boxes(const planar_component *k)
{
	return (int)(((int64_t)k->width + (1 << k->box_x) - 1) >> k->box_x);
}

// mean averages 2^level rows from row on, or those that there are.
static void mean(work *w, int c, int row, int level, int16_t *to)
{
	if (level == 0) {
		samples(w, c, row, to);
		return;
	}
	level--;
	const planar_component *k = &w->plan->component[c];
	const int next = row + (1 << level);
	if (level == 0 && k->box_x == 1 && k->bytes == 1 && k->step == 1 && next < k->height) {
		const uint8_t *src = w->data[c] + row * w->stride[c];
		planar_load_box(src, src + w->stride[c], k, k->width, to, w->plan->portable);
		return;
	}
	mean(w, c, row, level, to);
	if (next >= k->height) return;
	int16_t *half = w->means + (ptrdiff_t)level * w->plan->room;
	mean(w, c, next, level, half);
	planar_mean(to, half, columns_after_boxes(k));
}

// line is a row of a component, counted in averaged rows, in the bitmap's
// columns.
static const int16_t *line(work *w, int c, int row)
{
	int16_t *to = w->line[c][row & 1];
	if (w->held[c][row & 1] == row) return to;
	w->held[c][row & 1] = row;
	const planar_component *k = &w->plan->component[c];
	if (k->columns < 0) {
		mean(w, c, row << k->box_y, k->box_y, to);
		return to;
	}
	mean(w, c, row << k->box_y, k->box_y, w->narrow);
	const planar_taps t = {
		w->taps.index + k->columns, w->taps.fraction + k->columns, k->mask ? w->taps.mask + k->columns : NULL,
	};
	planar_columns(w->narrow, t, w->plan->width, to, w->plan->portable);
	return to;
}

// pair is the two lines that a row of the bitmap lies between.
static int16_t pair(work *w, int c, int row, const int16_t **a, const int16_t **b)
{
	const planar_component *k = &w->plan->component[c];
	const int at = w->taps.index[k->rows + row];
	const int16_t fraction = w->taps.fraction[k->rows + row];
	*a = *b = line(w, c, at);
	if (fraction != 0) *b = line(w, c, at + 1);
	return fraction;
}

static const int16_t *blended(work *w, int c, int row)
{
	const int16_t *a, *b;
	const int16_t fraction = pair(w, c, row, &a, &b);
	if (fraction == 0) return a;
	planar_blend(a, b, fraction, w->plan->width, w->luma);
	return w->luma;
}

// levels fills bgr with R, G and B as they are.
static void levels(work *w, int row)
{
	const planar_plan *p = w->plan;
	for (int c = 0; c < 3; c++) planar_level(blended(w, c, row), p->width, p->level, p->offset, w->bgr[2 - c]);
}

// as_stored reports whether a component's samples are bytes without a gap that
// need no work across columns.
static int as_stored(const planar_component *k)
{
	return k->bytes == 1 && k->step == 1 && k->columns < 0 && k->box_x == 0 && k->box_y == 0;
}

// chroma_as_stored is chroma for the most usual case, in one go; 0 if it is not
// that. Rows that need no scaling lie at halves and quarters between others.
static int chroma_as_stored(work *w, int row, int n)
{
	const planar_plan *p = w->plan;
	const int at = w->taps.index[p->component[1].rows + row];
	const int16_t fraction = w->taps.fraction[p->component[1].rows + row];
	if (p->portable || fraction % 512 != 0 || !as_stored(&p->component[1]) || !as_stored(&p->component[2])) return 0;
	const int next = fraction != 0;
	const uint8_t *u = w->data[1] + at * w->stride[1], *v = w->data[2] + at * w->stride[2];
	return planar_chroma_bytes(u, u + next * w->stride[1], v, v + next * w->stride[2], fraction / 512, n, p, w->bgr[0], w->bgr[1], w->bgr[2]);
}

// chroma fills bgr with what chroma adds, at chroma's own width if that is to
// be spread.
static void chroma(work *w, int row)
{
	const planar_plan *p = w->plan;
	const int n = p->spread ? p->component[1].width : p->width;
	if (!chroma_as_stored(w, row, n)) {
		const int16_t *ua, *ub, *va, *vb;
		const int16_t fraction = pair(w, 1, row, &ua, &ub);
		pair(w, 2, row, &va, &vb);
		planar_chroma(ua, ub, va, vb, fraction, n, p, w->bgr[0], w->bgr[1], w->bgr[2]);
	}
	for (int c = 0; c < 3; c++) {
		w->bgr[c][-1] = w->bgr[c][0];
		w->bgr[c][n] = w->bgr[c][n - 1];
	}
}

// luma_of finds row's luma: the samples themselves if they need no scaling.
static planar_luma luma_of(work *w, int row)
{
	const planar_component *k = &w->plan->component[0];
	planar_luma y = {PLANAR_LEVELS, NULL, k};
	const int at = k->rows + row;
	if (k->columns < 0 && k->box_x == 0 && k->box_y == 0 && k->step == 1 && !k->big && w->taps.fraction[at] == 0) {
		y.kind = k->bytes == 1 ? PLANAR_BYTES : PLANAR_WORDS;
		y.row = w->data[0] + w->taps.index[at] * w->stride[0];
	} else {
		y.row = blended(w, 0, row);
	}
	return y;
}

static void pixels(work *w, planar_luma y, planar_pixel *out)
{
	const planar_plan *p = w->plan;
	int16_t *const *from = w->bgr;
	int done = 0;
	if (!p->portable) {
		done = p->spread ? planar_pixels_spread(y, w->bgr, p->width, p, out)
		                 : planar_pixels_fast(y, w->bgr, p->width, p->luma, out);
	}
	const int rest = p->width - done;
	if (rest == 0) return;
	if (p->spread) {
		for (int c = 0; c < 3; c++) planar_spread(w->bgr[c] + done / 2, (rest + 1) / 2, p, w->wide[c] + done);
		from = w->wide;
	}
	const int16_t *levels = (const int16_t *)y.row + done;
	if (y.kind != PLANAR_LEVELS) {
		planar_load((const uint8_t *)y.row + (ptrdiff_t)done * y.component->bytes, y.component, rest, w->luma);
		levels = w->luma;
	}
	planar_pixels(levels, from[0] + done, from[1] + done, from[2] + done, rest, p->luma, out + done);
}

void planar_convert(const planar_plan *p,
	const int32_t *index, const int16_t *fraction, const uint16_t *mask,
	const uint8_t *c0, ptrdiff_t s0, const uint8_t *c1, ptrdiff_t s1, const uint8_t *c2, ptrdiff_t s2,
	int first, int last, uint8_t *dst, ptrdiff_t dst_stride, int16_t *scratch)
{
	work w = {
		.taps = {index, fraction, mask}, .data = {c0, c1, c2}, .stride = {s0, s1, s2},
	};
	prepare(&w, p, scratch);
	for (int c = 0; c < 3 && p->components == 1; c++) {
		for (int i = 0; i < p->width; i++) w.bgr[c][i] = p->offset;
	}
	for (int row = first; row < last; row++) {
		const planar_luma y = p->rgb ? (planar_luma){PLANAR_LEVELS, w.luma, NULL} : luma_of(&w, row);
		if (p->rgb) {
			levels(&w, row);
		} else if (p->components == 3) {
			chroma(&w, row);
		}
		pixels(&w, y, (planar_pixel *)(dst + row * dst_stride));
	}
	planar_fence();
}
