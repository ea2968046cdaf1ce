// Writes PNG files of every kind the format has: the packages that can write them keep to a few.
import { crc32, deflateSync } from 'node:zlib';

/** The formats by name: colour type, bits per sample. */
export const FORMATS = {
  grey1: [0, 1], grey2: [0, 2], grey4: [0, 4], grey8: [0, 8], grey16: [0, 16],
  rgb8: [2, 8], rgb16: [2, 16],
  pal1: [3, 1], pal2: [3, 2], pal4: [3, 4], pal8: [3, 8],
  greya8: [4, 8], greya16: [4, 16],
  rgba8: [6, 8], rgba16: [6, 16],
};

const PASSES = [
  [0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2],
];

/**
 * Encodes a picture whose pixels are [r, g, b, a] with 16 bits each.
 * `clear` makes the colour of the first pixel the transparent one (grey and RGB); a palette takes
 * its transparency from the pixels.
 */
export function encode({ width, height, pixel }, format, { interlaced = false, clear = false, random }) {
  const [type, depth] = FORMATS[format];
  const samples = sampler(type, depth, width, height, pixel);
  const chunks = [chunk('IHDR', header(width, height, depth, type, interlaced))];
  if (type === 3) {
    chunks.push(chunk('PLTE', Buffer.from(samples.palette.flatMap((c) => c.slice(0, 3)))));
    if (samples.palette.some((c) => c[3] < 255)) {
      chunks.push(chunk('tRNS', Buffer.from(samples.palette.map((c) => c[3]))));
    }
  } else if (clear) {
    const bytes = Buffer.alloc(type === 2 ? 6 : 2);
    samples.at(0, 0).slice(0, bytes.length / 2).forEach((s, at) => bytes.writeUInt16BE(s, at * 2));
    chunks.push(chunk('tRNS', bytes));
  }
  const passes = interlaced ? PASSES : [[0, 0, 1, 1]];
  const data = passes.flatMap(([x0, y0, dx, dy]) => {
    const rows = [];
    for (let y = y0; y < height; y += dy) {
      const row = [];
      for (let x = x0; x < width; x += dx) row.push(samples.at(x, y));
      if (row.length) rows.push(pack(row, depth));
    }
    return filtered(rows, Math.max(1, (samples.count * depth) >> 3), random);
  });
  const packed = deflateSync(Buffer.concat(data), { level: 9 });
  // Two pieces, so that a reader has to put them together.
  const cut = packed.length >> 1;
  chunks.push(chunk('IDAT', packed.subarray(0, cut)), chunk('IDAT', packed.subarray(cut)));
  chunks.push(chunk('IEND', Buffer.alloc(0)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

function header(width, height, depth, type, interlaced) {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(height, 4);
  bytes.set([depth, type, 0, 0, interlaced ? 1 : 0], 8);
  return bytes;
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), out.length - 4);
  return out;
}

/** Gives the stored samples of a pixel. */
function sampler(type, depth, width, height, pixel) {
  const scale = (value) => (depth === 16 ? value : (value * (2 ** depth - 1) + 32767) / 65535 | 0);
  const grey = ([r, g, b]) => (r * 3 + g * 6 + b) / 10 | 0;
  if (type !== 3) {
    const parts = {
      0: (p) => [grey(p)], 2: (p) => p.slice(0, 3), 4: (p) => [grey(p), p[3]], 6: (p) => p,
    }[type];
    return { count: parts([0, 0, 0, 0]).length, at: (x, y) => parts(pixel(x, y)).map(scale) };
  }
  // The first colours that are met make the palette; others take the nearest of those.
  const palette = [];
  const known = new Map();
  const colour = (x, y) => pixel(x, y).map((value) => Math.round(value / 257));
  const distance = (a, b) => a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0);
  const index = (c) => {
    const key = c.join();
    if (!known.has(key)) {
      if (palette.length < 2 ** depth) known.set(key, palette.push(c) - 1);
      else known.set(key, palette.reduce((best, p, at) => (distance(p, c) < distance(palette[best], c) ? at : best), 0));
    }
    return known.get(key);
  };
  const indices = [];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) indices.push(index(colour(x, y)));
  return { count: 1, palette, at: (x, y) => [indices[y * width + x]] };
}

function pack(row, depth) {
  const samples = row.flat();
  if (depth === 16) return Buffer.from(samples.flatMap((s) => [s >> 8, s & 255]));
  const bytes = Buffer.alloc(Math.ceil((samples.length * depth) / 8));
  samples.forEach((s, at) => {
    const bit = at * depth;
    bytes[bit >> 3] |= s << (8 - depth - (bit & 7));
  });
  return bytes;
}

/** Puts a filter of random kind before each row. */
function filtered(rows, step, random) {
  const paeth = (a, b, c) => {
    const p = a + b - c;
    const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  };
  return rows.map((row, y) => {
    const kind = Math.floor(random() * 5);
    const out = Buffer.alloc(row.length + 1);
    out[0] = kind;
    row.forEach((value, at) => {
      const a = at >= step ? row[at - step] : 0;
      const b = y > 0 ? rows[y - 1][at] : 0;
      const c = y > 0 && at >= step ? rows[y - 1][at - step] : 0;
      out[at + 1] = value - [0, a, b, (a + b) >> 1, paeth(a, b, c)][kind];
    });
    return out;
  });
}
