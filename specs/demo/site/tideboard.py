"""Draws the digits of the tide board: seven bars to a digit, as on the board at the harbour gate.

    python3 specs/demo/site/tideboard.py   # needs fontTools, writes assets/tideboard.ttf
"""

import pathlib

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

WIDE, HIGH, BAR, GAP = 520, 900, 90, 14
ADVANCE = WIDE + 140

# Which bars are lit: top, upper left, upper right, middle, lower left, lower right, bottom.
LIT = {
    "0": "1110111", "1": "0010010", "2": "1011101", "3": "1011011", "4": "0111010",
    "5": "1101011", "6": "1101111", "7": "1010010", "8": "1111111", "9": "1111011",
    "-": "0001000",
}


def bar(pen, x, y, width, height):
    """A bar with pointed ends, along its longer side."""
    half = min(width, height) / 2
    if width > height:
        points = [(x, y + half), (x + half, y + height), (x + width - half, y + height),
                  (x + width, y + half), (x + width - half, y), (x + half, y)]
    else:
        points = [(x + half, y), (x, y + half), (x, y + height - half),
                  (x + half, y + height), (x + width, y + height - half), (x + width, y + half)]
    pen.moveTo(points[0])
    for point in points[1:]:
        pen.lineTo(point)
    pen.closePath()


def glyph(lit):
    pen = TTGlyphPen(None)
    middle = (HIGH - BAR) / 2
    side = middle - GAP * 2
    places = [
        (GAP + BAR / 2, HIGH - BAR, WIDE - BAR - 2 * GAP, BAR),
        (0, middle + BAR / 2 + GAP, BAR, side),
        (WIDE - BAR, middle + BAR / 2 + GAP, BAR, side),
        (GAP + BAR / 2, middle, WIDE - BAR - 2 * GAP, BAR),
        (0, BAR / 2 + GAP, BAR, side),
        (WIDE - BAR, BAR / 2 + GAP, BAR, side),
        (GAP + BAR / 2, 0, WIDE - BAR - 2 * GAP, BAR),
    ]
    for place, on in zip(places, lit):
        if on == "1":
            bar(pen, *(place[0] + 70, *place[1:]))
    return pen.glyph()


def colon():
    pen = TTGlyphPen(None)
    for y in (HIGH * 0.25, HIGH * 0.65):
        pen.moveTo((80, y))
        for x, dy in ((80, BAR), (80 + BAR, BAR), (80 + BAR, 0)):
            pen.lineTo((x, y + dy))
        pen.closePath()
    return pen.glyph()


def main():
    names = {ord(character): f"bars{ord(character)}" for character in LIT}
    glyphs = {names[ord(character)]: glyph(lit) for character, lit in LIT.items()}
    names[ord(":")], glyphs["colon"] = "colon", colon()
    names[ord(" ")], glyphs["space"] = "space", TTGlyphPen(None).glyph()
    glyphs[".notdef"] = glyph("1111111")
    order = [".notdef", *sorted(name for name in glyphs if name != ".notdef")]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf(glyphs)
    narrow = {"colon": 250, "space": 300}
    builder.setupHorizontalMetrics({name: (narrow.get(name, ADVANCE), 70) for name in order})
    builder.setupHorizontalHeader(ascent=1000, descent=-100)
    builder.setupNameTable({"familyName": "Tideboard", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=1000, sTypoDescender=-100, usWinAscent=1000, usWinDescent=100)
    builder.setupPost()
    # The same bytes whenever it is drawn.
    builder.updateHead(created=0, modified=0)
    builder.font.recalcTimestamp = False
    builder.save(pathlib.Path(__file__).parent / "assets/tideboard.ttf")


if __name__ == "__main__":
    main()
