// What the scripts beside this one have in common: a fixed source of randomness, ids of all kinds,
// and the lines that `gates/bucketing/tests/vectors.rs` reads.
//
// The SDKs are installed somewhere else, with npm, and found by a link that is not kept:
//   npm install --prefix DIR <the packages that a script's head names>
//   ln -s DIR/node_modules tests/oracle/bucketing/node_modules   (it is ignored)
//   node tests/oracle/bucketing/growthbook.mjs > gates/bucketing/tests/vectors/growthbook.jsonl

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

// Numbers of 0 <= n < 1 that a seed fixes (mulberry32).
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  next.whole = (below) => Math.floor(next() * below);
  next.of = (list) => list[next.whole(list.length)];
  next.maybe = (share) => next() < share;
  return next;
}

const ODD = [
  "josé1", "用户1", "ユーザー42", "😀", "a😀b", "👩‍👩‍👧", "Ωμέγα", "Ünïcödé", "e\u0301", "é",
  "مستخدم", "имя", "\u0000", "a b", " ", "\t", "a:b", "a.b", "a,b", "0", "-1", "00", "null",
  "undefined", "true", "NaN", "1e3", "%20", "\"quoted\"", "back\\slash", "\u2028", "\ufeff", "ß",
  "ﬁ", "İ", "ǅ", "x".repeat(63), "x".repeat(64), "x".repeat(65), "y".repeat(500),
  "é".repeat(100),
];

// Ids: short and long ones of ASCII, UUIDs, mail addresses, and one in `every` that is odd. The
// empty one is there when `empty` is not false.
export function ids(next, count, { every = 5, empty = true } = {}) {
  const hex = (digits) => Array.from({ length: digits }, () => next.whole(16).toString(16)).join("");
  const kinds = [
    () => `user-${next.whole(1000000)}`,
    () => hex(12),
    () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    () => String(next.whole(1000000000)),
    () => `u${next.whole(1000)}@example.com`,
  ];
  const all = empty ? [""] : [];
  let odd = 0;
  while (all.length < count) {
    if (all.length % every === 0) {
      const id = ODD[odd % ODD.length];
      all.push(odd < ODD.length ? id : `${id.slice(0, 40)}${next.whole(1000)}`);
      odd += 1;
    } else {
      all.push(next.of(kinds)());
    }
  }
  return all;
}

// Weights that are drawn, or that lie at an end.
export const WEIGHTS = [
  [0.5, 0.5], [0.333, 0.333, 0.334], [0, 1], [1, 0], [0.1, 0.9], [0.25, 0.25, 0.25, 0.25],
  [0.2, 0.3, 0.5], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.01, 0.99],
];

export function version(name) {
  const path = require.resolve.paths(name).map((at) => `${at}/${name}/package.json`);
  for (const at of path) {
    try {
      return `${name} ${require(at).version}`;
    } catch {
      // The next place.
    }
  }
  return name;
}

export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

let mentioned = null;

// What is asked for from here on. Attributes that its definition does not mention are left off the
// lines, though the SDK got them; where the definition refers to others, all of them count.
export function about(definition, whole) {
  const own = JSON.stringify(definition);
  const refers = /segment|prerequisite|dependenc|cohort|(pass|fail)_gate|in_split_treatment|\$ref|delegate|"flag"/i.test(own);
  mentioned = refers ? JSON.stringify(whole) : own;
}

function mentionedOnly(attributes) {
  if (mentioned === null || attributes === null || typeof attributes !== "object") return attributes;
  const kept = Object.entries(attributes).filter(([name]) => /^\$|^(user|org|kind|custom|customIDs|bucketingKey|key|sessionId|properties|statsigEnvironment)$/.test(name) || mentioned.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, /^(user|custom)$/.test(name) ? mentionedOnly(value) : value]));
}

// A subject and its answer; what is not given is left off.
export function subject(id, attributes, arm, bucket, extra) {
  const line = [id, mentionedOnly(attributes ?? null), arm ?? null, bucket ?? null];
  while (extra === undefined && line.length > 3 && line.at(-1) === null) line.pop();
  if (extra !== undefined && Object.keys(extra).length > 0) line.push(extra);
  say(line);
}
