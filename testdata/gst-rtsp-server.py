#!/usr/bin/python3
"""GStreamer's RTSP server, for tests: an implementation planar shares no code with.

usage: gst-rtsp-server.py [flags] PORT MOUNT SOURCE
       gst-rtsp-server.py [flags] PORT codecs
       gst-rtsp-server.py list

SOURCE is an .mp4 with H.264 and, if any, AAC, or a launch description in
brackets whose payloaders are named pay0, pay1. With "codecs" there is a live test
source of each codec at /NAME, and with pictures and sound at /NAME+NAME; "list"
prints the names of those that can be made here. Port 0 picks a free one. Prints
the URL once it can be played; ends on SIGTERM, or when its standard input is
closed, so that a killed test leaves no server behind. RTSP over HTTP is always
possible, on the same port.

  --tls CERT KEY        rtsps, with these PEM files
  --user USER PASSWORD  asked of clients
  --auth METHOD         how: basic or digest (the default)
  --transports LIST     what clients may choose: udp,tcp (the default) or one of them;
                        its multicast shares no port with clients on the same machine
"""

import argparse
import signal
import subprocess
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PICTURES = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=25/1"
SOUND = "audiotestsrc is-live=true volume=0.1 ! audio/x-raw,rate={rate},channels={channels} ! audioconvert"

# The encoder and the payloader of each codec. Key frames come each second.
VIDEO = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph265pay config-interval=-1",
    "mjpeg": "jpegenc ! rtpjpegpay",
    "vp8": "vp8enc deadline=1 keyframe-max-dist=25 ! rtpvp8pay",
    "vp9": "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=25 ! rtpvp9pay",
    "av1": "av1enc usage-profile=realtime cpu-used=8 keyframe-max-dist=25 ! av1parse ! rtpav1pay",
}
AUDIO = {  # and the sample rate and channels
    "aac": ("avenc_aac ! rtpmp4gpay", 48000, 2),
    "latm": ("avenc_aac ! rtpmp4apay", 48000, 2),
    "opus": ("opusenc ! rtpopuspay", 48000, 2),
    "pcmu": ("mulawenc ! rtppcmupay", 8000, 1),
    "pcma": ("alawenc ! rtppcmapay", 8000, 1),
    "g722": ("avenc_g722 ! rtpg722pay", 16000, 1),
    "l16": ("rtpL16pay", 44100, 2),
    "l24": ("rtpL24pay", 48000, 2),
    "mp3": ("lamemp3enc ! rtpmpapay", 44100, 2),
    "ac3": ("avenc_ac3 ! rtpac3pay", 48000, 2),
}


def encoded(name, number):
    """The launch description of one codec, with its payloader."""
    if name in VIDEO:
        source, rest = PICTURES, VIDEO[name]
    else:
        rest, rate, channels = AUDIO[name]
        source = SOUND.format(rate=rate, channels=channels)
    return f"{source} ! {rest} name=pay{number} pt={96 + number}"


def available():
    """The codecs whose elements are installed."""
    for name, rest in {**VIDEO, **{k: v[0] for k, v in AUDIO.items()}}.items():
        elements = [part.split()[0] for part in rest.split(" ! ")]
        if all(Gst.ElementFactory.find(e) for e in elements):
            yield name


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


def protect(server, args, factories):
    """Asks for a user and a password, and for TLS."""
    auth = GstRtspServer.RTSPAuth()
    if args.tls:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(*args.tls))
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if args.user:
        if args.auth == "basic":
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*args.user), token)
        else:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(*args.user, token)
    else:
        auth.set_default_token(token)
    for f in factories:
        f.add_role_from_structure(Gst.Structure.from_string(
            "user, media.factory.access=(boolean)true, media.factory.construct=(boolean)true")[0])
    server.set_auth(auth)


def transports(text):
    flags = {"udp": GstRtsp.RTSPLowerTrans.UDP, "tcp": GstRtsp.RTSPLowerTrans.TCP}
    chosen = GstRtsp.RTSPLowerTrans(0)
    for name in text.split(","):
        chosen |= flags[name]
    return chosen


def main():
    Gst.init(None)
    if sys.argv[1:] == ["list"]:
        print(*available())
        return
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--user", nargs=2)
    parser.add_argument("--auth", choices=["basic", "digest"], default="digest")
    parser.add_argument("--transports", type=transports, default="udp,tcp")
    parser.add_argument("port")
    parser.add_argument("mount")
    parser.add_argument("source", nargs="?")
    args = parser.parse_args()

    sources = {args.mount.lstrip("/"): args.source}  # by mount
    if args.source is None:
        names = list(available())
        sources = {name: f"( {encoded(name, 0)} )" for name in names}
        for v in filter(VIDEO.get, names):
            for a in filter(AUDIO.get, names):
                sources[f"{v}+{a}"] = f"( {encoded(v, 0)} {encoded(a, 1)} )"

    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    factories = []
    for mount, source in sources.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch(source))
        factory.set_shared(source.startswith("("))  # a file starts anew for every client
        factory.set_protocols(args.transports)
        server.get_mount_points().add_factory("/" + mount, factory)
        factories.append(factory)
    if args.tls or args.user:
        protect(server, args, factories)
    if server.attach(None) == 0:
        sys.exit(f"port {args.port} cannot be bound")

    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)
    stdin = GLib.IOChannel.unix_new(sys.stdin.fileno())
    GLib.io_add_watch(stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    mount = "" if args.source is None else args.mount.lstrip("/")
    print(f"{'rtsps' if args.tls else 'rtsp'}://127.0.0.1:{server.get_bound_port()}/{mount}", flush=True)
    loop.run()


main()
