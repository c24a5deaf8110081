package carrier

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"github.com/datarhei/gosrt/circular"
	"github.com/datarhei/gosrt/packet"
)

// control is a control packet with a body.
func control(kind packet.CtrlType, sub packet.CtrlSubType, body ...byte) []byte {
	b := make([]byte, srtHeaderSize, srtHeaderSize+len(body))
	binary.BigEndian.PutUint16(b, uint16(kind)|1<<15)
	binary.BigEndian.PutUint16(b[2:], uint16(sub))
	return append(b, body...)
}

// conclusion is the second handshake with all extensions, as the library writes it.
func conclusion(t testing.TB) []byte {
	t.Helper()
	p := packet.NewPacket(nil)
	p.Header().IsControlPacket = true
	km := &packet.CIFKeyMaterialExtension{
		Version: 1, PacketType: 2, Sign: 0x2029, KeyBasedEncryption: packet.EvenKeyEncrypted, Cipher: 2, StreamEncapsulation: 2,
		SLen: 16, KLen: 16, Salt: make([]byte, 16), Wrap: make([]byte, 24),
	}
	err := p.MarshalCIF(&packet.CIFHandshake{
		IsRequest: true, Version: 5, HandshakeType: packet.HSTYPE_CONCLUSION, SRTSocketId: 7,
		InitialPacketSequenceNumber: circular.New(1, packet.MAX_SEQUENCENUMBER), MaxTransmissionUnitSize: 1500,
		HasHS: true, SRTHS: &packet.CIFHandshakeExtension{SRTVersion: gosrt.SRT_VERSION, RecvTSBPDDelay: 350, SendTSBPDDelay: 20},
		HasKM: true, SRTKM: km, HasSID: true, StreamId: "stream",
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Marshal(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// with is a copy in which a number of 32 bits is another one.
func with(b []byte, at int, value uint32) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[at:], value)
	return b
}

func TestPlausible(t *testing.T) {
	good := conclusion(t)
	induction := with(good, srtHeaderSize+20, uint32(packet.HSTYPE_INDUCTION))
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"nothing", nil, false},
		{"a header that is cut off", good[:15], false},
		{"data", make([]byte, 100), false},
		{"a conclusion", good, true},
		{"without extensions", good[:handshakeSize], true},
		{"an extension of 2 bytes", append(bytes.Clone(good), 0, 5), false},
		{"an extension that is cut off", good[:len(good)-4], false},
		{"a handshake that is cut off", good[:handshakeSize-1], false},
		{"version 4", with(good, srtHeaderSize, 4), false},
		{"packets smaller than headers", with(good, srtHeaderSize+12, 10), false},
		{"an induction of version 4", with(induction, srtHeaderSize, 4)[:handshakeSize], true},
		{"a rejection", with(good, srtHeaderSize+20, uint32(gosrt.REJ_BADSECRET))[:handshakeSize], true},
		{"keepalive", control(packet.CTRLTYPE_KEEPALIVE, 0), true},
		{"acknowledgement", control(packet.CTRLTYPE_ACK, 0, make([]byte, 28)...), true},
		{"half a number", control(packet.CTRLTYPE_ACK, 0, 1, 2), false},
		{"losses", control(packet.CTRLTYPE_NAK, 0, 0, 0, 0, 1), true},
		{"half a loss", control(packet.CTRLTYPE_NAK, 0, 0, 0), false},
		{"shutdown", control(packet.CTRLTYPE_SHUTDOWN, 0, 0, 0, 0, 0), true},
		{"ACKACK", control(packet.CTRLTYPE_ACKACK, 0), true},
		{"a key", control(packet.CTRLTYPE_USER, packet.EXTTYPE_KMRSP, make([]byte, 56)...), true},
		{"an extension of version 4", control(packet.CTRLTYPE_USER, packet.EXTTYPE_HSRSP, make([]byte, 12)...), false},
		{"an unknown type", control(99, 0, make([]byte, 12)...), false},
	} {
		if got := plausible(c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReceiverLatency(t *testing.T) {
	good := conclusion(t)
	for _, c := range []struct {
		b    []byte
		want int64
	}{{good, 350}, {good[:handshakeSize], 0}, {with(good, srtHeaderSize+20, uint32(packet.HSTYPE_INDUCTION)), 0}, {control(packet.CTRLTYPE_KEEPALIVE, 0), 0}} {
		if got := receiverLatency(c.b); got != c.want {
			t.Errorf("%d ms, want %d", got, c.want)
		}
	}
}

// What is plausible does not make the library's parsers panic.
func FuzzPlausible(f *testing.F) {
	good := conclusion(f)
	f.Add(good)
	f.Add(append(bytes.Clone(good), 0, 5))
	f.Add(good[:handshakeSize+5])
	f.Add(control(packet.CTRLTYPE_ACK, 0, make([]byte, 28)...))
	f.Add(control(packet.CTRLTYPE_NAK, 0, 0x80, 0, 0, 1, 0x80, 0, 0, 2))
	f.Add(control(packet.CTRLTYPE_USER, packet.EXTTYPE_KMREQ, make([]byte, 56)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !plausible(b) {
			return
		}
		p, err := packet.NewPacketFromData(nil, b)
		if err != nil {
			t.Fatalf("it cannot be read at all: %v", err)
		}
		_ = receiverLatency(b)
		defer p.Decommission()
		// Whatever it says it is, but a handshake.
		for _, cif := range []packet.CIF{
			&packet.CIFACK{}, &packet.CIFNAK{}, &packet.CIFShutdown{}, &packet.CIFKeyMaterialExtension{}, &packet.CIFHandshakeExtension{},
		} {
			if p.UnmarshalCIF(cif) == nil {
				_ = cif.String()
			}
		}
		if p.Header().ControlType == packet.CTRLTYPE_HANDSHAKE {
			cif := &packet.CIFHandshake{}
			if p.UnmarshalCIF(cif) == nil && cif.HandshakeType == packet.HSTYPE_CONCLUSION && (cif.Version != 5 || cif.MaxTransmissionUnitSize < gosrt.MIN_MSS_SIZE) {
				t.Errorf("version %d, packets of %d bytes", cif.Version, cif.MaxTransmissionUnitSize)
			}
		}
	})
}

// A listener whose handshake is damaged harms nobody but itself.
func TestSRTCallDamaged(t *testing.T) {
	t.Parallel()
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	damaged := make(chan bool, 1)
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := l.ReadFromUDP(b)
			if err != nil {
				return
			}
			if n < handshakeSize {
				continue
			}
			id := binary.BigEndian.Uint32(b[srtHeaderSize+24:])
			if handshakeType(b) == packet.HSTYPE_INDUCTION {
				answer := with(with(b[:n], 12, id), srtHeaderSize, 5)
				binary.BigEndian.PutUint16(answer[srtHeaderSize+6:], 0x4A17)
				_, _ = l.WriteToUDP(answer, from)
				continue
			}
			answer := with(b[:n], 12, id)
			_, _ = l.WriteToUDP(append(answer, 0, 5), from)                           // out of range
			_, _ = l.WriteToUDP(answer[:n-2], from)                                   //
			_, _ = l.WriteToUDP(with(answer, srtHeaderSize+12, 10), from)             // 4 GB
			_, _ = l.WriteToUDP(append(answer[:handshakeSize], 1, 2, 3), from)        // out of range
			_, _ = l.WriteToUDP(control(packet.CTRLTYPE_NAK, 0, 1, 2, 3), from)       //
			_, _ = l.WriteToUDP([]byte{0x80}, from)                                   //
			_, _ = l.WriteToUDP(bytes.Repeat([]byte{0x80}, 3000), from)               // too long
			_, _ = l.WriteToUDP(with(answer, srtHeaderSize, 4)[:handshakeSize], from) // version 4
			select {
			case damaged <- true:
			default:
			}
		}
	}()
	_, err = newTarget(t, "srt://"+l.LocalAddr().String(), func(o *Options) { o.Timeout = 500 * time.Millisecond }).Connect(context.Background(), nil)
	failed(t, err, false, "nothing came from 127.0.0.1 within 0.5 s")
	select {
	case <-damaged:
	default:
		t.Error("the second handshake was not asked for")
	}
}

// Nor does a caller: the next one is served.
func TestSRTListenDamaged(t *testing.T) {
	t.Parallel()
	port := freeUDP(t)
	to := newTarget(t, fmt.Sprintf("srt://:%d?mode=listener", port))
	if p, ok := to.(interface{ Patient() bool }); !ok || !p.Patient() {
		t.Error("a listener is not patient")
	}
	if newTarget(t, "srt://host:1").(*target).Patient() {
		t.Error("a caller is patient")
	}
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() { // more callers than there are places for, none of them with a true handshake
		defer close(stopped)
		good := conclusion(t)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			c, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				continue
			}
			for _, b := range [][]byte{append(bytes.Clone(good), 0, 5), good[:len(good)-2], with(good, srtHeaderSize, 4), good, {1}} {
				_, _ = c.Write(b)
			}
			c.Close()
		}
	}()
	got := make(chan []byte, 1)
	go func() {
		time.Sleep(200 * time.Millisecond)
		got <- receiveSRT(port)
	}()
	c := connect(t, to)
	close(stop)
	<-stopped
	want := send(t, c, 1000, 50_000)
	if b := <-got; !bytes.Equal(unpack(t, b), want) {
		t.Errorf("%d bytes came, others than were sent", len(b))
	}
}

// Errors of a listener without a host name no address twice.
func TestSRTListenerNames(t *testing.T) {
	t.Parallel()
	to := newTarget(t, fmt.Sprintf("srt://:%d?mode=listener", freeUDP(t))).(*target)
	if s := to.peer.Explain(net.ErrClosed, 0).Error(); strings.Count(s, "srt://") != 1 {
		t.Errorf("%s", s)
	}
}

// The port of a listener is its own.
func TestSRTListenerTwice(t *testing.T) {
	t.Parallel()
	busy, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	_, err = newTarget(t, fmt.Sprintf("srt://%s?mode=listener", busy.LocalAddr())).Connect(context.Background(), nil)
	failed(t, err, false, "that port is in use already")
}
