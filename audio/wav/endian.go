package wav

import "encoding/binary"

// bigEndian tells whether samples must be turned round: WAVE files are little-endian.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1
