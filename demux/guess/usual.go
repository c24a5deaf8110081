package guess

import "slices"

// geometry is a size that pictures may have, and how likely it is among those
// considered.
type geometry struct {
	w, h   int
	weight float64
	from   origin
}

// origin says where a property comes from, the weakest first.
type origin int

const (
	fromUsual origin = iota // usual, and fits
	fromLines               // the distance at which lines look alike
	fromFolder
	fromName
	fromGiven
)

// usualSizes are what cameras, codecs' test sequences and screens have.
var usualSizes = []geometry{
	{1920, 1080, 1, 0},
	{352, 288, 0.9, 0},
	{1280, 720, 0.8, 0},
	{3840, 2160, 0.6, 0},
	{176, 144, 0.5, 0},
	{640, 480, 0.5, 0},
	{832, 480, 0.35, 0},
	{416, 240, 0.35, 0},
	{640, 360, 0.35, 0},
	{720, 576, 0.3, 0},
	{720, 480, 0.3, 0},
	{704, 576, 0.3, 0},
	{320, 240, 0.3, 0},
	{352, 240, 0.15, 0},
	{1024, 768, 0.25, 0},
	{2560, 1600, 0.2, 0},
	{4096, 2160, 0.2, 0},
	{1920, 1088, 0.1, 0},
	{960, 540, 0.2, 0},
	{854, 480, 0.15, 0},
	{852, 480, 0.05, 0},
	{848, 480, 0.06, 0},
	{2560, 1440, 0.2, 0},
	{800, 600, 0.1, 0},
	{480, 270, 0.15, 0},
	{1280, 960, 0.03, 0},
	{1280, 1024, 0.1, 0},
	{1600, 1200, 0.1, 0},
	{2048, 1080, 0.1, 0},
	{7680, 4320, 0.1, 0},
	{320, 180, 0.15, 0},
	{1080, 1920, 0.15, 0},
	{720, 1280, 0.12, 0},
	{480, 640, 0.05, 0},
	{360, 640, 0.05, 0},
	{2160, 3840, 0.03, 0},
	{540, 960, 0.03, 0},
	{704, 480, 0.1, 0},
	{720, 486, 0.05, 0},
	{640, 272, 0.03, 0},
	{1280, 544, 0.03, 0},
	{1920, 800, 0.05, 0},
	{1920, 816, 0.03, 0},
	{1440, 1080, 0.08, 0},
	{400, 224, 0.03, 0},
	{416, 234, 0.03, 0},
	{480, 320, 0.05, 0},
	{512, 288, 0.06, 0},
	{768, 432, 0.06, 0},
	{1024, 576, 0.08, 0},
	{1600, 900, 0.06, 0},
	{1366, 768, 0.05, 0},
	{512, 512, 0.05, 0},
	{256, 256, 0.05, 0},
	{1024, 1024, 0.04, 0},
	{2048, 2048, 0.02, 0},
	{128, 96, 0.05, 0},
	{160, 120, 0.08, 0},
	{128, 128, 0.01, 0},
	{64, 64, 0.01, 0},
	{1408, 1152, 0.03, 0},
	{1280, 800, 0.08, 0},
	{1280, 768, 0.04, 0},
	{1920, 1200, 0.08, 0},
	{800, 480, 0.06, 0},
	{768, 576, 0.06, 0},
	{400, 240, 0.03, 0},
	{2048, 1536, 0.05, 0},
	{2592, 1944, 0.05, 0},
	{4096, 2304, 0.03, 0},
	{2880, 1620, 0.02, 0},
	{4000, 3000, 0.03, 0},
	{4032, 3024, 0.03, 0},
	{5120, 2880, 0.03, 0},
	{2048, 1024, 0.02, 0},
	{4096, 2048, 0.04, 0},
	{8192, 4096, 0.02, 0},
	{8192, 4320, 0.02, 0},
	{6144, 3072, 0.01, 0},
	{3072, 2048, 0.02, 0},
	{1024, 436, 0.02, 0},
	{1280, 1080, 0.03, 0},
	{960, 720, 0.04, 0},
	{240, 320, 0.03, 0},
	{288, 352, 0.01, 0},
	{640, 400, 0.03, 0},
	{960, 544, 0.02, 0},
	{640, 368, 0.02, 0},
	{4096, 1714, 0.02, 0},
	{1998, 1080, 0.02, 0},
	{3996, 2160, 0.02, 0},
	{2048, 858, 0.02, 0},
}

func usual(w, h int) bool {
	return slices.ContainsFunc(usualSizes, func(g geometry) bool { return g.w == w && g.h == h })
}

// choice is a pixel format that a file may have.
type choice struct {
	name   string
	weight float64
	from   origin
	open   bool // the name tells chroma or depth only
}

// usualFormats leaves out what cannot be told from another one by content:
// nv21 from nv12, yvu420p from yuv420p, yvyu422 from yuyv422, bgr24 from rgb24.
var usualFormats = []choice{
	{name: "yuv420p", weight: 1},
	{name: "yuv420p10le", weight: 0.15},
	{name: "nv12", weight: 0.12},
	{name: "yuv422p", weight: 0.08},
	{name: "yuyv422", weight: 0.06},
	{name: "uyvy422", weight: 0.06},
	{name: "p010le", weight: 0.05},
	{name: "yuv422p10le", weight: 0.05},
	{name: "yuv444p", weight: 0.05},
	{name: "rgb24", weight: 0.05},
	{name: "gray", weight: 0.04},
	{name: "yuv444p10le", weight: 0.02},
	{name: "rgba", weight: 0.02},
	{name: "bgra", weight: 0.02},
	{name: "nv16", weight: 0.01},
	{name: "yuv420p12le", weight: 0.01},
	{name: "argb", weight: 0.004},
	{name: "gray16le", weight: 0.005},
	{name: "gray10le", weight: 0.004},
	{name: "gray12le", weight: 0.002},
	{name: "gray14le", weight: 0.001},
	{name: "gbrp", weight: 0.006},
	{name: "nv24", weight: 0.004},
	{name: "p016le", weight: 0.003},
	{name: "p210le", weight: 0.004},
	{name: "yuv422p12le", weight: 0.004},
	{name: "yuv444p12le", weight: 0.004},
	{name: "yuv420p14le", weight: 0.0005},
	{name: "yuv422p14le", weight: 0.0005},
	{name: "yuv444p14le", weight: 0.0005},
	{name: "yuv420p16le", weight: 0.004},
	{name: "yuv422p16le", weight: 0.002},
	{name: "yuv444p16le", weight: 0.002},
	{name: "yuv420p10be", weight: 0.003},
	{name: "yuv422p10be", weight: 0.001},
	{name: "rgb48le", weight: 0.003},
	{name: "gbrp10le", weight: 0.002},
	{name: "yuv411p", weight: 0.002},
	{name: "y210le", weight: 0.002},
	{name: "yuv440p", weight: 0.001},
	{name: "yuv410p", weight: 0.001},
	{name: "bayer_rggb8", weight: 0.002},
	{name: "bayer_rggb16le", weight: 0.001},
	{name: "gray16be", weight: 0.001},
	{name: "rgba64le", weight: 0.001},
}
