#!/bin/sh
# Installs planar: the program, its manual, completions for three shells, what a
# desktop needs to know of it, and the licences.
#
#   [DESTDIR=/staging] [PREFIX=/usr/local] packaging/install.sh [uninstall]
#
# The files are what the tests check in packaging/; nothing is generated here.
# With DESTDIR the desktop's caches are left to whoever installs the package.
set -eu
cd "$(dirname "$0")/.."

prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}$prefix
share=$root/share

# put MODE SOURCE TARGET, or takes the target away.
case ${1:-install} in
install)
	[ -x bin/planar ] || {
		echo "bin/planar is missing: make build" >&2
		exit 1
	}
	put() { install -D -m "$1" "$2" "$3"; }
	;;
uninstall) put() { rm -f "$3"; } ;;
*)
	echo "usage: [DESTDIR=...] [PREFIX=...] $0 [uninstall]" >&2
	exit 1
	;;
esac

put 755 bin/planar "$root/bin/planar"
put 644 packaging/man/planar.1 "$share/man/man1/planar.1"
put 644 packaging/completions/planar.bash "$share/bash-completion/completions/planar"
put 644 packaging/completions/_planar "$share/zsh/site-functions/_planar"
put 644 packaging/completions/planar.fish "$share/fish/vendor_completions.d/planar.fish"
put 644 packaging/planar.desktop "$share/applications/planar.desktop"
put 644 packaging/planar-mime.xml "$share/mime/packages/planar.xml"
put 644 packaging/planar.metainfo.xml "$share/metainfo/planar.metainfo.xml"
put 644 packaging/icons/planar.svg "$share/icons/hicolor/scalable/apps/planar.svg"
for size in 16 24 32 48 64 128 256; do
	put 644 "packaging/icons/planar-$size.png" "$share/icons/hicolor/${size}x$size/apps/planar.png"
done
put 644 docs/planar.toml "$share/doc/planar/planar.toml"
put 644 LICENSE "$share/doc/planar/LICENSE"
for licence in player/controls/fonts/*.txt; do
	[ ! -e "$licence" ] || put 644 "$licence" "$share/doc/planar/fonts/$(basename "$licence")"
done

[ -z "${DESTDIR:-}" ] || exit 0
# Programs that are not there have no cache either.
for update in "update-mime-database $share/mime" "update-desktop-database -q $share/applications" \
	"gtk-update-icon-cache -q -t -f $share/icons/hicolor"; do
	# shellcheck disable=SC2086 # a command and its arguments
	if command -v ${update%% *} >/dev/null; then $update || true; fi
done
