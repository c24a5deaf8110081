#!/bin/sh
# Renders the PNG icons from planar.svg; needs rsvg-convert (librsvg2-bin).
set -eu
cd "$(dirname "$0")"
for size in 16 24 32 48 64 128 256; do
	rsvg-convert -w $size -h $size planar.svg -o planar-$size.png
done
