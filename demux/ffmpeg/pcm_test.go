package ffmpeg

import (
	"bytes"
	"errors"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"

	"planar/audio"
	"planar/demux"
)

func TestPCMEqualsFFmpeg(t *testing.T) {
	for _, n := range PCMFormatNames() {
		if strings.HasSuffix(n, planarSuffix) {
			continue // of which the reader makes interleaved ones
		}
		t.Run(n, func(t *testing.T) {
			p, err := FindPCMFormat(n)
			if err != nil {
				t.Fatal(err)
			}
			f := audio.Format{Rate: 8000, Channels: 2}
			var data, want []byte
			if swapped := "s64be"; n == "s64le" || n == swapped { // which ffmpeg writes into other files only
				data = make([]byte, 8*2*2400)
				for i := range data {
					data[i] = byte(i * i >> 3)
				}
				want = slices.Clone(data)
				if n == swapped {
					for s := range slices.Chunk(want, 8) {
						slices.Reverse(s)
					}
				}
			} else {
				raw := clip(t, "tone."+n, with(tone(0.3, 8000), []string{"-ac", "2", "-f", n})...)
				if data, err = os.ReadFile(raw); err != nil {
					t.Fatal(err)
				}
				le := map[audio.SampleFormat]string{"u8": "u8", "s16": "s16le", "s32": "s32le", "flt": "f32le", "dbl": "f64le"}[p.Native]
				want = ffmpegCLI(t, "-f", n, "-ar", "8000", "-ac", "2", "-i", raw, "-f", le, "-c:a", "pcm_"+le, "-")
			}
			d, err := NewPCMDecoder(p.Codec, f)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			var got []byte
			var at int64
			for len(data) > 0 {
				c := min(len(data), 1000*2*p.Bytes)
				if err := d.Send(&demux.Packet{Data: data[:c], PTS: f.Duration(at), Key: true}); err != nil {
					t.Fatal(err)
				}
				data = data[c:]
				for {
					b, err := d.Receive()
					if err != nil {
						if !errors.Is(err, demux.ErrAgain) {
							t.Fatal(err)
						}
						break
					}
					if b.Sample != p.Native || b.Channels != 2 || b.Rate != 8000 || b.PTS != f.Duration(at) {
						t.Errorf("block %v at %v, want %s at %v", b.Format, b.PTS, p.Native, f.Duration(at))
					}
					at += int64(b.Frames)
					got = append(got, b.Planes[0]...)
					b.Release()
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes differ from ffmpeg's %d", len(got), len(want))
			}
		})
	}
	if d, err := NewPCMDecoder("pcm_s16le", audio.Format{Rate: 8000, Channels: 0}); err == nil {
		d.Close()
		t.Error("no channels were accepted")
	}
}

func TestFindPCMFormat(t *testing.T) {
	for _, c := range []struct {
		name, want, codec string
		bytes             int
		native            audio.SampleFormat
	}{
		{"s16", "s16le", "pcm_s16le", 2, "s16"},
		{"S16BE", "s16be", "pcm_s16be", 2, "s16"},
		{"f32", "f32le", "pcm_f32le", 4, "flt"},
		{"flt", "f32le", "pcm_f32le", 4, "flt"},
		{"dbl", "f64le", "pcm_f64le", 8, "dbl"},
		{"u24", "u24le", "pcm_u24le", 3, "s32"},
		{"s64", "s64le", "pcm_s64le", 8, "s64"},
		{"s8", "s8", "pcm_s8", 1, "u8"},
		{"ulaw", "mulaw", "pcm_mulaw", 1, "s16"},
		{"pcm_alaw", "alaw", "pcm_alaw", 1, "s16"},
		{"s16le_planar", "s16le_planar", "pcm_s16le", 2, "s16"},
		{"pcm_s24be_planar", "s24be_planar", "pcm_s24be", 3, "s32"},
		{"s8_planar", "s8_planar", "pcm_s8", 1, "u8"},
		{"fltp", "f32le_planar", "pcm_f32le", 4, "flt"},
		{"u8p", "u8_planar", "pcm_u8", 1, "u8"},
	} {
		want := PCMFormat{Name: c.want, Codec: c.codec, Bytes: c.bytes, Native: c.native, Planar: strings.HasSuffix(c.want, planarSuffix)}
		if got, err := FindPCMFormat(c.name); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, want)
		}
	}
	for _, name := range []string{"", "le", "p", "nonsense", "s16xx", "s16_le", "u8le", "s16le_planar_planar", "pcm_", "_planar", "s12", "s16le\x00"} {
		if f, err := FindPCMFormat(name); err == nil {
			t.Errorf("%q is taken for %+v", name, f)
		}
	}
}

func TestParseChannels(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		mask uint64
	}{
		{"1", 1, 0},
		{"2", 2, 0},
		{"64", 64, 0},
		{"mono", 1, 0x4},
		{"stereo", 2, 0x3},
		{"quad", 4, 0x33},
		{"5.1", 6, 0x3f},
		{"7.1", 8, 0x63f},
		{"FL+FR+LFE", 3, 0xb},
	} {
		if n, mask, err := ParseChannels(c.s); err != nil || n != c.n || mask != c.mask {
			t.Errorf("%s: %d channels, mask %#x, %v; want %d, %#x", c.s, n, mask, err, c.n, c.mask)
		}
	}
	for _, s := range []string{"", "0", "-1", "65", "1.5", "nonsense", "FR+FL", "ambisonic 1", "mono\x00", strings.Repeat("FL+", 1000), "99999999999999999999"} {
		if n, mask, err := ParseChannels(s); err == nil {
			t.Errorf("%.20q: %d channels, mask %#x", s, n, mask)
		}
	}
}

// Whatever is said, a format that is found is found by its own name too.
func FuzzPCMFormat(f *testing.F) {
	for _, s := range []string{"s16", "pcm_s24be_planar", "FLTP", "mulaw", "", "p", "pcm_pcm_u8", "s16lep"} {
		f.Add(s)
	}
	names := PCMFormatNames()
	f.Fuzz(func(t *testing.T, s string) {
		got, err := FindPCMFormat(s)
		if err != nil {
			return
		}
		if again, err := FindPCMFormat(got.Name); err != nil || again != got || !slices.Contains(names, got.Name) || got.Bytes < 1 || got.Bytes > 8 {
			t.Errorf("%q is %+v, which is %+v, %v", s, got, again, err)
		}
	})
}

// Whatever is said of channels, they are between 1 and MaxChannels.
func FuzzChannels(f *testing.F) {
	for _, s := range []string{"2", "stereo", "5.1", "FL+FR", "3C", "0x3f", "ambisonic 2", "FL@x+FR", "7.1(wide)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, mask, err := ParseChannels(s); err == nil && (n < 1 || n > MaxChannels || mask != 0 && bits.OnesCount64(mask) != n) {
			t.Errorf("%q: %d channels, mask %#x", s, n, mask)
		}
	})
}
