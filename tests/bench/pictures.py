"""Makes the pairs of large pictures that the comparison is measured with.

    python3 tests/bench/pictures.py FOLDER

Each pair is a page of 3446 x 10728 pixels as Chromium draws it, and the same page after an edit that
changes about 3 % of the pixels and shifts nothing: `text` (writing on plain ground), `photo`
(pictures as a camera takes them) and `mixed` (a marketing page with some of each). There is also a
pair of 800 x 600, and the text page once more with other bytes for the same pixels.
"""

import pathlib
import subprocess
import sys
import tempfile
import zlib

WIDTH, HEIGHT = 3446, 10728
WORDS = (
    "spring offer reach people launch page faster visitors campaign value simple proof trust "
    "numbers team today growth choose plan compare start free month season customers story"
).split()

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { width: %dpx; height: %dpx; font: 34px/1.5 'Liberation Sans', sans-serif; color: #223;
       background: #fff; overflow: hidden }
h2 { font-size: 72px; margin-bottom: 24px }
.row { display: flex; gap: 60px; padding: 50px 160px; height: 596px; overflow: hidden }
.card { flex: 1; border: 3px solid #dde; border-radius: 24px; padding: 40px; overflow: hidden }
.card b { display: inline-block; padding: 16px 40px; border-radius: 40px; background: #06c;
          color: #fff; margin-top: 20px }
canvas { flex: 1; min-width: 0; border-radius: 24px }
.edited .card.now { background: #ffc96b }
.edited .card.now b { background: #c30 }
"""

# Soft shapes with the grain of a sensor: neighbouring pixels are alike and never equal.
PAINT = """
for (const canvas of document.querySelectorAll('canvas')) {
  let state = Number(canvas.dataset.seed);
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
  const {width, height} = canvas, context = canvas.getContext('2d');
  const sky = context.createLinearGradient(0, 0, width, height);
  const colour = () => `rgb(${[0, 1, 2].map(() => Math.floor(next() * 200 + 30)).join()})`;
  for (const at of [0, 0.4, 1]) sky.addColorStop(at, colour());
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  for (let shape = 0; shape < 40; shape++) {
    const [x, y, size] = [next() * width, next() * height, next() * 260 + 30];
    const glow = context.createRadialGradient(x, y, 0, x, y, size);
    glow.addColorStop(0, colour());
    glow.addColorStop(1, 'transparent');
    context.fillStyle = glow;
    context.fillRect(x - size, y - size, 2 * size, 2 * size);
  }
  const pixels = context.getImageData(0, 0, width, height), data = pixels.data;
  for (let at = 0; at < data.length; at += 4) {
    const grain = next() * 7 - 3;
    for (let channel = 0; channel < 3; channel++) data[at + channel] += grain;
  }
  context.putImageData(pixels, 0, 0);
}
"""


class Dice:
    """A generator of its own, so that the pages do not depend on the version of Python."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def sentence(self, words):
        return " ".join(WORDS[self.below(len(WORDS))] for _ in range(words)).capitalize() + "."


def card(dice, now):
    text = " ".join(dice.sentence(6 + dice.below(9)) for _ in range(9))
    return (
        f'<div class="card{" now" if now else ""}"><h2>{dice.sentence(3)}</h2><p>{text}</p>'
        f"<b>{dice.sentence(2)}</b></div>"
    )


def page(kind, edited):
    dice = Dice(zlib.crc32(kind.encode()))
    rows = []
    for row in range(HEIGHT // 596):
        photo = kind == "photo" or (kind == "mixed" and row % 4 == 1)
        changed = row in (2, 9, 14)
        if photo:
            # A photograph is taken anew where the page was edited.
            seeds = [dice.below(2**31) for _ in range(3)]
            if edited and changed:
                seeds[1] += 1
            width = (WIDTH - 320 - 120) // 3
            cells = "".join(f'<canvas width="{width}" height="496" data-seed="{s}"></canvas>' for s in seeds)
        else:
            cells = "".join(card(dice, changed and column == 1) for column in range(3))
        rows.append(f'<div class="row">{cells}</div>')
    body = "edited" if edited else ""
    style = STYLE % (WIDTH, HEIGHT)
    return f'<!doctype html><style>{style}</style><body class="{body}">{"".join(rows)}<script>{PAINT}</script>'


def photograph(markup, size, out):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "page.html")
        source.write_text(markup)
        subprocess.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--force-color-profile=srgb", "--font-render-hinting=none", "--disable-lcd-text",
                f"--user-data-dir={folder}/profile", f"--window-size={size[0]},{size[1]}",
                "--virtual-time-budget=20000", f"--screenshot={out}", source.as_uri(),
            ],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300,
        )


def other_bytes(source, out):
    """The same picture, its data cut into chunks of another size and packed at another level."""
    data = source.read_bytes()
    at, head, packed = 8, [], b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if name == b"IDAT":
            packed += content
        elif name != b"IEND":
            head.append((name, content))
        at += length + 12
    packed = zlib.compress(zlib.decompress(packed), 6)
    chunk = lambda name, content: (
        len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")
    )
    parts = [chunk(b"IDAT", packed[i : i + 65536]) for i in range(0, len(packed), 65536)]
    out.write_bytes(data[:8] + b"".join(chunk(*part) for part in head) + b"".join(parts) + chunk(b"IEND", b""))


def make(folder):
    folder = pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("text", "photo", "mixed"):
        for edited in (False, True):
            out = folder / f"{kind}-{'after' if edited else 'before'}.png"
            if not out.exists():
                photograph(page(kind, edited), (WIDTH, HEIGHT), out)
    for edited in (False, True):
        out = folder / f"small-{'after' if edited else 'before'}.png"
        if not out.exists():
            markup = page("text", edited).replace("34px/1.5", "14px/1.5").replace("72px", "22px")
            markup = markup.replace("50px 160px; height: 596px", "10px 20px; height: 150px")
            markup = markup.replace(".edited .card.now b {", ".edited .row:nth-child(2) h2 {")
            photograph(markup.replace("gap: 60px", "gap: 10px"), (800, 600), out)
    again = folder / "text-again.png"
    if not again.exists():
        other_bytes(folder / "text-before.png", again)
    copy = folder / "text-copy.png"
    if not copy.exists():
        copy.write_bytes((folder / "text-before.png").read_bytes())


if __name__ == "__main__":
    make(sys.argv[1])
