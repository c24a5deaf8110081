package guess

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"planar/demux"
	"planar/render"
)

// told writes hints the way the table below does.
func told(h hints) string {
	var f []string
	for _, s := range h.sizes[:min(1, len(h.sizes))] {
		f = append(f, fmt.Sprintf("%dx%d", s.w, s.h))
	}
	switch {
	case h.format != "":
		f = append(f, h.format)
	case h.chroma != 0:
		f = append(f, fmt.Sprintf("c%d", h.chroma))
	case h.depth != 0:
		f = append(f, fmt.Sprintf("d%d", h.depth))
	}
	if h.rate.Known() {
		f = append(f, "@"+rateText(h.rate))
	}
	if h.colour.Matrix != 0 {
		f = append(f, h.colour.Matrix.String())
	}
	if h.colour.Range != 0 {
		f = append(f, h.colour.Range.String())
	}
	if h.frames != 0 {
		f = append(f, fmt.Sprintf("n%d", h.frames))
	}
	return strings.Join(f, " ")
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		// What test sequences are called.
		"akiyo_cif.yuv":                                          "352x288",
		"foreman_qcif_30fps.yuv":                                 "176x144 @30",
		"BasketballDrive_1920x1080_50.yuv":                       "1920x1080 @50",
		"BQMall_832x480_60.yuv":                                  "832x480 @60",
		"SlideShow_1280x720_20.yuv":                              "1280x720 @20",
		"ChinaSpeed_1024x768_30.yuv":                             "1024x768 @30",
		"Traffic_2560x1600_30_crop.yuv":                          "2560x1600 @30",
		"NebulaFestival_2560x1600_60_10bit_crop.yuv":             "2560x1600 d10 @60",
		"NebulaFestival_1920x1080_60_10b":                        "1920x1080 d10 @60",
		"Tango2_3840x2160_60fps_10bit_420.yuv":                   "3840x2160 yuv420p10le @60",
		"Campfire_3840x2160_30fps_bt709_420_videoRange.yuv":      "3840x2160 c420 @30 bt709 limited",
		"CatRobot_3840x2160_60fps_10bit_420_jvet.yuv":            "3840x2160 yuv420p10le @60",
		"ShakeNDry_3840x2160_120fps_420_8bit_YUV.yuv":            "3840x2160 yuv420p @120",
		"Beauty_1920x1080_120fps_420_8bit_YUV.yuv":               "1920x1080 yuv420p @120",
		"Jockey_3840x2160_120fps_420_10bit_YUV.yuv":              "3840x2160 yuv420p10le @120",
		"crowd_run_1080p50.yuv":                                  "1920x1080 @50",
		"park_joy_2160p50.y4m":                                   "3840x2160 @50",
		"ducks_take_off_420_720p50.yuv":                          "1280x720 c420 @50",
		"old_town_cross_444_720p50.yuv":                          "1280x720 c444 @50",
		"in_to_tree_1080p5994.yuv":                               "1920x1080 @59.94",
		"sunflower_1080p2997.yuv":                                "1920x1080 @29.97",
		"tractor_1080p25.yuv":                                    "1920x1080 @25",
		"rush_hour_1080i50.yuv":                                  "1920x1080 @50",
		"station2_1080p23976.yuv":                                "1920x1080 @23.976",
		"Netflix_Aerial_4096x2160_60fps_10bit_420.yuv":           "4096x2160 yuv420p10le @60",
		"stefan_sif.yuv":                                         "352x240",
		"city_4cif_60fps.yuv":                                    "704x576 @60",
		"soccer_4CIF_30Hz.yuv":                                   "704x576 @30",
		"crew_16cif.yuv":                                         "1408x1152",
		"carphone_sqcif.yuv":                                     "128x96",
		"bus_352x288_150frames.yuv":                              "352x288 n150",
		"mobile_cif_300f.yuv":                                    "352x288 n300",
		"FourPeople_1280x720_60.yuv":                             "1280x720 @60",
		"EBUHorse_1920x1080_50_10bit_422.yuv":                    "1920x1080 yuv422p10le @50",
		"Kimono1_1920x1080_24_10bit_444.yuv":                     "1920x1080 yuv444p10le @24",
		"DucksAndLegs_1920x1080_30_10bit_422.yuv":                "1920x1080 yuv422p10le @30",
		"Traffic_2560x1600_60_12bit_444.yuv":                     "2560x1600 yuv444p12le @60",
		"sc_flyingGraphics_1920x1080_60_8bit_RGB.yuv":            "1920x1080 rgb24 @60",
		"HeartOfCity_1920x1080p_60_8b_444.yuv":                   "1920x1080 yuv444p @60",
		"Market3_1920x1080p_50_10b_pq_709_ct2020_422_FULL_RANGE": "1920x1080 yuv422p10le @50 bt709 full",
		"news_qcif_15hz.yuv":                                     "176x144 @15",
		"harbour_704x576_60Hz_P420.yuv":                          "704x576 c420 @60",
		// Sizes.
		"352X288.yuv":                 "352x288",
		"1920*1080.yuv":               "1920x1080",
		"a 1920×1080 b.yuv":           "1920x1080",
		"x_1920_1080.yuv":             "1920x1080",
		"x_1920_1080_25.yuv":          "1920x1080 @25",
		"dump_w1920h1080.yuv":         "1920x1080",
		"dump_w1920_h1080.yuv":        "1920x1080",
		"dump_1920w_1080h.yuv":        "1920x1080",
		"a_1920x1080p50.yuv":          "1920x1080 @50",
		"a_1920x1080@60.yuv":          "1920x1080 @60",
		"a_1920x1080-29.97.yuv":       "1920x1080 @29.97",
		"sintel-640X360@29.97fps.yuv": "640x360 @29.97",
		"351x289.yuv":                 "351x289",
		"x264_720p.yuv":               "1280x720",
		"capture_h265_1080.yuv":       "1920x1080",
		"clip_vga.yuv":                "640x480",
		"clip-qvga.yuv":               "320x240",
		"movie.hd.yuv":                "1920x1080",
		"movie_fhd.yuv":               "1920x1080",
		"movie UHD.yuv":               "3840x2160",
		"movie_4k.yuv":                "3840x2160",
		"movie_4K_60fps.yuv":          "3840x2160 @60",
		"movie_2k.yuv":                "2048x1080",
		"movie_8k.yuv":                "7680x4320",
		"clip_720p5994.yuv":           "1280x720 @59.94",
		"clip_480p.yuv":               "720x480",
		"cif30.yuv":                   "352x288 @30",
		"hd60.yuv":                    "1920x1080 @60",
		"frame_0001_352x288.yuv":      "352x288",
		"1080p.yuv":                   "1920x1080",
		"99999x99999.yuv":             "",
		"2147483648x2147483648.yuv":   "",
		"0x0.yuv":                     "",
		"-1x-1.yuv":                   "",
		"352x288x300.yuv":             "352x288 n300",
		"640x480x8.yuv":               "640x480 d8",
		"blocks_8x8_352x288.yuv":      "352x288",
		// Rates.
		"a_176x144_fps30.yuv":     "176x144 @30",
		"a_176x144_30p.yuv":       "176x144 @30",
		"a_176x144_23_976fps.yuv": "176x144 @23.976",
		"a_176x144_2997fps.yuv":   "176x144 @29.97",
		"a_176x144_12.5fps.yuv":   "176x144 @12.5",
		"clip_29.97fps":           "@29.97",
		"take_24.yuv":             "",
		"a_352x288_qp_30.yuv":     "352x288",
		"a_352x288_qp30.yuv":      "352x288",
		"a_352x288_crf_24.yuv":    "352x288",
		"a_352x288_500kbps.yuv":   "352x288",
		"a_352x288_0025.yuv":      "352x288",
		"a_352x288_48khz.yuv":     "352x288",
		// Formats.
		"out_640x480_nv12.yuv":      "640x480 nv12",
		"dump-1280x720.nv12":        "1280x720 nv12",
		"dump-1280x720.nv21":        "1280x720 nv21",
		"dump-1280x720.i420":        "1280x720 i420",
		"dump-1280x720.yv12":        "1280x720 yv12",
		"dump-1280x720.yuy2":        "1280x720 yuyv422",
		"dump-1280x720.uyvy":        "1280x720 uyvy422",
		"dump-1280x720.rgb":         "1280x720 rgb24",
		"dump-1280x720.bgr":         "1280x720 bgr24",
		"dump-1280x720.rgba":        "1280x720 rgba",
		"dump-1280x720.bgra":        "1280x720 bgra",
		"dump-1280x720.p010":        "1280x720 p010le",
		"dump-1280x720.v210":        "1280x720 v210",
		"dump-1280x720.gray":        "1280x720 gray",
		"dump-1280x720.y8":          "1280x720 gray",
		"dump-1280x720.y16":         "1280x720 gray16le",
		"dump-1280x720.raw":         "1280x720",
		"dump-1280x720.yuv420p10le": "1280x720 yuv420p10le",
		"dump-1280x720.420p":        "1280x720 c420",
		"dump-1280x720.420":         "1280x720 c420",
		"dump-1280x720.h264.yuv":    "1280x720",
		"a_cif_yuv420p.yuv":         "352x288 c420",
		"a_cif_yuv422p10le.yuv":     "352x288 yuv422p10le",
		"a_cif_yuv422p10.yuv":       "352x288 yuv422p10le",
		"a_cif_422p10.yuv":          "352x288 yuv422p10le",
		"a_cif_yuv420_10bit.yuv":    "352x288 yuv420p10le",
		"a_cif_yuv444_8b.yuv":       "352x288 yuv444p",
		"a_cif_420_8.yuv":           "352x288 yuv420p",
		"a_cif_P420.yuv":            "352x288 c420",
		"a_cif_420p.yuv":            "352x288 c420",
		"a_cif_yuv420p16be.yuv":     "352x288 yuv420p16be",
		"a_cif_yuv420p10_be.yuv":    "352x288 yuv420p10be",
		"a_cif_10bit.yuv":           "352x288 d10",
		"a_cif_10-bit.yuv":          "352x288 d10",
		"a_cif_10 bit.yuv":          "352x288 d10",
		"a_cif_p10.yuv":             "352x288 d10",
		"a_cif_8bit.yuv":            "352x288 d8",
		"a_cif_16bit_444.yuv":       "352x288 yuv444p16le",
		"a_cif_nv12_10bit.yuv":      "352x288 p010le",
		"a_cif_P210.yuv":            "352x288 p210le",
		"a_cif_nv16.yuv":            "352x288 nv16",
		"a_cif_nv24.yuv":            "352x288 nv24",
		"a_cif_yv16.yuv":            "352x288 yv16",
		"a_cif_iyuv.yuv":            "352x288 iyuv",
		"a_cif_yuyv422.yuv":         "352x288 yuyv422",
		"a_cif_YVYU.yuv":            "352x288 yvyu422",
		"a_cif_y210.yuv":            "352x288 y210le",
		"a_cif_y410.yuv":            "352x288 y410",
		"a_cif_ayuv.yuv":            "352x288 ayuv",
		"a_cif_gray.yuv":            "352x288 gray",
		"a_cif_grey10le.yuv":        "352x288 gray10le",
		"a_cif_y800.yuv":            "352x288 gray",
		"a_cif_400_8bit.yuv":        "352x288 gray",
		"a_cif_400frames.yuv":       "352x288 n400",
		"a_cif_luma_only.yuv":       "352x288 gray",
		"a_cif_rgb48.raw":           "352x288 rgb48le",
		"a_cif_rgb_16bit.raw":       "352x288 rgb48le",
		"a_cif_gbrp10.raw":          "352x288 gbrp10le",
		"a_cif_bayer_rggb8.raw":     "352x288 bayer_rggb8",
		"a_cif_BGGR16.raw":          "352x288 bayer_bggr16le",
		"a_cif_GRBG_10bit.raw":      "352x288 bayer_grbg16le",
		"a_cif_yuvj420p.yuv":        "352x288 c420 full",
		"a_cif_420sp.yuv":           "352x288 nv12",
		"a_cif_4:2:2_10bit.yuv":     "352x288 yuv422p10le",
		"a_cif_i444.yuv":            "352x288 yuv444p",
		"a_cif_i010.yuv":            "352x288 yuv420p10le",
		// Colour.
		"a_1080p25_709_full.yuv":       "1920x1080 @25 bt709 full",
		"a_1080p25_bt601.yuv":          "1920x1080 @25 bt601",
		"a_1080p25_rec.2020.yuv":       "1920x1080 @25 bt2020",
		"a_1080p25_BT.709_limited.yuv": "1920x1080 @25 bt709 limited",
		"a_1080p25_2020.yuv":           "1920x1080 @25",
		"a_cif_fullrange_rec709.yuv":   "352x288 bt709 full",
		"bars_hd_601f.yuv":             "1920x1080 bt601 full",
		// What is none of it.
		"dump.yuv":                             "",
		"":                                     "",
		".yuv":                                 "",
		"take12_v2.yuv":                        "",
		"2023-05-12_1920x1080.yuv":             "1920x1080",
		"2020-12-30.yuv":                       "",
		"20230512_101500_352x288.yuv":          "352x288",
		"2023_05_12_10_30_00.yuv":              "",
		"d41d8cd98f00b204e9800998ecf8427e.yuv": "",
		"550e8400-e29b-41d4-a716-446655440000.yuv": "",
		"ffmpeg-5.1.2-dump.yuv":                    "",
		"mpeg4_decoder_out.yuv":                    "",
		"pacific.yuv":                              "",
		"specification.yuv":                        "",
		"hdtv.yuv":                                 "",
		"monochrome.yuv":                           "",
		"img_100_200.yuv":                          "",
		"IMG_2019_1080.yuv":                        "1920x1080",
	} {
		if got := told(nameHints(name)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestFolders(t *testing.T) {
	for path, want := range map[string]string{
		"/seq/1920x1080/foo.yuv":          "1920x1080",
		"/data/cif/akiyo.yuv":             "352x288",
		"class_B_1080p50/foo.yuv":         "1920x1080 @50",
		"/seq/uhd_10bit_420/take/foo.yuv": "3840x2160 yuv420p10le",
		"foo.yuv":                         "",
		"/foo.yuv":                        "",
		"/home/user/2020/05/foo.yuv":      "",
		"/1080p/nv12/foo":                 "1920x1080 nv12",
	} {
		if got := told(folderHints(path)); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"clip_352x288_30fps.yuv", "a_1080p59.94Hz_yuv420p10le.nv12", "2023-05-12_w1920h1080_709", "×*x99999x1_4:2:0", "a_16cif_p10be_300frames"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, h := range []hints{nameHints(s), folderHints(s)} {
			for _, v := range h.sizes {
				if v.w < 16 || v.w > demux.MaxDimension || v.h < 16 || v.h > demux.MaxDimension {
					t.Errorf("size %dx%d", v.w, v.h)
				}
			}
			if r := h.rate; r != (render.Rational{}) && !(r.Float() >= 0.0009 && r.Float() <= 1000) {
				t.Errorf("rate %v", r)
			}
			if h.frames < 0 || len(h.sizes) > 8+4 || !utf8.ValidString(h.format) {
				t.Errorf("%+v", h)
			}
		}
	})
}
