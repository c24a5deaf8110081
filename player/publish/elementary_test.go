package publish

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"planar/demux"
)

func TestElementary(t *testing.T) {
	sps2 := []byte{0x67, 9, 9}
	hevc := func(kind byte, rest ...byte) []byte { return append([]byte{kind << 1, 1}, rest...) }
	vps, hsps, hpps, cra := hevc(32, 1), hevc(33, 2), hevc(34, 3), hevc(21, 4)
	hvcC := append(make([]byte, 21), 1, 3) // lengths of 2 bytes, 3 arrays
	hvcC[0] = 1
	for _, n := range [][]byte{vps, hsps, hpps} {
		hvcC = append(append(hvcC, n[0]>>1, 0, 1, 0, byte(len(n))), n...)
	}
	adts := func(n int) []byte { // one header and n bytes, AAC-LC 48 kHz stereo
		size := n + 7
		h := []byte{0xFF, 0xF1, 0x4C, 0x80 | byte(size>>11), byte(size >> 3), byte(size<<5) | 0x1F, 0xFC}
		return append(h, bytes.Repeat([]byte{0x21}, n)...)
	}
	tests := []struct {
		name   string
		codec  string
		config []byte
		key    bool
		data   []byte
		want   [][]byte // the data of units
		isKey  bool
		known  []byte // Config afterwards
	}{
		{"avcC, a key picture", "h264", avcC(), true, prefixed(aud, idr(1)), [][]byte{annexB(sps, pps, idr(1))}, true, annexB(sps, pps)},
		{"avcC, another picture", "h264", avcC(), false, prefixed(slice(1)), [][]byte{annexB(slice(1))}, false, annexB(sps, pps)},
		{"sets of its own", "h264", avcC(), true, prefixed(sps2, pps, idr(1)), [][]byte{annexB(sps2, pps, idr(1))}, true, annexB(sps2, pps)},
		{"one set of its own", "h264", avcC(), true, prefixed(sps2, idr(1)), [][]byte{annexB(sps2, pps, idr(1))}, true, annexB(sps2, pps)},
		{"a recovery point that the container marks", "h264", avcC(), true, prefixed(slice(1)), [][]byte{annexB(sps, pps, slice(1))}, true, annexB(sps, pps)},
		{"Annex B with sets", "h264", annexB(sps, pps), true, annexB(aud, sps, pps, idr(1)), [][]byte{annexB(sps, pps, idr(1))}, true, annexB(sps, pps)},
		{"Annex B, sets only in the stream", "h264", nil, true, append([]byte{0, 0, 1}, annexB(sps, pps, idr(1))[4:]...), [][]byte{annexB(sps, pps, idr(1))}, true, annexB(sps, pps)},
		{"Annex B without sets", "h264", nil, true, annexB(idr(1)), [][]byte{annexB(idr(1))}, true, nil},
		{"only a delimiter", "h264", avcC(), false, prefixed(aud), nil, false, annexB(sps, pps)},
		{"hvcC", "hevc", hvcC, true, append([]byte{0, byte(len(cra))}, cra...), [][]byte{annexB(vps, hsps, hpps, cra)}, true, annexB(vps, hsps, hpps)},
		{"raw AAC", "aac", asc, true, []byte{0x21, 7}, [][]byte{{0x21, 7}}, true, asc},
		{"AAC without configuration", "aac", nil, true, []byte{0x21, 7}, nil, true, nil},
		{"two of ADTS", "aac", nil, true, append(adts(5), adts(6)...), [][]byte{bytes.Repeat([]byte{0x21}, 5), bytes.Repeat([]byte{0x21}, 6)}, true, asc},
		{"Opus", "opus", nil, true, []byte{0xFC, 1}, [][]byte{{0xFC, 1}}, true, nil},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			kind := demux.Video
			if c.codec == "aac" || c.codec == "opus" {
				kind = demux.Audio
			}
			e, err := newElementary(demux.Stream{Kind: kind, Codec: c.codec, Config: c.config})
			if err != nil {
				t.Fatal(err)
			}
			data := bytes.Clone(c.data)
			units, err := e.units(&demux.Packet{PTS: time.Second, DTS: time.Second, Key: c.key, Data: data})
			if err != nil {
				t.Fatal(err)
			}
			clear(data) // they have memory of their own
			var got [][]byte
			for i, u := range units {
				got = append(got, u.Data)
				if u.Key != c.isKey {
					t.Errorf("key %t", u.Key)
				}
				if want := time.Second + time.Duration(i)*1024*time.Second/48000; u.PTS != want || u.DTS != want {
					t.Errorf("PTS %v, DTS %v, want %v", u.PTS, u.DTS, want)
				}
			}
			if !slices.EqualFunc(got, c.want, bytes.Equal) {
				t.Errorf("got % x\nwant % x", got, c.want)
			}
			if !bytes.Equal(e.stream.Config, c.known) {
				t.Errorf("Config % x, want % x", e.stream.Config, c.known)
			}
		})
	}
}

