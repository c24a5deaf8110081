package rtsp

// recoveryPoint is the payload type of the SEI message by which an encoder says
// that decoding can begin there: ITU-T H.264 section D.2.8, H.265 section D.3.8.
const recoveryPoint = 6

// seiBound is how much of a SEI NAL unit is looked at: user data may be long, and
// the message sought is short and comes early.
const seiBound = 4096

// hasRecoveryPoint looks through the messages of a SEI NAL unit without its header,
// H.264 section 7.3.2.3.
func hasRecoveryPoint(b []byte) bool {
	b = unescape(b[:min(len(b), seiBound)])
	for len(b) >= 2 && b[0] != 0x80 { // the trailing bits
		var kind, size int
		var ok bool
		if kind, b, ok = seiNumber(b); !ok {
			return false
		}
		if size, b, ok = seiNumber(b); !ok {
			return false
		}
		if kind == recoveryPoint {
			return size > 0 && len(b) > 0
		}
		if size >= len(b) {
			return false
		}
		b = b[size:]
	}
	return false
}

// seiNumber reads a number that is coded as a row of 0xFF and one byte below.
func seiNumber(b []byte) (n int, rest []byte, ok bool) {
	for i, v := range b {
		n += int(v)
		if v != 0xFF {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}

// unescape takes out emulation prevention bytes, H.264 section 7.4.1.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	zeros := 0
	for _, v := range b {
		if zeros >= 2 && v == 3 {
			zeros = 0
			continue
		}
		if v == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, v)
	}
	return out
}
