package ffmpeg
import ("testing";"math";"planar/render";"fmt")
func TestZZ(t *testing.T){
 for _,fm:=range []string{"yuv420p","nv12","yuv422p","yuv444p","yuv420p10le"} { for _,r:=range []render.Range{render.Limited,render.Full}{ for _,fl:=range []int{swsBilinear,swsBilinear|swsAccurateRnd,swsBilinear|swsFullChrInt,swsBilinear|swsAccurateRnd|swsFullChrInt}{
 for _,sz:=range [][2]int{{16,8},{32,16},{12,6}} {
  forceFlags=fl; s:=NewScaler(); worst:=0.0; off,n:=0,0
  depth:=8; if fm=="yuv420p10le"{depth=10}
  dst:=render.NewBitmap(sz[0],sz[1])
  for _,m:=range []render.Matrix{render.BT601,render.BT709,render.BT2020}{
  for y:=0;y<256;y+=16{for u:=16;u<256;u+=32{for v:=16;v<256;v+=32{
   sh:=depth-8; base:=fm; if fm=="nv12"{base="yuv420p"}
   p:=pictureOf(t,base,16,8,(depth+7)/8,y<<sh,u<<sh,v<<sh); if fm=="nv12"{p=nv12(p)}
   p.Colour=render.Colour{Matrix:m,Range:r}
   if err:=s.Convert(dst,p,render.Bilinear);err!=nil{t.Fatal(err)}
   w:=floatRGB(y<<sh,u<<sh,v<<sh,depth,p.Colour)
   for x:=range sz[0]*sz[1]{for i:=range 3{d:=math.Abs(float64(dst.Pix[x*4+i])-w[i]); worst=math.Max(worst,d); n++; if d>1{off++}}}
  }}}}
  fmt.Printf("%s %v flags %x %v worst %.2f off %.2f%%\n",fm,r,fl,sz,worst,100*float64(off)/float64(n)); s.Close()
 }}}}
 forceFlags=-1
}
