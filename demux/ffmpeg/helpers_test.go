package ffmpeg

import (
	"reflect"
	"testing"

	"github.com/asticode/go-astiav"

	"planar/demux"
)

func packetBytes(p *demux.Packet) []byte { return p.Native.(*astiav.Packet).Data() }

// ptr relies on where astiav keeps the C object.
func TestAstiavLayout(t *testing.T) {
	for _, v := range []any{astiav.FormatContext{}, astiav.CodecContext{}, astiav.Packet{}, astiav.Frame{}, astiav.CodecParameters{}} {
		f := reflect.TypeOf(v).Field(0)
		if f.Name != "c" || f.Type.Kind() != reflect.Pointer || f.Offset != 0 {
			t.Errorf("%T begins with %s %v", v, f.Name, f.Type)
		}
	}
}
