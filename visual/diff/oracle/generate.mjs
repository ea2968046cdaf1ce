// Writes pictures/*.png and cases.json: what pixelmatch says about each pair.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';
import { encode } from './png.mjs';
import { box, change, checks, gradient, noise, photo, randomFrom, shapes, text } from './scenes.mjs';

const PICTURES = new URL('pictures/', import.meta.url);
const THRESHOLDS = [0, 0.02, 0.1, 0.25, 0.6];
const WHITE = [1, 1, 1, 1];
const CLEAR = [0, 0, 0, 0];

const pairs = [];
/** Two drawings of one size, written in one or two formats. */
function pair(name, [width, height], before, after, formats = ['rgba8'], how = {}) {
  pairs.push({ name, width, height, before, after, formats: [formats[0], formats[formats.length - 1]], how });
}
/** Draws twice from the same numbers, the second time with other settings. */
const twice = (scene, seed, size, first, second) =>
  [first, second].map((settings) => scene({ random: randomFrom(seed), width: size[0], height: size[1], ...settings }));

const PAGE = [120, 84];
const SMALL = [72, 56];

// Text: edges everywhere, as in a page.
pair('text-same', PAGE, ...twice(text, 1, PAGE, {}, {}), ['rgb8', 'rgba8']);
pair('text-subpixel', PAGE, ...twice(text, 2, PAGE, {}, { dx: 0.3 }), ['rgb8']);
pair('text-subpixel-down', PAGE, ...twice(text, 3, PAGE, {}, { dy: 0.5 }), ['rgba8']);
pair('text-shifted', PAGE, ...twice(text, 4, PAGE, {}, { dx: 1 }), ['rgb8']);
pair('text-shifted-down', PAGE, ...twice(text, 5, PAGE, {}, { dy: 2 }), ['grey8']);
pair('text-recoloured', PAGE, ...twice(text, 6, PAGE, {}, { ink: [0.1, 0.2, 0.7, 1] }), ['rgb8']);
pair('text-fainter', PAGE, ...twice(text, 7, PAGE, {}, { ink: [0.4, 0.4, 0.4, 1] }), ['grey8', 'rgb8']);
pair('text-line-removed', PAGE, ...twice(text, 8, PAGE, {}, { keep: (line) => line !== 2 }), ['pal8']);
pair('text-word-added', PAGE, ...twice(text, 9, PAGE, { keep: (line, at) => line !== 1 || at < 4 }, {}), ['pal4', 'rgb8']);
pair('text-other', PAGE, text({ random: randomFrom(10), width: 120, height: 84 }), text({ random: randomFrom(11), width: 120, height: 84 }), ['grey4']);
pair('text-dark', PAGE, ...twice(text, 12, PAGE, { ink: WHITE, paper: [0.1, 0.1, 0.12, 1] }, { ink: WHITE, paper: [0.1, 0.1, 0.12, 1], dx: 0.4 }), ['rgb16']);
pair('text-on-nothing', PAGE, ...twice(text, 13, PAGE, { paper: CLEAR }, { paper: CLEAR, dx: 0.35 }), ['rgba8']);
pair('text-half-clear', PAGE, ...twice(text, 14, PAGE, { ink: [0, 0, 0, 0.5], paper: [1, 1, 1, 0.4] }, { ink: [0, 0, 0, 0.55], paper: [1, 1, 1, 0.4], dy: 0.2 }), ['rgba8']);

// Shapes with smooth edges.
pair('shapes-subpixel', PAGE, ...twice(shapes, 20, PAGE, {}, { dx: 0.4, dy: 0.2 }), ['rgb8']);
pair('shapes-shifted', PAGE, ...twice(shapes, 21, PAGE, {}, { dx: 1 }), ['rgba8', 'rgb8']);
pair('shapes-tinted', PAGE, ...twice(shapes, 22, PAGE, {}, { tint: [0.05, -0.04, 0] }), ['rgb8']);
pair('shapes-one-gone', PAGE, ...twice(shapes, 23, PAGE, {}, { without: 4 }), ['rgb8']);
pair('shapes-wide', [251, 31], ...twice(shapes, 24, [251, 31], {}, { dx: 0.25 }), ['rgb8']);
pair('shapes-tall', [29, 240], ...twice(shapes, 25, [29, 240], {}, { dy: 0.5 }), ['rgb8']);
pair('shapes-paper', PAGE, ...twice(shapes, 26, PAGE, {}, { paper: WHITE }), ['rgb8']);
pair('shapes-many', PAGE, ...twice(shapes, 27, PAGE, { count: 40 }, { count: 40, dx: 0.5 }), ['rgb8']);
pair('shapes-clear', PAGE, ...twice(shapes, 28, PAGE, { alpha: 0.6, paper: CLEAR }, { alpha: 0.6, paper: CLEAR, dx: 0.5 }));
pair('shapes-clear-shifted', PAGE, ...twice(shapes, 29, PAGE, { alpha: 0.8, paper: CLEAR }, { alpha: 0.7, paper: CLEAR, dx: 1 }));
pair('shapes-clear-over-opaque', PAGE, ...twice(shapes, 30, PAGE, { paper: CLEAR }, { paper: WHITE }));
pair('shapes-clear-16', SMALL, ...twice(shapes, 31, SMALL, { alpha: 0.5, paper: CLEAR }, { alpha: 0.5, paper: CLEAR, dy: 0.3 }), ['rgba16']);

