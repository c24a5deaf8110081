package rtsp

import (
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
)

// feedback is what a sender listens to, RFC 4585 section 4.2 and RFC 5104 section 7.1.
type feedback struct{ pli, fir bool }

// offer is what a session description says that the library does not pass on.
type offer struct {
	feedback map[string]feedback // by the medium's control attribute
	length   time.Duration       // 0: live
}

// read reads a description; one that makes no sense says nothing.
func (o *offer) read(body []byte) {
	sd, err := sdpunmarshaler.Unmarshal(body)
	if err != nil {
		return
	}
	*o = offer{feedback: map[string]feedback{}}
	for _, a := range sd.Attributes {
		if a.Key == "range" {
			o.length = rangeLength(a.Value)
		}
	}
	for _, m := range sd.MediaDescriptions {
		var f feedback
		control := ""
		for _, a := range m.Attributes {
			switch a.Key {
			case "control":
				control = a.Value
			case "range":
				o.length = max(o.length, rangeLength(a.Value))
			case "rtcp-fb":
				// "96 nack pli", "* ccm fir"
				_, what, _ := strings.Cut(a.Value, " ")
				f.pli = f.pli || what == "nack pli"
				f.fir = f.fir || what == "ccm fir"
			}
		}
		o.feedback[control] = f
	}
}

// rangeLength is the length of a range such as "npt=0-30.5", RFC 2326 section
// C.1.5; 0 for one that is open.
func rangeLength(value string) time.Duration {
	var r headers.Range
	if r.Unmarshal([]string{value}) != nil {
		return 0
	}
	npt, ok := r.Value.(*headers.RangeNPT)
	if !ok || npt.End == nil {
		return 0
	}
	return max(0, *npt.End-npt.Start)
}
