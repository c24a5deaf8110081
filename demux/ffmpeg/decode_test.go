package ffmpeg

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"planar/demux"
	"planar/render"
)

func TestDecodeEqualsFFmpeg(t *testing.T) {
	src := pattern("320x240", "25", 2)
	odd := pattern("351x289", "25", 1)
	snd := tone(2, 48000)
	f := strings.Fields
	for name, args := range map[string][]string{
		"plain.mp4":    with(src, snd, f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 -c:a aac")),
		"edit.mp4":     with(f("-ss 0.5"), f("-i"), []string{mp4(t)}, f("-c copy -t 2")),
		"b.mkv":        with(src, snd, f("-pix_fmt yuv444p -c:v libx264 -preset ultrafast -bf 3 -c:a libopus")),
		"mpeg2.ts":     with(src, snd, f("-pix_fmt yuv420p -c:v mpeg2video -bf 2 -c:a mp2")),
		"h264.ts":      with(src, snd, f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 -c:a aac")),
		"h264.flv":     with(src, snd, f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -c:a aac -ar 44100")),
		"vp9.webm":     with(pattern("160x120", "25", 1), f("-pix_fmt yuv420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8")),
		"prores.mov":   with(pattern("320x240", "25", 0.5), f("-pix_fmt yuv422p10le -c:v prores_ks")),
		"ffv1.mkv":     with(odd, f("-pix_fmt yuv420p10le -c:v ffv1")),
		"mjpeg.avi":    with(odd, f("-pix_fmt yuvj422p -c:v mjpeg")),
		"raw.avi":      with(odd, f("-pix_fmt bgr24 -c:v rawvideo")),
		"raw422.mov":   with(pattern("322x240", "25", 0.5), f("-pix_fmt uyvy422 -c:v rawvideo")),
		"pal.mkv":      with(odd, f("-frames:v 5 -filter_complex split[a][b];[a]palettegen[p];[b][p]paletteuse -pix_fmt pal8 -c:v png")),
		"odd.y4m":      with(odd, f("-pix_fmt yuv420p")),
		"grey.mkv":     with(odd, f("-pix_fmt gray10le -c:v ffv1")),
		"gbrp.mkv":     with(odd, f("-pix_fmt gbrp -c:v ffv1")),
		"oddh264.mp4":  with(odd, f("-vf crop=350:288 -pix_fmt yuv420p -c:v libx264 -preset ultrafast")),
		"vfr.mkv":      with(src, f("-vf select='not(eq(mod(n\\,3)\\,1))' -fps_mode vfr -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2")),
		"sar.mp4":      with(src, f("-vf setsar=16/11 -pix_fmt yuv420p -c:v libx264 -preset ultrafast")),
		"gif.gif":      with(pattern("64x48", "10", 1)),
		"interlac.mp4": with(src, f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -flags +ildct+ilme")),
	} {
		t.Run(name, func(t *testing.T) {
			path := clip(t, name, args...)
			want := reference(t, path)
			s := open(t, path, Options{})
			st := firstOf(t, s, demux.Video)
			n, last := 0, demux.NoPTS
			decodeVideo(t, s, st.Index, func(fr *demux.Frame) bool {
				if got := sum(visible(&fr.Picture)); n < len(want) && got != want[n] {
					t.Errorf("frame %d of %s: md5 %s, ffmpeg %s", n, fr.Format, got, want[n])
					return false
				}
				if fr.PTS == demux.NoPTS || fr.PTS <= last {
					t.Errorf("frame %d: PTS %v after %v", n, fr.PTS, last)
				}
				if n == 0 && (fr.PTS < 0 || fr.PTS > 100*time.Millisecond) {
					t.Errorf("first PTS %v", fr.PTS)
				}
				last = fr.PTS
				n++
				return true
			})
			if n != len(want) {
				t.Errorf("%d frames, ffmpeg has %d", n, len(want))
			}
		})
	}
}

func TestMidStreamSizeChange(t *testing.T) {
	var cat []byte
	for _, size := range []string{"320x240", "640x360", "160x120"} {
		p := clip(t, "part"+size+".ts", with(pattern(size, "25", 0.6), strings.Fields("-pix_fmt yuv420p -c:v libx264 -preset ultrafast"))...)
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		cat = append(cat, b...)
	}
	path := filepath.Join(t.TempDir(), "sizes.ts")
	if err := os.WriteFile(path, cat, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Options{})
	sizes := map[int]int{}
	decodeVideo(t, s, firstOf(t, s, demux.Video).Index, func(f *demux.Frame) bool {
		sizes[f.Width]++
		if len(visible(&f.Picture)) != f.Width*f.Height*3/2 {
			t.Errorf("%dx%d: %d bytes", f.Width, f.Height, len(visible(&f.Picture)))
		}
		return true
	})
	if sizes[320] != 15 || sizes[640] != 15 || sizes[160] != 15 {
		t.Errorf("frames by width: %v, want 15 of each", sizes)
	}
}

func TestStreamFacts(t *testing.T) {
	f := strings.Fields
	plain := clip(t, "facts.mp4", with(pattern("320x240", "30000/1001", 1), tone(1, 48000),
		f("-vf setsar=16/11 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv -c:a aac -ac 2"))...)
	s := open(t, plain, Options{})
	v, a := firstOf(t, s, demux.Video), firstOf(t, s, demux.Audio)
	if v.FrameRate != (render.Rational{Num: 30000, Den: 1001}) || v.SAR != (render.Rational{Num: 16, Den: 11}) ||
		v.Codec != "h264" || v.Width != 320 || v.PixelFormat != "yuv420p" || v.Still ||
		v.Colour.Matrix != render.BT709 || v.Colour.Range != render.Limited {
		t.Errorf("video %+v", v)
	}
	if a.Codec != "aac" || a.Sound.Rate != 48000 || a.Sound.Channels != 2 || a.Sound.Sample != "fltp" {
		t.Errorf("sound %+v", a)
	}
	if i := s.Info(); !i.Seekable || i.Live || i.Duration < 900*time.Millisecond || i.Duration > 1200*time.Millisecond {
		t.Errorf("info %+v", i)
	}

	for _, deg := range []string{"90", "180", "270"} {
		p := clip(t, "rot"+deg+".mp4", f("-i "+plain+" -c copy -metadata:s:v:0 rotate="+deg)...)
		s := open(t, p, Options{})
		v := firstOf(t, s, demux.Video)
		// FFmpeg 5.1 writes this option as a turn counterclockwise, and its own
		// autorotation undoes it that way round.
		want := map[string]int{"90": 270, "180": 180, "270": 90}[deg]
		if v.Rotation != want {
			t.Errorf("rotate=%s: rotation %d, want %d", deg, v.Rotation, want)
		}
		decodeVideo(t, s, v.Index, func(f *demux.Frame) bool {
			if f.Rotation != want || f.SAR != v.SAR || f.Colour.Matrix != render.BT709 {
				t.Errorf("frame: rotation %d, SAR %v, colour %v", f.Rotation, f.SAR, f.Colour)
			}
			return false
		})
	}
}

func TestAttachedPictureIsStill(t *testing.T) {
	png := clip(t, "cover.png", with(pattern("64x64", "1", 1), []string{"-frames:v", "1"})...)
	p := clip(t, "cover.mp3", with([]string{"-i", png}, tone(2, 44100),
		strings.Fields("-map 1:a -map 0:v -c:a libmp3lame -c:v copy -id3v2_version 3 -disposition:v attached_pic"))...)
	s := open(t, p, Options{})
	if v := firstOf(t, s, demux.Video); !v.Still {
		t.Errorf("cover art is not a still: %+v", v)
	}
	if v := firstOf(t, open(t, png, Options{}), demux.Video); !v.Still {
		t.Errorf("a PNG is not a still: %+v", v)
	}
}

// decodeSound returns all samples of a stream, interleaved.
func decodeSound(t testing.TB, s *Source) (pcm []byte, blocks int) {
	t.Helper()
	st := firstOf(t, s, demux.Audio)
	d, err := s.AudioDecoder(st.Index)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s.Select(st.Index)
	var r *Resampler
	for {
		p, err := s.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := d.Send(p); err != nil {
			t.Fatal(err)
		}
		p.Release()
		for {
			b, err := d.Receive()
			if errors.Is(err, demux.ErrAgain) {
				break
			}
			if errors.Is(err, io.EOF) {
				if r != nil {
					r.Close()
				}
				return pcm, blocks
			}
			if err != nil {
				t.Fatal(err)
			}
			if r == nil {
				out := b.Format
				out.Sample = "flt"
				if r, err = NewResampler(b.Format, out, 1); err != nil {
					t.Fatal(err)
				}
			}
			got, err := r.Convert(b)
			if err != nil {
				t.Fatal(err)
			}
			pcm = append(pcm, got...)
			b.Release()
			blocks++
		}
	}
}

func TestSoundEqualsFFmpeg(t *testing.T) {
	snd := tone(1.5, 44100)
	for name, args := range map[string]string{
		"s.m4a": "-c:a aac -ac 2", "s.mp3": "-c:a libmp3lame -ac 2", "s.flac": "-c:a flac", "s.ogg": "-ar 48000 -c:a libopus -ac 2",
		"s.wav": "-c:a pcm_s24le -ac 2", "s51.wav": "-ac 6",
	} {
		t.Run(name, func(t *testing.T) {
			p := clip(t, name, with(snd, strings.Fields(args))...)
			want := ffmpegCLI(t, "-i", p, "-f", "f32le", "-")
			got, _ := decodeSound(t, open(t, p, Options{}))
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes, ffmpeg %d; equal: %v", len(got), len(want), bytes.Equal(got, want))
			}
		})
	}
}

func TestSeekIsExact(t *testing.T) {
	f := strings.Fields
	enc := f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 -g 30 -sc_threshold 0 -c:a aac")
	for _, ext := range []string{"mp4", "mkv", "ts", "mov", "flv", "mpg", "avi"} {
		t.Run(ext, func(t *testing.T) {
			enc := enc
			switch ext {
			case "mpg":
				enc = f("-pix_fmt yuv420p -c:v mpeg2video -bf 2 -g 30 -c:a mp2")
			case "avi":
				enc = f("-pix_fmt yuv420p -c:v mpeg4 -g 30 -c:a libmp3lame")
			}
			p := clip(t, "seek."+ext, with(pattern("160x120", "25", 10), tone(10, 44100), enc)...)
			s := open(t, p, Options{})
			v := firstOf(t, s, demux.Video)
			d, err := s.VideoDecoder(v.Index)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			// What the frames are, in order.
			var all []time.Duration
			collect(t, s, d, v.Index, func(fr *demux.Frame) bool { all = append(all, fr.PTS); return true })
			if len(all) != 250 {
				t.Fatalf("%d frames", len(all))
			}
			for i := range 60 {
				n := (i*97 + 13) % len(all)
				want := all[n]
				if err := s.Seek(want); err != nil {
					t.Fatalf("seek to %v: %v", want, err)
				}
				d.Flush()
				first := true
				hit := false
				var got []time.Duration
				collectFrom(t, s, d, v.Index, func(p *demux.Packet) {
					if first && p.Time() > want {
						t.Errorf("seek to %v: first packet at %v", want, p.Time())
					}
					first = false
				}, func(fr *demux.Frame) bool {
					hit = hit || fr.PTS == want
					got = append(got, fr.PTS)
					return fr.PTS < want
				})
				if !hit {
					t.Errorf("seek to %v (frame %d): it was not decoded, but %v", want, n, got)
				}
			}
			if err := s.Seek(time.Hour); err != nil {
				t.Errorf("seek past the end: %v", err)
			}
			if err := s.Seek(-time.Hour); err != nil {
				t.Errorf("seek before the beginning: %v", err)
			}
			n := 0
			d.Flush()
			collect(t, s, d, v.Index, func(*demux.Frame) bool { n++; return true })
			if n != 250 {
				t.Errorf("%d frames after seeking home", n)
			}
		})
	}
}

func collect(t testing.TB, s *Source, d demux.VideoDecoder, stream int, f func(*demux.Frame) bool) {
	t.Helper()
	collectFrom(t, s, d, stream, func(*demux.Packet) {}, f)
}

func collectFrom(t testing.TB, s *Source, d demux.VideoDecoder, stream int, seen func(*demux.Packet), f func(*demux.Frame) bool) {
	t.Helper()
	for {
		p, err := s.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if p != nil && p.Stream != stream {
			p.Release()
			continue
		}
		if p != nil {
			seen(p)
		}
		if err := d.Send(p); err != nil {
			t.Fatalf("send: %v", err)
		}
		p.Release()
		for {
			fr, err := d.Receive()
			if errors.Is(err, demux.ErrAgain) {
				break
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			more := f(fr)
			fr.Release()
			if !more {
				return
			}
		}
	}
}

func TestPacketsWithData(t *testing.T) {
	p := mp4(t)
	raw := clip(t, "annexb.h264", strings.Fields("-i "+p+" -c:v copy -an -bsf:v h264_mp4toannexb -f h264")...)
	want := reference(t, raw)
	s := open(t, raw, Options{})
	d, err := NewVideoDecoder(VideoParams{Codec: "h264", Live: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	n := 0
	drain := func() bool {
		for {
			fr, err := d.Receive()
			if err != nil {
				return errors.Is(err, io.EOF)
			}
			if n < len(want) && sum(visible(&fr.Picture)) != want[n] {
				t.Errorf("frame %d differs", n)
			}
			fr.Release()
			n++
		}
	}
	for {
		pk, err := s.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		q := &demux.Packet{PTS: demux.NoPTS, DTS: pk.DTS, Key: pk.Key, Data: packetBytes(pk)}
		if err := d.Send(q); err != nil {
			t.Fatal(err)
		}
		pk.Release()
		drain()
	}
	if err := d.Send(nil); err != nil {
		t.Fatal(err)
	}
	drain()
	if n != len(want) {
		t.Errorf("%d frames, want %d", n, len(want))
	}
}

// Damage costs frames, not the rest of the stream.
func TestDamagedPackets(t *testing.T) {
	whole, err := os.ReadFile(clip(t, "hurt.ts", with(pattern("320x240", "25", 4), strings.Fields("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 25 -bf 2"))...))
	if err != nil {
		t.Fatal(err)
	}
	x := uint32(7)
	for i := len(whole) / 4; i < len(whole)/2; i++ {
		x = x*1664525 + 1013904223
		if x>>25 == 0 && i%188 > 8 {
			whole[i] ^= byte(x >> 8)
		}
	}
	path := filepath.Join(t.TempDir(), "hurt.ts")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Options{})
	n, last := 0, time.Duration(0)
	decodeVideo(t, s, firstOf(t, s, demux.Video).Index, func(f *demux.Frame) bool {
		n, last = n+1, f.PTS
		return true
	})
	if n < 60 || last < 3*time.Second {
		t.Errorf("%d frames, the last at %v", n, last)
	}
}

// A file that ends early plays as far as it goes.
func TestTruncated(t *testing.T) {
	p := clip(t, "faststart.mp4", strings.Fields("-i "+mp4(t)+" -c copy -movflags +faststart")...)
	whole, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.mp4")
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Options{})
	n := 0
	for {
		pk, err := s.Read()
		if err != nil {
			if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "damaged data") {
				t.Errorf("%v", err)
			}
			break
		}
		n++
		pk.Release()
	}
	if n < 100 {
		t.Errorf("%d packets", n)
	}
}

func BenchmarkDecode1080p(b *testing.B) {
	p := clip(b, "bench.mp4", with(pattern("1920x1080", "25", 4), strings.Fields("-pix_fmt yuv420p -c:v libx264 -preset veryfast"))...)
	b.ReportAllocs()
	for b.Loop() {
		s := open(b, p, Options{})
		n := 0
		decodeVideo(b, s, firstOf(b, s, demux.Video).Index, func(*demux.Frame) bool { n++; return true })
		_ = s.Close()
		b.ReportMetric(float64(n), "frames")
	}
}

func BenchmarkOpen(b *testing.B) {
	p := mp4(b)
	for b.Loop() {
		s, err := Open(b.Context(), p, Options{})
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
