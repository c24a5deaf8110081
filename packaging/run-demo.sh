#!/bin/bash
# Plays the demo clip in a window; where there is no display, plays it to its
# end on a private X server and leaves a screenshot.
set -eu
cd "$(dirname "$0")/.."

video=demo/planar-demo_352x288_25fps.yuv
audio=demo/planar-demo.pcm
shot=demo/screenshot.png

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname -s)" = Darwin ]; then
	echo "playing $video; q or the window's close button quits"
	exec bin/planar --loop inf "$video" --audio "$audio" "$@"
fi

tmp=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# The server picks a free number and writes it once it listens.
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$tmp/display" 2>"$tmp/log" &
server=$!
for _ in {1..100}; do
	[ ! -s "$tmp/display" ] || break
	kill -0 "$server" 2>/dev/null || break
	sleep 0.05
done
[ -s "$tmp/display" ] || {
	cat "$tmp/log" >&2
	echo "no display, and Xvfb does not start" >&2
	exit 1
}

echo "no display: playing $video on a private X server"
rm -f "$shot"
status=0
DISPLAY=:$(<"$tmp/display") bin/planar --exit --frames 100 --screenshot "$shot" "$video" --audio "$audio" "$@" || status=$?
[ ! -s "$shot" ] || echo "screenshot of the last picture: $PWD/$shot"
exit $status