// Gradients: small steps, on both sides of any threshold.
const warm = { from: [0.9, 0.5, 0.1, 1], to: [0.2, 0.1, 0.6, 1] };
const size = (s) => ({ width: s[0], height: s[1] });
pair('gradient-pushed', PAGE, gradient({ ...size(PAGE), ...warm }), gradient({ ...size(PAGE), ...warm, push: 0.03 }), ['rgb8']);
pair('gradient-turned', PAGE, gradient({ ...size(PAGE), ...warm }), gradient({ ...size(PAGE), ...warm, angle: 0.9 }), ['rgb8']);
pair('gradient-radial', PAGE, gradient({ ...size(PAGE), ...warm, radial: true }), gradient({ ...size(PAGE), ...warm, radial: true, push: 0.1 }), ['rgb16', 'rgb8']);
pair('gradient-alpha', PAGE, gradient({ ...size(PAGE), from: [1, 0, 0, 0], to: [0, 0, 1, 1] }), gradient({ ...size(PAGE), from: [1, 0, 0, 0], to: [0, 0, 1, 1], push: 0.08 }));
pair('gradient-alpha-only', SMALL, gradient({ ...size(SMALL), from: [0.2, 0.7, 0.4, 0], to: [0.2, 0.7, 0.4, 1] }), gradient({ ...size(SMALL), from: [0.2, 0.7, 0.4, 1], to: [0.2, 0.7, 0.4, 0] }));
pair('gradient-grey-deep', SMALL, gradient({ ...size(SMALL), from: [0, 0, 0, 1], to: WHITE }), gradient({ ...size(SMALL), from: [0, 0, 0, 1], to: WHITE, push: 0.002 }), ['grey16']);
pair('gradient-grey-alpha-deep', SMALL, gradient({ ...size(SMALL), from: [0, 0, 0, 0.3], to: WHITE }), gradient({ ...size(SMALL), from: [0, 0, 0, 0.3], to: WHITE, push: 0.05 }), ['greya16', 'greya8']);

// Noise: every neighbourhood there can be.
const low = [0, 0, 0, 1];
const noisy = (seed, s, bounds = {}) => noise({ random: randomFrom(seed), width: s[0], height: s[1], ...bounds });
pair('noise', [48, 40], noisy(40, [48, 40]), noisy(41, [48, 40]), ['rgb8']);
pair('noise-alpha', [48, 40], noisy(42, [48, 40], { low: CLEAR }), noisy(43, [48, 40], { low: CLEAR }));
pair('noise-alpha-faint', [48, 40], noisy(44, [48, 40], { low: CLEAR, high: [0.2, 0.2, 0.2, 0.2] }), noisy(45, [48, 40], { low: CLEAR, high: [0.2, 0.2, 0.2, 0.2] }));
pair('noise-narrow', [64, 48], noisy(46, [64, 48], { low: [0.4, 0.4, 0.4, 1], high: [0.6, 0.6, 0.6, 1] }), noisy(47, [64, 48], { low: [0.4, 0.4, 0.4, 1], high: [0.6, 0.6, 0.6, 1] }), ['rgb8']);
pair('noise-two-greys', [96, 80], noisy(48, [96, 80]), noisy(49, [96, 80]), ['grey1']);
pair('noise-four-greys', [80, 64], noisy(50, [80, 64]), noisy(51, [80, 64]), ['grey2']);
pair('noise-sixteen-greys', [64, 48], noisy(52, [64, 48]), noisy(53, [64, 48]), ['grey4']);
pair('noise-palette-2', [64, 48], noisy(54, [64, 48]), noisy(55, [64, 48]), ['pal1']);
pair('noise-palette-4', [64, 48], noisy(56, [64, 48], { low: CLEAR }), noisy(57, [64, 48], { low: CLEAR }), ['pal2']);
pair('noise-palette-16', [64, 48], noisy(58, [64, 48], { low: CLEAR }), noisy(59, [64, 48], { low: CLEAR }), ['pal4']);
pair('noise-palette-256', [48, 40], noisy(60, [48, 40], { low: CLEAR }), noisy(61, [48, 40], { low: CLEAR }), ['pal8']);
pair('noise-deep', [32, 24], noisy(62, [32, 24], { low: CLEAR }), noisy(63, [32, 24], { low: CLEAR }), ['rgba16']);
pair('noise-over-flat', PAGE, checks({ size: 1000, a: WHITE, b: WHITE }), change(checks({ size: 1000, a: WHITE, b: WHITE }), box(30, 20, 25, 20), (_, x, y) => noisy(64, PAGE, { low })(x, y)), ['rgb8']);

