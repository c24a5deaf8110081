package ffmpeg

import "bytes"

// units calls f with the NAL units of an Annex B byte stream (ITU-T H.264 B.1), from
// the first byte after the start code, and with where the start code begins.
func units(b []byte, f func(unit []byte, at int)) {
	start, at := -1, 0
	for i := 0; ; {
		n := bytes.Index(b[i:], []byte{0, 0, 1})
		end := len(b)
		if n >= 0 {
			end = i + n
		}
		if start >= 0 {
			f(bytes.TrimRight(b[start:end], "\x00"), at) // a unit never ends in zeros
		}
		if n < 0 {
			return
		}
		if at = end; at > 0 && b[at-1] == 0 {
			at--
		}
		i = end + 3
		start = i
	}
}

// unitType is the type of a NAL unit, -1 of an empty one.
func unitType(unit []byte, codec string) int {
	switch {
	case len(unit) == 0:
		return -1
	case codec == "hevc":
		return int(unit[0] >> 1 & 63)
	}
	return int(unit[0] & 31)
}

// isParameterSet reports whether a NAL unit of this type is an SPS, PPS or VPS.
func isParameterSet(t int, codec string) bool {
	if codec == "hevc" {
		return t >= 32 && t <= 34
	}
	return t == 7 || t == 8
}

// isLitter reports whether a NAL unit of this type is an access unit delimiter or
// what x264 and x265 say about themselves: with a global header, FFmpeg puts that
// before the first parameter sets. Neither encoder writes other messages (SEI) that a
// decoder needs, as we set them.
func isLitter(t int, codec string) bool {
	if codec == "hevc" {
		return t == 35
	}
	return t == 9 || t == 6
}

// parameterSets is the parameter sets of an Annex B byte stream, each with a start
// code of four bytes.
func parameterSets(b []byte, codec string) []byte {
	var sets []byte
	units(b, func(u []byte, _ int) {
		if isParameterSet(unitType(u, codec), codec) {
			sets = append(append(sets, 0, 0, 0, 1), u...)
		}
	})
	return sets
}

// stripUnits takes litter out of an access unit, in its own memory.
func stripUnits(b []byte, codec string) []byte {
	out, from, litter := b[:0], 0, false
	units(b, func(u []byte, at int) {
		if !litter {
			out = append(out, b[from:at]...)
		}
		from, litter = at, isLitter(unitType(u, codec), codec)
	})
	if litter {
		return out
	}
	return append(out, b[from:]...)
}
