package convert

import "fmt"

// format is how the samples of a pixel format lie in memory.
type format struct {
	depth     int
	high      bool // the sample is in the highest bits of its word
	bigEndian bool // of samples of more than 8 bit
	rgb       bool
	// Chroma is 1/2^shiftX as wide and 1/2^shiftY as high as luma, rounded up.
	shiftX, shiftY int
	components     []component // Y, U, V or R, G, B, or grey alone
}

// component is where the samples of a component are: in which plane, how many
// samples before its first of a row, and from one to the next.
type component struct{ plane, offset, step int }

// wordBytes is how many bytes hold one sample.
func (f *format) wordBytes() int {
	if f.depth > 8 {
		return 2
	}
	return 1
}

// size is how many samples component i of a width x height picture has.
func (f *format) size(i, width, height int) (w, h int) {
	if f.rgb || i == 0 {
		return width, height
	}
	return (width-1)>>f.shiftX + 1, (height-1)>>f.shiftY + 1
}

// rowBytes is how much of a row of its plane component i takes.
func (f *format) rowBytes(i, samples int) int {
	c := f.components[i]
	return (c.offset + (samples-1)*c.step + 1) * f.wordBytes()
}

// Where the components of a pixel are.
var (
	alone  = []component{{0, 0, 1}}
	planes = []component{{0, 0, 1}, {1, 0, 1}, {2, 0, 1}}
	uv     = []component{{0, 0, 1}, {1, 0, 2}, {1, 1, 2}}
	vu     = []component{{0, 0, 1}, {1, 1, 2}, {1, 0, 2}}
	yuyv   = []component{{0, 0, 2}, {0, 1, 4}, {0, 3, 4}}
	yvyu   = []component{{0, 0, 2}, {0, 3, 4}, {0, 1, 4}}
	uyvy   = []component{{0, 1, 2}, {0, 0, 4}, {0, 2, 4}}
	gbr    = []component{{2, 0, 1}, {0, 0, 1}, {1, 0, 1}}
)

// packed is three components of a pixel of step samples.
func packed(step, first, second, third int) []component {
	return []component{{0, first, step}, {0, second, step}, {0, third, step}}
}

// formats are those that the kernel converts, by FFmpeg's names: planar,
// semi-planar and packed YCbCr of any subsampling, grey and RGB, whose samples
// are 8 bits in a byte or 9 to 16 in a word of two. Alpha is not looked at.
var formats = func() map[string]format {
	all := map[string]format{
		"nv12": {depth: 8, shiftX: 1, shiftY: 1, components: uv},
		"nv21": {depth: 8, shiftX: 1, shiftY: 1, components: vu},
		"nv16": {depth: 8, shiftX: 1, components: uv},
		"nv24": {depth: 8, components: uv},
		"nv42": {depth: 8, components: vu},

		"yuyv422": {depth: 8, shiftX: 1, components: yuyv},
		"yvyu422": {depth: 8, shiftX: 1, components: yvyu},
		"uyvy422": {depth: 8, shiftX: 1, components: uyvy},
		"vuya":    {depth: 8, components: packed(4, 2, 1, 0)},
		"vuyx":    {depth: 8, components: packed(4, 2, 1, 0)},

		"gray": {depth: 8, components: alone},

		"rgb24": {depth: 8, rgb: true, components: packed(3, 0, 1, 2)},
		"bgr24": {depth: 8, rgb: true, components: packed(3, 2, 1, 0)},
		"rgba":  {depth: 8, rgb: true, components: packed(4, 0, 1, 2)},
		"rgb0":  {depth: 8, rgb: true, components: packed(4, 0, 1, 2)},
		"bgra":  {depth: 8, rgb: true, components: packed(4, 2, 1, 0)},
		"bgr0":  {depth: 8, rgb: true, components: packed(4, 2, 1, 0)},
		"argb":  {depth: 8, rgb: true, components: packed(4, 1, 2, 3)},
		"0rgb":  {depth: 8, rgb: true, components: packed(4, 1, 2, 3)},
		"abgr":  {depth: 8, rgb: true, components: packed(4, 3, 2, 1)},
		"0bgr":  {depth: 8, rgb: true, components: packed(4, 3, 2, 1)},
		"gbrp":  {depth: 8, rgb: true, components: gbr},
		"gbrap": {depth: 8, rgb: true, components: gbr},
	}
	subsampled := map[string]format{
		"420": {shiftX: 1, shiftY: 1}, "422": {shiftX: 1}, "444": {},
		"440": {shiftY: 1}, "411": {shiftX: 2}, "410": {shiftX: 2, shiftY: 2},
	}
	for name, f := range subsampled {
		f.components = planes
		f.depth = 8
		all["yuv"+name+"p"], all["yuva"+name+"p"] = f, f
		all["yuvj"+name+"p"] = f
	}
	// Samples of 9 to 16 bit: %s is the byte order.
	wide := map[string]format{
		"p010%s": {depth: 10, high: true, shiftX: 1, shiftY: 1, components: uv},
		"p012%s": {depth: 12, high: true, shiftX: 1, shiftY: 1, components: uv},
		"p016%s": {depth: 16, high: true, shiftX: 1, shiftY: 1, components: uv},
		"p210%s": {depth: 10, high: true, shiftX: 1, components: uv},
		"p212%s": {depth: 12, high: true, shiftX: 1, components: uv},
		"p216%s": {depth: 16, high: true, shiftX: 1, components: uv},
		"p410%s": {depth: 10, high: true, components: uv},
		"p412%s": {depth: 12, high: true, components: uv},
		"p416%s": {depth: 16, high: true, components: uv},
		"nv20%s": {depth: 10, shiftX: 1, components: uv},
		"y210%s": {depth: 10, high: true, shiftX: 1, components: yuyv},
		"y212%s": {depth: 12, high: true, shiftX: 1, components: yuyv},

		"ayuv64%s": {depth: 16, components: packed(4, 1, 2, 3)},
		"rgb48%s":  {depth: 16, rgb: true, components: packed(3, 0, 1, 2)},
		"bgr48%s":  {depth: 16, rgb: true, components: packed(3, 2, 1, 0)},
		"rgba64%s": {depth: 16, rgb: true, components: packed(4, 0, 1, 2)},
		"bgra64%s": {depth: 16, rgb: true, components: packed(4, 2, 1, 0)},
	}
	for _, depth := range []int{9, 10, 12, 14, 16} {
		for name, f := range subsampled {
			f.components = planes
			f.depth = depth
			wide[fmt.Sprintf("yuv%sp%d%%s", name, depth)] = f
			wide[fmt.Sprintf("yuva%sp%d%%s", name, depth)] = f
		}
		wide[fmt.Sprintf("gray%d%%s", depth)] = format{depth: depth, components: alone}
		wide[fmt.Sprintf("gbrp%d%%s", depth)] = format{depth: depth, rgb: true, components: gbr}
		wide[fmt.Sprintf("gbrap%d%%s", depth)] = format{depth: depth, rgb: true, components: gbr}
	}
	for name, f := range wide {
		all[fmt.Sprintf(name, "le")] = f
		f.bigEndian = true
		all[fmt.Sprintf(name, "be")] = f
	}
	return all
}()