// Photographs.
const shot = (seed, more) => photo({ random: randomFrom(seed), width: 88, height: 60, ...more });
pair('photo-lifted', [88, 60], shot(70), shot(70, { lift: 0.03 }), ['rgb8']);
pair('photo-grain', [88, 60], shot(71), shot(71, { grain: 0.12 }), ['rgb8']);
pair('photo-box', [88, 60], shot(72), change(shot(72), box(20, 20, 30, 16), () => [0.9, 0.1, 0.1, 1]), ['rgb8']);
pair('photo-faded', [88, 60], shot(73), change(shot(73), box(0, 0, 44, 60), ([r, g, b]) => [r, g, b, 0.85]));

// Fine patterns: ties between neighbours, borders, corners.
const red = [0.8, 0.1, 0.1, 1];
pair('checks-moved', SMALL, checks({ size: 1, a: WHITE, b: red }), checks({ size: 1, a: WHITE, b: red, shift: 1 }), ['pal1']);
pair('checks-coarse', SMALL, checks({ size: 3, a: WHITE, b: red }), checks({ size: 3, a: WHITE, b: red, shift: 1 }), ['rgb8', 'pal2']);
pair('border', SMALL, () => WHITE, (x, y) => (x === 0 || y === 0 || x === 71 || y === 55 ? red : WHITE), ['rgb8']);
pair('corners', SMALL, () => WHITE, (x, y) => ((x < 2 || x > 69) && (y < 2 || y > 53) ? red : WHITE), ['rgb8']);
pair('single-pixels', SMALL, () => WHITE, (x, y) => (x % 9 === 4 && y % 7 === 3 ? red : WHITE), ['rgb8']);
pair('hairlines', SMALL, (x) => (x % 8 === 2 ? red : WHITE), (x) => (x % 8 === 3 ? red : WHITE), ['rgb8']);
pair('equal-luma', SMALL, noisy(80, SMALL), change(noisy(80, SMALL), () => true, ([r, g, b]) => [b, g, r, 1]), ['rgb8']);

// Sizes at which every pixel lies on a border.
for (const [width, height] of [[1, 1], [1, 9], [9, 1], [2, 2], [3, 3], [2, 7], [5, 4]]) {
  pair(`tiny-${width}x${height}`, [width, height], noisy(90, [width, height]), noisy(91, [width, height], { low: CLEAR }), ['rgba8']);
}

// A colour that stands for nothing.
pair('clear-rgb', PAGE, ...twice(text, 100, PAGE, {}, { dx: 0.3 }), ['rgb8'], { clear: true });
pair('clear-grey', PAGE, ...twice(text, 101, PAGE, {}, { dx: 1 }), ['grey8'], { clear: true });
pair('clear-grey-2', PAGE, ...twice(text, 102, PAGE, {}, { dy: 1 }), ['grey2'], { clear: true });
pair('clear-rgb-deep', SMALL, ...twice(shapes, 103, SMALL, {}, { dx: 0.4 }), ['rgb16'], { clear: true });
pair('clear-grey-deep', SMALL, ...twice(shapes, 104, SMALL, {}, { dx: 0.4 }), ['grey16'], { clear: true });

// Interlaced.
for (const format of ['rgb8', 'rgba8', 'rgba16', 'grey1', 'grey4', 'pal2', 'pal8', 'greya8']) {
  const s = [61, 45];
  pair(`interlaced-${format}`, s, ...twice(shapes, 110, s, { paper: WHITE }, { paper: WHITE, dx: 0.5 }), [format], { interlaced: true });
}
pair('interlaced-narrow', [3, 5], noisy(120, [3, 5]), noisy(121, [3, 5]), ['rgb8'], { interlaced: true });

rmSync(PICTURES, { recursive: true, force: true });
mkdirSync(PICTURES);
const cases = pairs.map(({ name, width, height, before, after, formats, how }, at) => {
  const sides = [before, after].map((draw, side) => {
    const random = randomFrom(1000 + at * 2 + side);
    const pixel = (x, y) => draw(x, y).map((value) => Math.round(Math.min(1, Math.max(0, value)) * 65535));
    const png = encode({ width, height, pixel }, formats[side], { ...how, random });
    const file = `${name}-${side ? 'b' : 'a'}.png`;
    writeFileSync(new URL(file, PICTURES), png);
    return { file, data: PNG.sync.read(png).data };
  });
  const [a, b] = sides;
  const counts = THRESHOLDS.flatMap((threshold) =>
    [false, true].map((includeAA) => ({
      threshold,
      count_antialiased: includeAA,
      changed: pixelmatch(a.data, b.data, undefined, width, height, { threshold, includeAA }),
    })));
  return { name, width, height, baseline: { file: a.file, crc32: crc32(a.data) }, candidate: { file: b.file, crc32: crc32(b.data) }, counts };
});
const lines = cases.map((one) => `  ${JSON.stringify(one)}`).join(',\n');
writeFileSync(new URL('cases.json', import.meta.url), `{"pixelmatch": "7.2.0", "pngjs": "7.0.0", "cases": [\n${lines}\n]}\n`);
console.log(`${cases.length} pairs in ${readdirSync(PICTURES).length} pictures`);
