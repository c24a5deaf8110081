package rtsp

import "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

// recoveryPoint is the payload type of the SEI message by which an encoder says
// that decoding can begin there: ITU-T H.264 section D.2.8, H.265 section D.3.8.
const recoveryPoint = 6

// seiBound is how much of a SEI NAL unit is looked at, in bytes: user data may be
// long, and the message sought is short and comes early.
const seiBound = 4096

// recoveryCount looks through the messages of a SEI NAL unit (without its header,
// H.264 section 7.3.2.3) for a recovery point. Its count is how many frames later
// the pictures are right: recovery_frame_cnt of H.264, 0 to 65535, or
// recovery_poc_cnt of H.265, which is signed and of 16 bits.
func recoveryCount(b []byte, signed bool) (count int, ok bool) {
	b = h264.EmulationPreventionRemove(b[:min(len(b), seiBound)])
	for len(b) >= 2 && b[0] != 0x80 { // the trailing bits
		var kind, size int
		if kind, b, ok = byteSum(b); !ok {
			return 0, false
		}
		if size, b, ok = byteSum(b); !ok || size > len(b) {
			return 0, false
		}
		if kind != recoveryPoint {
			b = b[size:]
			continue
		}
		count, ok = expGolomb(b[:size])
		if signed {
			count = (count + 1) / 2 * (count%2*2 - 1) // 1, 2, 3, 4 are 1, -1, 2, -2
			return count, ok && count >= -1<<15 && count < 1<<15
		}
		return count, ok && count < 1<<16
	}
	return 0, false
}

// byteSum reads a number that is coded as a row of 0xFF and one byte below.
func byteSum(b []byte) (n int, rest []byte, ok bool) {
	for i, v := range b {
		n += int(v)
		if v != 0xFF {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}

// expGolomb reads an ue(v) of up to 17 leading zeros, H.264 section 9.1: more than
// any count needs.
func expGolomb(b []byte) (int, bool) {
	bit := func(i int) int {
		if i/8 >= len(b) {
			return -1
		}
		return int(b[i/8]) >> (7 - i%8) & 1
	}
	zeros := 0
	for bit(zeros) == 0 {
		if zeros++; zeros > 17 {
			return 0, false
		}
	}
	n := 0
	for i := zeros; i <= 2*zeros; i++ {
		v := bit(i)
		if v < 0 {
			return 0, false
		}
		n = n<<1 | v
	}
	return n - 1, true
}
