#!/bin/sh
# Makes this machine able to build, run or test planar.
#
#   packaging/install-deps.sh build|run|test
#
# Installs with apt when it may (root, or sudo that asks for nothing), else
# names what is missing. Go is fetched for this user alone where the system's
# is too old. Quick and silent when nothing is missing.
# PLANAR_SKIP_DEPS=1 passes over all of it, PLANAR_GO says where Go goes.
set -eu
# shellcheck disable=SC2086 # package lists are words

# What is fetched where there is no usable Go; the sums are those of the zip
# files that the module proxy serves.
go_version=1.26.8
go_sha256_amd64=30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7
go_sha256_arm64=02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99
go_home=${PLANAR_GO:-${XDG_CACHE_HOME:-$HOME/.cache}/planar/go}

build_packages='gcc g++ libc6-dev pkg-config libsdl2-dev libavcodec-dev libavformat-dev
	libavutil-dev libswscale-dev libswresample-dev libavfilter-dev libavdevice-dev libyuv-dev'
display_packages='xvfb libgl1-mesa-dri'
test_packages="$display_packages ffmpeg xauth x11-utils x11-apps xdotool
	pulseaudio pulseaudio-utils nginx libnginx-mod-rtmp srt-tools
	gstreamer1.0-tools gstreamer1.0-rtsp gstreamer1.0-plugins-base gstreamer1.0-plugins-good
	gstreamer1.0-plugins-ugly gstreamer1.0-plugins-bad gstreamer1.0-libav gir1.2-gst-rtsp-server-1.0 python3-gi
	groff mandoc zsh fish desktop-file-utils shared-mime-info"
go_packages='ca-certificates curl unzip'

[ -z "${PLANAR_SKIP_DEPS:-}" ] || exit 0
cd "$(dirname "$0")/.."
PATH=$go_home/bin:$PATH:/usr/local/go/bin

fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

# Fails unless go can work on this module: from 1.21 on, go itself fetches the
# version that go.mod asks for, if it is allowed to.
have_go() {
	go list -m >/dev/null 2>&1
}

missing_debs() {
	known=$(dpkg-query -W -f='|${db:Status-Status} ${Package}|' "$@" 2>/dev/null || true)
	for package; do
		case $known in
		*"|installed $package|"*) ;;
		*) printf ' %s' "$package" ;;
		esac
	done
}

apt_install() {
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		sudo='sudo -n'
		$sudo true 2>/dev/null || fail "planar needs packages that are not installed. Install them and try again:" \
			"  sudo apt-get install --no-install-recommends$*"
	fi
	echo "installing$*"
	# A test's web server is not to start now, nor with the machine.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
		$sudo chmod +x $policy
		trap '$sudo rm -f $policy' EXIT
	fi
	# --no-remove: rather stop than take something away from a desktop.
	options='-qq -y --no-install-recommends --no-remove -o Dpkg::Use-Pty=0 -o Acquire::Retries=3'
	$sudo apt-get update -qq
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install $options $* </dev/null >/dev/null
	case "$*" in
	*nginx*) [ ! -d /run/systemd/system ] || $sudo systemctl -q disable nginx.service || true ;;
	esac
	$sudo rm -f $policy
	trap - EXIT
}

fetch_go() {
	case $(uname -s)-$(uname -m) in
	Linux-x86_64) arch=amd64 sum=$go_sha256_amd64 ;;
	Linux-aarch64) arch=arm64 sum=$go_sha256_arm64 ;;
	*) fail "planar needs Go $(sed -n 's/^go //p' go.mod) or newer: https://go.dev/dl" ;;
	esac
	proxy=$(printf '%s\n' "${GOPROXY:-https://proxy.golang.org}" | tr ',|' '\n\n' | grep -m1 '^http') ||
		fail "planar needs Go $go_version, and GOPROXY names no proxy to fetch it from"
	echo "fetching Go $go_version to $go_home"
	mkdir -p "$(dirname "$go_home")"
	tmp=$(mktemp -d "$go_home.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	module=golang.org/toolchain version=v0.0.1-go$go_version.linux-$arch
	curl -fsSL --retry 3 -o "$tmp/go.zip" "${proxy%/}/$module/@v/$version.zip"
	echo "$sum  $tmp/go.zip" | sha256sum -c --quiet
	unzip -q "$tmp/go.zip" -d "$tmp"
	chmod -R u+x "$tmp/$module@$version/bin" "$tmp/$module@$version/pkg/tool"
	rm -rf "$go_home"
	mv "$tmp/$module@$version" "$go_home"
}

# For systems without dpkg: asks for what the packages would bring.
check_others() {
	missing=
	command -v cc >/dev/null && command -v c++ >/dev/null || missing=' C-and-C++-compiler'
	for library in sdl2 libavcodec libavformat libavutil libswscale libswresample libavfilter libavdevice; do
		pkg-config --exists $library 2>/dev/null || missing="$missing $library"
	done
	printf '#include <libyuv.h>\n' | cc -E - >/dev/null 2>&1 || missing="$missing libyuv"
	if [ "$1" = test ]; then
		for program in ffmpeg Xvfb xdotool xwd pulseaudio pactl nginx srt-live-transmit gst-inspect-1.0 python3; do
			command -v $program >/dev/null || missing="$missing $program"
		done
	fi
	[ -z "$missing" ] || fail "planar misses:$missing" \
		'Debian, Ubuntu:' "  sudo apt-get install $(echo $build_packages)" \
		'Fedora:' '  sudo dnf install gcc gcc-c++ pkgconf-pkg-config SDL2-devel libyuv-devel ffmpeg-free-devel' \
		'Arch:' '  sudo pacman -S --needed base-devel sdl2-compat libyuv ffmpeg' \
		'macOS:' '  brew install pkgconf sdl2 ffmpeg@5' '  export PKG_CONFIG_PATH="$(brew --prefix ffmpeg@5)/lib/pkgconfig"' \
		'The tests also need what packaging/install-deps.sh lists for Debian.'
}

packages=$build_packages
case ${1:-} in
build) ;;
run) [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || packages="$packages $display_packages" ;;
test) packages="$packages $test_packages" ;;
*) fail "usage: $0 build|run|test" ;;
esac
have_go || packages="$packages $go_packages"

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
	# A desktop with PipeWire's sound cannot have both; the tests that need the
	# PulseAudio daemon are skipped there.
	case $(missing_debs pipewire-audio) in
	'') packages=$(printf '%s ' $packages | sed 's/ pulseaudio / /') ;;
	esac
	missing=$(missing_debs $packages)
	[ -z "$missing" ] || apt_install "$missing"
else
	check_others "$1"
fi

case $(pkg-config --modversion libavcodec) in
59.*) ;;
*) fail "planar builds on FFmpeg 5 (libavcodec 59); this is libavcodec $(pkg-config --modversion libavcodec)" ;;
esac

have_go || fetch_go
have_go || fail "Go $go_version does not work on this module:" "$(go list -m 2>&1)"
