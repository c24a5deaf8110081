package guess

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// toldOfSound writes hints the way the table below does.
func toldOfSound(h soundHints) string {
	var f []string
	switch {
	case h.format != "":
		f = append(f, h.format)
	case h.bits != 0:
		f = append(f, fmt.Sprintf("b%d", h.bits))
	case h.kinded:
		f = append(f, fmt.Sprintf("kind%d", h.kind))
	}
	if h.planar {
		f = append(f, "planar")
	}
	if h.rate != 0 {
		f = append(f, fmt.Sprintf("@%d", h.rate))
	}
	if h.channels != 0 {
		f = append(f, fmt.Sprintf("c%d", h.channels))
	}
	return strings.Join(f, " ")
}

func TestSoundNames(t *testing.T) {
	for name, want := range map[string]string{
		"44100_16bit_2ch.pcm":                "b16 @44100 c2",
		"voice_44100_16bit_2ch.raw":          "b16 @44100 c2",
		"x_48k.pcm":                          "@48000",
		"x_48kHz.pcm":                        "@48000",
		"96khz24bit.pcm":                     "b24 @96000",
		"x_44k1.pcm":                         "@44100",
		"x-22.05kHz-mono.pcm":                "@22050 c1",
		"x_11k025_u8.raw":                    "u8 @11025",
		"x_stereo.pcm":                       "c2",
		"x_5.1.pcm":                          "c6",
		"film_7.1_48k_s24le.pcm":             "s24le @48000 c8",
		"x_quad.raw":                         "c4",
		"x_ch2.pcm":                          "c2",
		"x_6channels.pcm":                    "c6",
		"x_s24_3le.pcm":                      "s24le",
		"x_S16_LE.pcm":                       "s16le",
		"x_S32_BE_2ch.pcm":                   "s32be c2",
		"x_f32.raw":                          "f32le",
		"x_float.pcm":                        "f32le",
		"x_double_48000.pcm":                 "f64le @48000",
		"pcm_s16be.raw":                      "s16be",
		"x_ulaw.raw":                         "mulaw",
		"x_g711u_8k.raw":                     "mulaw @8000",
		"x_pcmu.bin":                         "mulaw",
		"x_pcma.bin":                         "alaw",
		"x_a-law.bin":                        "alaw",
		"x_16bit_be.pcm":                     "s16be",
		"x_16bit_bigendian_mono.pcm":         "s16be c1",
		"x_unsigned_16bit.pcm":               "u16le",
		"x_16b.pcm":                          "b16",
		"x_s16le_planar.pcm":                 "s16le planar",
		"x_fltp.pcm":                         "f32le planar",
		"s16le48k.pcm":                       "@48000",
		"x_48k16bit2ch.pcm":                  "b16 @48000 c2",
		"x_24-96.pcm":                        "b24 @96000",
		"x.s16":                              "s16le",
		"x.sw":                               "s16le",
		"x.s24le":                            "s24le",
		"x.s32":                              "s32le",
		"x.f32":                              "f32le",
		"x.f64":                              "f64le",
		"x.u8":                               "u8",
		"x.al":                               "alaw",
		"x.alaw":                             "alaw",
		"x.ul":                               "mulaw",
		"x.ulaw":                             "mulaw",
		"x.mulaw":                            "mulaw",
		"x.sb":                               "s8",
		"x.ub":                               "u8",
		"x.uw":                               "u16le",
		"x_be_48000.s16":                     "s16be @48000",
		"x.sln16":                            "s16le @16000 c1",
		"x.cdr":                              "s16be @44100 c2",
		"voice_16000.pcm":                    "@16000",
		"uint8_8000hz_1ch.raw":               "u8 @8000 c1",
		"x_fs12345_int16.raw":                "s16le @12345",
		"tone_440hz_44100.pcm":               "@44100",
		"sine_1khz_48k_mono.pcm":             "@48000 c1",
		"2016.pcm":                           "",
		"take_16000.pcm":                     "",
		"rec_2016-08-24.pcm":                 "",
		"rec_20240131_192000.pcm":            "",
		"voice_128kbps.pcm":                  "",
		"x_64kbit_s16le.pcm":                 "s16le",
		"clip_640x480.pcm":                   "",
		"clip_16000x8000.raw":                "",
		"mix_v5.1.pcm":                       "",
		"le_chat.pcm":                        "",
		"to_be_or_not.pcm":                   "",
		"48000_frames.pcm":                   "",
		"x_8000ms.pcm":                       "",
		"":                                   "",
		".pcm":                               "",
		"chapter_1.pcm":                      "",
		"monologue.pcm":                      "",
		"stereotype.pcm":                     "",
		"x_33ch.pcm":                         "",
		strings.Repeat("a", 5000) + "_s16le": "s16le",
	} {
		if got := toldOfSound(soundNameHints(name)); got != want {
			t.Errorf("%q tells %q, want %q", name, got, want)
		}
	}
}

func TestSpeaksOfSound(t *testing.T) {
	for name, want := range map[string]bool{
		"voice_44100_16bit_2ch.raw": true,
		"x_48khz.raw":               true,
		"x_s16le.bin":               true,
		"x_16000_mono.raw":          true,
		"x.mulaw":                   true,
		"x_f32.dat":                 true,
		"img_16000.raw":             false,
		"x_16bit.raw":               false,
		"x_mono.raw":                false,
		"x_1920x1080_48000.raw":     false,
		"x_yuv420p_48k.raw":         false,
		"akiyo_cif.raw":             false,
		"x_4k.raw":                  false,
		"x.raw":                     false,
		"":                          false,
		"2016.raw":                  false,
		"x_nv12_s16le.raw":          false,
		"/sound/s16le/x.raw":        false,
	} {
		if got := SpeaksOfSound(name); got != want {
			t.Errorf("SpeaksOfSound(%q) is %v, want %v", name, got, want)
		}
	}
}

func FuzzSoundName(f *testing.F) {
	for _, s := range []string{"x_44100_16bit_2ch.pcm", "a/b_48k/5.1.raw", "s24_3le.S16", "\xff\x00.sln16", "44k1-22.05khz_ch32_7.1.4_planar.f64be"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		SpeaksOfSound(path)
		h := soundNameHints(path)
		if h.rate != 0 && (h.rate < 8000 || h.rate > 384000) || h.channels < 0 || h.channels > maxChannels {
			t.Errorf("%q tells %+v", path, h)
		}
		got := RankSound(File{Path: path, Size: -1}, Sound{})
		checkSounds(t, got, File{Size: -1}, Sound{})
		if len(got) == 0 {
			t.Errorf("%q: nothing", path)
		}
		for _, c := range got {
			for _, r := range c.Reasons {
				if !utf8.ValidString(r) {
					t.Errorf("%q: %q", path, r)
				}
			}
		}
	})
}
