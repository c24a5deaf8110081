package main

import (
	"fmt"
	"math"
)

// A colour is Y'CbCr in BT.601, limited range.
type colour [3]uint8

var (
	black = colour{16, 128, 128}
	white = colour{235, 128, 128}
	dim   = colour{58, 132, 124} // background
	line  = colour{96, 132, 124}
	panel = colour{28, 130, 127}
	text  = colour{210, 128, 128}
	sweep = colour{150, 90, 160}
	bars  = [8]colour{ // 75 % bars
		{180, 128, 128},
		{162, 44, 142},
		{131, 156, 44},
		{112, 72, 58},
		{84, 184, 198},
		{65, 100, 212},
		{35, 212, 114},
		{16, 128, 128},
	}
)

const (
	centreX, centreY = width / 2, height / 2
	discRadius       = 116
	ringInner        = 119
	ringOuter        = 133
	cell             = 16 // grid; divides both sides of the picture
)

// flashLevel is in 256ths by frame since the second began: one frame of full
// white marks the instant, the rest only softens it for the eye.
var flashLevel = [...]int{256, 72, 24, 8}

// A card draws frames. It works in 4:4:4 and averages chroma at the end, so
// that nothing drawn has to sit on even coordinates.
type card struct {
	still []colour // what does not change
	disc  []uint8  // coverage in 16ths
	ring  []uint8
	now   []colour
}

func newCard() *card {
	c := &card{
		still: make([]colour, width*height),
		disc:  make([]uint8, width*height),
		ring:  make([]uint8, width*height),
		now:   make([]colour, width*height),
	}
	for y := range height {
		for x := range width {
			i := y*width + x
			c.disc[i] = circle(x, y, discRadius)
			c.ring[i] = circle(x, y, ringOuter) - circle(x, y, ringInner)
			c.still[i] = background(x, y)
			if c.disc[i] > 0 {
				c.still[i] = mix(c.still[i], face(x-centreX, y-centreY), int(c.disc[i]), 16)
			}
		}
	}
	put := func(s string, x, y int) {
		fill(c.still, x-4, y-4, 6*len(s)+7, 15, panel)
		write(c.still, s, x, y, 1, text)
	}
	put(fmt.Sprintf("%dX%d", width, height), 24, 22)
	put(fmt.Sprintf("%d FPS", fps), width-24-35, 22)
	put("I420", 24, height-29)
	put("BT.601", width-24-35, height-29)
	write(c.still, "PLANAR", centreX-6*18/2+1, centreY-104, 3, text)
	return c
}

// circle returns how much of the pixel lies inside, in 16ths.
func circle(x, y, radius int) uint8 {
	var n uint8
	for sy := range 4 {
		for sx := range 4 {
			// In eighths of a pixel, at the sub-pixel's centre.
			dx, dy := (x-centreX)*8+sx*2+1, (y-centreY)*8+sy*2+1
			if dx*dx+dy*dy <= radius*radius*64 {
				n++
			}
		}
	}
	return n
}

func background(x, y int) colour {
	edge := x < cell/2 || y < cell/2 || x >= width-cell/2 || y >= height-cell/2
	switch {
	case edge && (x/cell+y/cell)%2 == 0:
		return white
	case edge:
		return black
	case x%cell == 0 || y%cell == 0 || x%cell == cell-1 || y%cell == cell-1:
		return line
	}
	return dim
}

// face is the inside of the disc, in coordinates from its centre.
func face(x, y int) colour {
	switch {
	case y < -72:
		return panel
	case y < -20:
		return bars[(x+120)/30] // edges on even columns: clean chroma
	case y < 0: // black to white in 11 steps
		step := min(max(x+110, 0)/20, 10)
		return colour{uint8(16 + step*219/10), 128, 128}
	case y < 14: // black to white, smooth
		return colour{uint8(16 + min(max(x+110, 0), 219)), 128, 128}
	case y < 30:
		return gratings(x)
	case y < 50: // where the bar slides
		return black
	}
	return panel
}

// gratings are lines of 1, 2, 3 and 4 pixels in luma, and red and blue ones of
// 2 and 4 pixels (1 and 2 chroma samples): a scaler shows its character here.
func gratings(x int) colour {
	x += 120
	group, x := x/40, x%40
	period := [...]int{1, 2, 3, 4, 2, 4}[group]
	odd := x/period%2 == 1
	switch {
	case group < 4 && odd:
		return white
	case group < 4:
		return black
	case odd:
		return bars[6]
	}
	return bars[5]
}

