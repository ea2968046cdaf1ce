// Draws pictures as functions from a place to a colour, so that a variant is the same drawing
// moved, recoloured or with something added.

/** A source of numbers from 0 to 1 that is the same everywhere (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const clamp = (value) => Math.min(1, Math.max(0, value));
const over = (top, bottom, share) => {
  const a = top[3] * share;
  const alpha = a + bottom[3] * (1 - a);
  if (alpha === 0) return [0, 0, 0, 0];
  const mix = [0, 1, 2].map((c) => (top[c] * a + bottom[c] * bottom[3] * (1 - a)) / alpha);
  return [...mix, alpha];
};

/** Layers, each a colour and the share of a pixel that it covers, on a ground. */
function paint(ground, layers) {
  return (x, y) =>
    layers.reduce((below, { colour, cover }) => {
      const share = cover(x, y);
      return share > 0 ? over(colour, below, share) : below;
    }, ground(x, y));
}

const disc = (cx, cy, r) => (x, y) => clamp(r + 0.5 - Math.hypot(x - cx, y - cy));
const ring = (cx, cy, r, wide) => (x, y) => clamp(wide / 2 + 0.5 - Math.abs(Math.hypot(x - cx, y - cy) - r));
const rounded = (left, top, width, height, r) => (x, y) => {
  const dx = Math.max(left + r - x, x - (left + width - r), 0);
  const dy = Math.max(top + r - y, y - (top + height - r), 0);
  return clamp(r + 0.5 - Math.hypot(dx, dy));
};
const stroke = (ax, ay, bx, by, wide) => (x, y) => {
  const [vx, vy] = [bx - ax, by - ay];
  const t = clamp(((x - ax) * vx + (y - ay) * vy) / (vx * vx + vy * vy || 1));
  return clamp(wide / 2 + 0.5 - Math.hypot(x - ax - t * vx, y - ay - t * vy));
};

/** Lines of made-up letters, each of two to four strokes. */
export function text({ random, width, height, dx = 0, dy = 0, ink = [0.1, 0.1, 0.15, 1], paper = [1, 1, 1, 1], keep = () => true }) {
  const layers = [];
  for (let line = 0; line * 13 + 14 < height; line++) {
    for (let at = 0; at * 8 + 12 < width; at++) {
      const [left, top] = [4 + at * 8 + dx, 4 + line * 13 + dy];
      const strokes = 2 + Math.floor(random() * 3);
      const blank = random() < 0.15;
      for (let s = 0; s < strokes; s++) {
        const [ax, ay, bx, by] = [random() * 5, random() * 8, random() * 5, random() * 8];
        if (!blank && keep(line, at)) {
          layers.push({ colour: ink, cover: stroke(left + ax, top + ay, left + bx, top + by, 1.1) });
        }
      }
    }
  }
  return indexed(paint(() => paper, layers), layers, width, height);
}

/** Discs, rings and boxes with smooth edges. */
export function shapes({ random, width, height, dx = 0, dy = 0, alpha = 1, paper = [0.96, 0.96, 0.98, 1], tint = [0, 0, 0], count = 9, without = -1 }) {
  const layers = [];
  for (let at = 0; at < count; at++) {
    const [x, y, r] = [random() * width + dx, random() * height + dy, 3 + (random() * Math.min(width, height)) / 5];
    const colour = [0, 1, 2].map((c) => clamp(random() + tint[c])).concat(alpha < 1 ? alpha * (0.3 + 0.7 * random()) : 1);
    const kind = at % 3;
    const cover = kind === 0 ? disc(x, y, r) : kind === 1 ? rounded(x - r, y - r / 2, 2 * r, r, r / 4) : ring(x, y, r, 2);
    if (at !== without) layers.push({ colour, cover });
  }
  return indexed(paint(() => paper, layers), layers, width, height);
}

/** From one colour to another, along a line or from the middle. */
export function gradient({ width, height, from, to, radial = false, angle = 0.5, push = 0 }) {
  return (x, y) => {
    const t = radial
      ? Math.hypot(x - width / 2, y - height / 2) / (width / 2)
      : (x * Math.cos(angle) + y * Math.sin(angle)) / (width + height);
    return from.map((value, c) => value + (to[c] - value) * clamp(t + push));
  };
}

/** Every sample at random, between two bounds. */
export function noise({ random, width, height, low = [0, 0, 0, 1], high = [1, 1, 1, 1] }) {
  const values = Array.from({ length: width * height }, () => low.map((value, c) => value + (high[c] - value) * random()));
  return (x, y) => values[y * width + x];
}

/** Soft waves with grain, as in a photograph. */
export function photo({ random, width, height, grain = 0.04, lift = 0 }) {
  const waves = Array.from({ length: 9 }, () => [random() * 0.2, random() * 0.2, random() * 6, Math.floor(random() * 3)]);
  const grains = Array.from({ length: width * height * 3 }, () => (random() - 0.5) * grain);
  return (x, y) => {
    const colour = [0.5 + lift, 0.45 + lift, 0.4 + lift];
    for (const [fx, fy, phase, c] of waves) colour[c] += 0.15 * Math.sin(fx * x + fy * y + phase);
    return colour.map((value, c) => clamp(value + grains[(y * width + x) * 3 + c])).concat(1);
  };
}

/** Squares of two colours, as fine as one pixel. */
export function checks({ size, a, b, shift = 0 }) {
  return (x, y) => ((Math.floor((x + shift) / size) + Math.floor(y / size)) % 2 ? a : b);
}

/** Changes the pixels for which `where` holds. */
export const change = (picture, where, how) => (x, y) => (where(x, y) ? how(picture(x, y), x, y) : picture(x, y));
export const box = (left, top, width, height) => (x, y) => x >= left && x < left + width && y >= top && y < top + height;

/** Computes a drawing once, since its layers are many. */
function indexed(picture, layers, width, height) {
  const values = [];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) values.push(picture(x, y));
  return (x, y) => values[y * width + x];
}
