#!/usr/bin/env python3
"""Makes the font files of this folder; README.md says of what.

usage: subset.py ROBOTO_DIR DROID_SANS_FALLBACK_FULL NANUM_GOTHIC TABLER_FONTS_DIR
"""
import sys

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

# What is always drawn; fonts.go asks for the same ranges.
TEXT = [(0x20, 0x7E), (0xA0, 0x17F), (0x18F, 0x18F), (0x192, 0x192), (0x1A0, 0x1A1), (0x1AF, 0x1B0),
        (0x2C6, 0x2DD), (0x300, 0x30F), (0x370, 0x3FF), (0x400, 0x52F), (0x1E00, 0x1EFF),
        (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2150, 0x218F),
        (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF)]
CJK = [(0x2E80, 0x2FDF), (0x3000, 0x31FF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF)]

HANGUL = [(0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3)]

# The icons in the order of icons.go: Tabler's name and code, and whether it is in
# the font of filled ones.
ICONS = [
    ("player-play", 0xF691, True),
    ("player-pause", 0xF690, True),
    ("player-stop", 0xF695, True),
    ("chevron-left-pipe", 0xFAE4, False),
    ("chevron-right-pipe", 0xFAE5, False),
    ("player-skip-back", 0xF693, True),
    ("player-skip-forward", 0xF694, True),
    ("circle-dot", 0xF705, True),
    ("chevron-left", 0xEA60, False),
    ("chevron-right", 0xEA61, False),
    ("chevron-up", 0xEA62, False),
    ("chevron-down", 0xEA5F, False),
    ("volume", 0xEB51, False),
    ("volume-2", 0xEB4F, False),
    ("volume-off", 0xF1C3, False),
    ("maximize", 0xEAEA, False),
    ("minimize", 0xEAF1, False),
    ("dots", 0xEA95, False),
    ("dots-vertical", 0xEA94, False),
    ("menu-2", 0xEC42, False),
    ("playlist", 0xEEC0, False),
    ("list", 0xEB6B, False),
    ("chart-bar", 0xEA59, False),
    ("chart-line", 0xEA5C, False),
    ("adjustments-horizontal", 0xEC38, False),
    ("settings", 0xEB20, False),
    ("color-picker", 0xEBE6, False),
    ("zoom-in", 0xEB56, False),
    ("zoom-out", 0xEB57, False),
    ("x", 0xEB55, False),
    ("folder-open", 0xFAF7, False),
    ("folder", 0xEAAD, False),
    ("link", 0xEADE, False),
    ("camera", 0xEA54, False),
    ("clock", 0xEA70, False),
    ("history", 0xEBEA, False),
    ("alert-triangle", 0xEA06, False),
    ("info-circle", 0xEAC5, False),
    ("device-speaker", 0xEA8B, False),
    ("repeat", 0xEB72, False),
    ("wave-sine", 0xECD4, False),
    ("activity", 0xED23, False),
    ("radio", 0xEF2D, False),
    ("broadcast", 0xF1E9, False),
    ("check", 0xEA5E, False),
    ("plus", 0xEB0B, False),
    ("trash", 0xEB41, False),
    ("keyboard", 0xEBD6, False),
    ("help-circle", 0xF91D, False),
    ("layout-grid", 0xEDBA, False),
    ("refresh", 0xEB13, False),
    ("photo", 0xEB0A, False),
    ("eye", 0xEA9A, False),
    ("search", 0xEB1C, False),
    ("aspect-ratio", 0xED30, False),
    ("focus-2", 0xEBD3, False),
    ("crosshair", 0xEC3E, False),
    ("file-music", 0xEA9F, False),
    ("video", 0xED22, False),
    ("file", 0xEAA4, False),
    ("external-link", 0xEA99, False),
    ("player-track-prev", 0xF697, True),
    ("player-track-next", 0xF696, True),
    ("player-record", 0xF692, True),
    ("copy", 0xEA7A, False),
    ("pin", 0xEC9C, False),
    ("ruler-2", 0xEED2, False),
]
FIRST = 0x100  # firstIcon of icons.go


def runes(ranges):
    return {c for a, b in ranges for c in range(a, b + 1)}


def cut(src, dst, unicodes):
    o = subset.Options()
    o.hinting = False
    o.layout_features = []
    o.layout_closure = False
    o.name_IDs = [0, 1, 2, 5, 13, 14]
    o.notdef_outline = True
    o.glyph_names = False
    o.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "JSTF", "vhea", "vmtx", "VORG", "DSIG", "FFTM", "kern", "VDMX", "hdmx", "LTSH", "gasp"]
    f = TTFont(src)
    s = subset.Subsetter(o)
    s.populate(unicodes=unicodes)
    s.subset(f)
    if dst:
        f.save(dst)
    return f


def main():
    roboto, droid, nanum, tabler = sys.argv[1:]
    for w in "Regular", "Medium":
        cut(f"{roboto}/Roboto-{w}.ttf", f"Roboto-{w}.ttf", runes(TEXT))
    cut(droid, "DroidSansFallback.ttf", runes(CJK))
    hangul = cut(nanum, None, runes(HANGUL))
    for record in hangul["name"].names:  # its licence reserves the name for the original
        if record.nameID in (1, 3, 4, 6):
            record.string = "Hangul for planar"
    hangul.save("Hangul.ttf")
    outlined = TTFont(f"{tabler}/tabler-icons.ttf")
    filled = TTFont(f"{tabler}/tabler-icons-filled.ttf")
    assert outlined["head"].unitsPerEm == filled["head"].unitsPerEm
    font = cut(f"{tabler}/tabler-icons.ttf", None, {ICONS[0][1]})
    none = font.getGlyphOrder()[0]
    order, cmap = [none], {}
    glyf, hmtx = font["glyf"], font["hmtx"]
    glyphs, widths = {none: glyf[none]}, {none: hmtx[none]}
    for i, (_, code, is_filled) in enumerate(ICONS):
        src = filled if is_filled else outlined
        old, new = src.getBestCmap()[code], f"icon{i}"
        order.append(new)
        glyphs[new], widths[new], cmap[FIRST + i] = src["glyf"][old], src["hmtx"][old], new
    font.setGlyphOrder(order)
    glyf.glyphs, glyf.glyphOrder, hmtx.metrics = glyphs, order, widths
    table = CmapSubtable.newSubtable(4)
    table.platformID, table.platEncID, table.language, table.cmap = 3, 1, 0, cmap
    font["cmap"].tables = [table]
    font.save("TablerIcons.ttf")


main()