// frame draws frame n as I420.
func (c *card) frame(n int, dst []byte) {
	copy(c.now, c.still)
	inSecond := n % fps
	c.drawFlash(inSecond)
	c.drawSweep(inSecond)
	c.drawBar(n)
	write(c.now, fmt.Sprintf("00:00:%02d:%02d", n/fps, inSecond), centreX-65, centreY+57, 2, text)
	write(c.now, fmt.Sprintf("FRAME %04d", n), centreX-59, centreY+78, 2, text)
	c.store(dst)
}

func (c *card) drawFlash(inSecond int) {
	if inSecond >= len(flashLevel) {
		return
	}
	level := flashLevel[inSecond]
	for i, p := range c.now {
		c.now[i] = mix(p, white, level*(16-int(c.disc[i])), 256*16)
	}
}

// drawSweep fills the ring behind a hand that goes round once a second,
// fading with the distance to it.
func (c *card) drawSweep(inSecond int) {
	const steps = 1024 // of a turn
	hand := inSecond * steps / fps
	for y := range height {
		for x := range width {
			i := y*width + x
			if c.ring[i] == 0 {
				continue
			}
			// Rounding to a step keeps the bytes equal on every processor.
			turn := math.Atan2(float64(2*(x-centreX)+1), -float64(2*(y-centreY)+1)) / (2 * math.Pi)
			angle := int(math.Round(turn*steps)) + steps
			behind := (hand - angle + 2*steps) % steps
			shade := panel
			switch {
			case behind < steps/60 || behind >= steps-steps/60:
				shade = white
			case behind < steps*3/4:
				shade = mix(panel, sweep, steps*3/4-behind, steps*3/4)
			}
			c.now[i] = mix(c.now[i], shade, int(c.ring[i]), 16)
		}
	}
}

// drawBar slides a bar to and fro at constant speed, placed to a 16th of a
// pixel so that its motion is as smooth as the display's.
func (c *card) drawBar(n int) {
	const (
		travel   = 170 * 16
		barWidth = 16 * 16
		left     = (centreX - 93) * 16
	)
	at := n % (2 * fps) * travel / fps
	if at > travel {
		at = 2*travel - at
	}
	from, to := left+at, left+at+barWidth
	for x := from / 16; x <= to/16; x++ {
		cover := min(to, x*16+16) - max(from, x*16)
		for y := centreY + 33; y < centreY+47; y++ {
			c.now[y*width+x] = mix(c.now[y*width+x], white, cover, 16)
		}
	}
}

func (c *card) store(dst []byte) {
	for i, p := range c.now {
		dst[i] = p[0]
	}
	cb, cr := dst[width*height:width*height*5/4], dst[width*height*5/4:]
	for y := 0; y < height; y += 2 {
		for x := 0; x < width; x += 2 {
			i := y*width + x
			a, b, d, e := c.now[i], c.now[i+1], c.now[i+width], c.now[i+width+1]
			o := y/2*(width/2) + x/2
			cb[o] = uint8((int(a[1]) + int(b[1]) + int(d[1]) + int(e[1]) + 2) / 4)
			cr[o] = uint8((int(a[2]) + int(b[2]) + int(d[2]) + int(e[2]) + 2) / 4)
		}
	}
}

// mix goes part/whole of the way from a to b.
func mix(a, b colour, part, whole int) colour {
	for i := range a {
		a[i] = uint8((int(a[i])*(whole-part) + int(b[i])*part + whole/2) / whole)
	}
	return a
}

func fill(dst []colour, x, y, w, h int, c colour) {
	for row := y; row < y+h; row++ {
		for col := x; col < x+w; col++ {
			dst[row*width+col] = c
		}
	}
}

// write draws text in a 5x7 font, enlarged, six columns to a character.
func write(dst []colour, s string, x, y, scale int, c colour) {
	for _, r := range s {
		for row, bits := range font[r] {
			for col := range 5 {
				if bits>>(4-col)&1 == 1 {
					fill(dst, x+col*scale, y+row*scale, scale, scale, c)
				}
			}
		}
		x += 6 * scale
	}
}

// font has the characters the card needs; a row's lowest bit is at the right.
var font = map[rune][7]uint8{
	'0': {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e},
	'1': {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e},
	'2': {0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f},
	'3': {0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e},
	'4': {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02},
	'5': {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},
	'6': {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e},
	'7': {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},
	'8': {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e},
	'9': {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c},
	':': {0x00, 0x0c, 0x0c, 0x00, 0x0c, 0x0c, 0x00},
	'.': {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c},
	'A': {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11},
	'B': {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e},
	'E': {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f},
	'F': {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10},
	'I': {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e},
	'L': {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f},
	'M': {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11},
	'N': {0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11},
	'P': {0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10},
	'R': {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11},
	'S': {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e},
	'T': {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04},
	'X': {0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11},
}