func TestElementaryDamaged(t *testing.T) {
	tests := []struct {
		name, codec  string
		config, data []byte
	}{
		{"a length beyond the end", "h264", avcC(), []byte{0, 0, 1, 0, 0x65}},
		{"a length cut short", "h264", avcC(), []byte{0, 0}},
		{"too many NAL units", "h264", avcC(), bytes.Repeat([]byte{0, 0, 0, 1, 0x41}, maxNALUs+2)},
		{"too many, Annex B", "h264", nil, bytes.Repeat([]byte{0, 0, 1, 0x41}, maxNALUs+2)},
		{"half an ADTS header", "aac", nil, []byte{0xFF, 0xF1, 0x4C}},
	}
	for _, c := range tests {
		e, err := newElementary(demux.Stream{Codec: c.codec, Config: c.config})
		if err != nil {
			t.Fatal(err)
		}
		if units, err := e.units(&demux.Packet{Data: c.data}); err == nil {
			t.Errorf("%s: %d units, no error", c.name, len(units))
		}
	}
	for _, conf := range [][]byte{{1}, avcC()[:9], {1, 0, 0, 0, 0xFF, 0xE1, 0xFF, 0xFF, 0}} {
		if _, err := newElementary(demux.Stream{Codec: "h264", Config: conf}); err == nil {
			t.Errorf("configuration % x: no error", conf)
		}
	}
}

func FuzzElementary(f *testing.F) {
	f.Add(byte(0), avcC(), prefixed(aud, sps, pps, idr(1)))
	f.Add(byte(0), annexB(sps, pps), annexB(aud, idr(1), slice(2)))
	f.Add(byte(1), []byte(nil), annexB([]byte{0x40, 1, 2}, []byte{0x2A, 1, 2}))
	f.Add(byte(2), asc, []byte{0xFF, 0xF1, 0x4C, 0x80, 1, 0x7F, 0xFC, 1, 2})
	f.Fuzz(func(t *testing.T, codec byte, config, data []byte) {
		e, err := newElementary(demux.Stream{Codec: []string{"h264", "hevc", "aac"}[codec%3], Config: config})
		if err != nil {
			return
		}
		units, _ := e.units(&demux.Packet{PTS: demux.NoPTS, DTS: demux.NoPTS, Data: data})
		again, _ := e.units(&demux.Packet{PTS: time.Second, DTS: demux.NoPTS, Key: true, Data: data})
		for _, u := range append(units, again...) {
			if e.nal == nil {
				continue
			}
			if nalus, err := SplitAnnexB(u.Data); err != nil || len(u.NALUs) == 0 {
				t.Fatalf("%d NAL units, split again: %d, %v", len(u.NALUs), len(nalus), err)
			}
			for _, n := range u.NALUs {
				if len(n) == 0 {
					t.Fatal("an empty NAL unit")
				}
			}
		}
	})
}

func FuzzSplitAnnexB(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x67, 0, 0, 1, 0x68, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		nalus, err := SplitAnnexB(b)
		if err != nil {
			return // too many
		}
		for _, n := range nalus {
			if len(n) == 0 || n[len(n)-1] == 0 {
				t.Errorf("%x has part %x", b, n)
			}
		}
	})
}
