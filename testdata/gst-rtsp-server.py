#!/usr/bin/python3
"""GStreamer's RTSP server, for tests: an implementation planar shares no code with.

usage: gst-rtsp-server.py PORT MOUNT SOURCE

SOURCE is an .mp4 with H.264 and, if any, AAC, or a launch description in
brackets whose payloaders are named pay0, pay1. Port 0 picks a free one. Prints
the URL once it can be played; ends on SIGTERM, or when its standard input is
closed, so that a killed test leaves no server behind.
"""

import signal
import subprocess
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def launch(source):
    if source.startswith("("):
        return source
    # The parsers are in another set of plugins; what qtdemux gives can be
    # payloaded as it is. config-interval repeats SPS and PPS at key frames.
    probe = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=index", "-of", "csv=p=0", source]
    sound = subprocess.run(probe, check=True, capture_output=True).stdout.strip()
    text = (
        f'( filesrc location="{source}" ! qtdemux name=d '
        "d.video_0 ! queue ! rtph264pay name=pay0 pt=96 config-interval=-1 "
    )
    if sound:
        text += "d.audio_0 ! queue ! rtpmp4gpay name=pay1 pt=97 "
    return text + ")"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    port, mount, source = sys.argv[1:]

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch(source))
    factory.set_shared(source.startswith("("))  # a file starts anew for every client
    mount = "/" + mount.lstrip("/")
    server.get_mount_points().add_factory(mount, factory)
    if server.attach(None) == 0:
        sys.exit(f"port {port} cannot be bound")

    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)
    stdin = GLib.IOChannel.unix_new(sys.stdin.fileno())
    GLib.io_add_watch(stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}{mount}", flush=True)
    loop.run()


main()
