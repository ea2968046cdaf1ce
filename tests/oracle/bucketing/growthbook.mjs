// What GrowthBook's JavaScript SDK answers. Run by hand: see vectors.mjs.
// Written with @growthbook/growthbook 1.8.0 on Node 20.

import { GrowthBook } from "@growthbook/growthbook";
import { WEIGHTS, ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8001);
say({ provider: "growthbook", sdk: version("@growthbook/growthbook") });

// Bare experiments: versions, seeds, weights, coverage, ranges, namespaces, filters.
const keys = ["hero", "spring-sale", "ключ", "a b", "x".repeat(50)];
for (let at = 0; at < 30; at += 1) {
  const weights = WEIGHTS[at % WEIGHTS.length];
  const experiment = { key: next.of(keys), variations: weights.map((_, arm) => `v${arm}`) };
  if (at % 3 !== 0) experiment.hashVersion = 1 + (at % 2);
  if (at % 4 !== 0) experiment.weights = at === 21 ? [0.2, 0.2] : weights;
  if (at % 5 === 1) experiment.seed = next.of(["seed-1", "", "ß", "-7"]);
  if (at % 3 === 1) experiment.coverage = next.of([0, 0.1, 0.5, 0.99, 1, 1.5, -1]);
  if (at % 7 === 2) experiment.namespace = ["page", 0.2, 0.8];
  if (at % 7 === 3) {
    experiment.filters = [{ seed: "f", ranges: [[0, 0.3], [0.6, 1]], attribute: "id" }];
  }
  if (at % 7 === 4) experiment.ranges = weights.map((_, arm) => [arm * 0.3, arm * 0.3 + 0.25]);
  if (at % 7 === 5) experiment.meta = weights.map((_, arm) => ({ key: `arm-${arm}` }));
  say({ config: experiment, key: experiment.key });
  for (const id of ids(next, 24)) {
    const gb = new GrowthBook({ attributes: { id } });
    const result = gb.run(experiment);
    const bucket = result.inExperiment ? result.bucket : null;
    subject(id, null, result.inExperiment ? result.key : null, bucket);
  }
}

// Conditions: each is the condition of an experiment with one arm at 100 %.
const leaf = (value) => ({ country: value });
const conditions = [
  leaf("DE"), leaf({ $eq: "DE" }), leaf({ $ne: "DE" }), leaf({ $in: ["DE", "FR", 5, null] }),
  leaf({ $nin: ["DE", 5] }), leaf({ $ini: ["de", "FR"] }), leaf({ $nini: ["de"] }),
  leaf({ $regex: "^D" }), leaf({ $regexi: "^d" }), leaf({ $regex: "a/b|\\d{2}(?=x)" }),
  leaf({ $exists: true }), leaf({ $exists: false }), leaf({ $not: { $in: ["DE"] } }),
  leaf({ $not: "DE" }), leaf(null), leaf(true), leaf(false), leaf(5), leaf(0), leaf({}), leaf([1]),
  leaf({ $gt: "B" }), leaf({ $lt: "E", $gt: "A" }), leaf({ $type: "string" }),
  leaf({ $type: "null" }), { age: { $gt: 18 } }, { age: { $gte: 18, $lt: 65 } },
  { age: { $lte: "20" } }, { age: 18 }, { age: "18" }, { age: { $type: "number" } },
  { version: { $vgt: "1.2.3" } }, { version: { $vgte: "1.2.3" } }, { version: { $vlt: "2.0.0" } },
  { version: { $vlte: "1.2.3-beta" } }, { version: { $veq: "v1.2.3+9" } },
  { version: { $vne: "1.2.3" } }, { version: { $vgt: 2 } }, { tags: { $size: 2 } },
  { tags: { $size: { $gt: 1 } } }, { tags: { $elemMatch: { $eq: "a" } } },
  { tags: { $elemMatch: { k: "v" } } }, { tags: { $all: ["a", "b"] } },
  { tags: { $alli: ["A", "b"] } }, { tags: { $in: ["a", "z"] } }, { tags: { $ini: ["A"] } },
  { tags: ["a", "b"] }, { "company.size": { $gt: 10 } }, { "company.name": "ÄCME" },
  { "tags.0": "a" }, { "tags.length": 2 }, { "company.tags.1.k": "v" },
  { $or: [leaf("DE"), { age: { $gt: 60 } }] }, { $or: [] }, { $nor: [leaf("DE"), { age: 18 }] },
  { $and: [leaf("DE"), { $or: [{ age: 18 }, { age: 20 }] }] }, { $and: [] }, { $not: leaf("DE") },
  { $not: { $or: [leaf("DE"), { $and: [{ age: { $gt: 1 } }, leaf("FR")] }] } },
  { id: { $inGroup: "list" } }, { id: { $notInGroup: "list" } }, { id: { $inGroup: "v2" } },
  { id: { $inGroup: "missing" } }, { id: { $notInGroup: "missing" } }, { id: { $notInGroup: "c" } },
  { $savedGroup: { id: "v2" } }, { $savedGroup: { id: "v2", attributeKey: "country" } },
  { $savedGroup: { id: "c" } }, { $savedGroup: { id: "loop" } }, { $savedGroup: { id: "list" } },
  { $savedGroup: { id: "missing" } }, { country: { $ne: null }, age: { $gt: 10 } },
  { id: { $regex: "^user-[0-4]" } }, { id: { $in: ["josé1"] } },
];
const savedGroups = {
  list: ["u1", "u2", "josé1", 5],
  v2: { type: "list", attributeKey: "id", values: ["u1", "u3", "DE"] },
  c: { type: "condition", condition: { $or: [leaf("DE"), { $savedGroup: { id: "v2" } }] } },
  loop: { type: "condition", condition: { $savedGroup: { id: "loop" } } },
};
const people = [
  {}, { country: "DE" }, { country: "de", age: 18 }, { country: "FR", age: 20.5, version: "1.2.3" },
  { country: null, age: null }, { country: true, age: "18" }, { country: "", age: 0 },
  { country: "D12x a/b", age: 64, version: "1.10.0" }, { country: 5, age: -1, version: "v1.2.3+build" },
  { country: ["DE", "US"], age: [18], version: 3 }, { country: {}, age: true, version: "1.2.3-beta.2" },
  { country: [1], tags: ["a", "b"], version: "2.0.0-rc.1" }, { country: "Ä", tags: ["A"] },
  { tags: [null, 0, "a"], company: { size: 50, name: "ÄCME", tags: [1, { k: "v" }] } },
  { tags: [{ k: "v" }, { k: "w" }], company: { size: "9" } }, { tags: "ab", company: null },
];
const named = ["u1", "u2", "u3", "josé1", "user-3"];
conditions.forEach((condition, at) => {
  const experiment = { key: `c${at}`, variations: [0, 1], weights: [0.5, 0.5], condition };
  const asked = /roup/.test(JSON.stringify(condition)) ? { experiments: [experiment], savedGroups } : { experiments: [experiment] };
  say({ config: asked, key: experiment.key });
  people.forEach((person, who) => {
    const id = named[(who + at) % named.length];
    const gb = new GrowthBook({ attributes: { ...person, id }, savedGroups });
    const result = gb.run(experiment);
    subject(id, person, result.inExperiment ? result.key : null, result.bucket);
  });
});

// Features: rules in order, rollouts, prerequisites, pass-through, other hash attributes.
const features = {
  plain: {
    defaultValue: "off",
    rules: [
      { condition: { beta: true }, force: "beta" },
      { force: "early", coverage: 0.2, hashAttribute: "id" },
      { force: "ranged", range: [0.2, 0.3], seed: "other", hashVersion: 2, coverage: 0.5 },
      { variations: ["a", "b"], weights: [0.5, 0.5], coverage: 0.6, hashVersion: 2, key: "exp-1",
        condition: { country: { $in: ["DE", "FR"] } }, meta: [{ key: "ctl" }, { key: "new" }] },
      { variations: [1, 2, 3], weights: [0.333, 0.333, 0.334], hashAttribute: "device",
        key: "exp-2", namespace: ["ns", 0, 0.7] },
    ],
  },
  held: {
    defaultValue: 0,
    rules: [
      { key: "holdout", variations: [0, 1], weights: [0.1, 0.9], hashVersion: 2,
        meta: [{ key: "hold" }, { key: "pass", passthrough: true }] },
      { key: "inner", variations: [5, 6], hashVersion: 2, filters: [
        { seed: "inner", ranges: [[0, 0.5]], hashVersion: 2, attribute: "id" }] },
      { force: 9, coverage: 0 }, { force: 8, coverage: 1 },
    ],
  },
  parent: { defaultValue: false, rules: [{ force: true, coverage: 0.5, seed: "p" }] },
  child: {
    defaultValue: "default",
    rules: [
      { parentConditions: [{ id: "parent", condition: { value: true }, gate: true }],
        variations: ["x", "y"], key: "child-exp" },
    ],
  },
  sibling: {
    defaultValue: "default",
    rules: [
      { parentConditions: [{ id: "parent", condition: { value: false } }], force: "no parent" },
      { parentConditions: [{ id: "unknown", condition: { value: { $exists: true } } }], force: "?" },
      { variations: ["x", "y", "z"], key: "sib" },
    ],
  },
  cycle: { defaultValue: 1, rules: [{ parentConditions: [{ id: "cycle2", condition: {} }], force: 2 }] },
  cycle2: { defaultValue: 1, rules: [{ parentConditions: [{ id: "cycle", condition: {} }], force: 2 }] },
  bandit: {
    defaultValue: "none",
    rules: [{ key: "mab", contextualVariations: ["a", "b"], weights: [0.5, 0.5], hashVersion: 2,
      contextualBanditRef: "cb" }],
  },
};
const contextualBandits = {
  cb: { banditVersion: 1, contexts: [
    { leafId: 1, condition: { country: "DE" }, weights: [0.9, 0.1] },
    { leafId: 2, condition: { country: "FR" }, weights: [0.1, 0.9] }] },
};
say({ config: { features, savedGroups, contextualBandits } });
for (const key of Object.keys(features)) {
  say({ key });
  for (const id of ids(next, 30)) {
    const attributes = {};
    if (next.maybe(0.5)) attributes.country = next.of(["DE", "FR", "US"]);
    if (next.maybe(0.1)) attributes.beta = true;
    if (next.maybe(0.7)) attributes.device = next.of(["d1", "gerät", 17, 3.5, 1e21, "", 0, true, [1, 2]]);
    const gb = new GrowthBook({ attributes: { ...attributes, id } });
    gb.initSync({ payload: { features, savedGroups, contextualBandits } });
    const result = gb.evalFeature(key);
    const run = result.source === "experiment" ? result.experimentResult : undefined;
    subject(id, attributes, run?.key, run?.bucket, { value: result.value });
  }
}

// Stored assignments, fallback attributes, versions, forced and asked-for variations, pages.
const sticky = {
  key: "st", variations: ["a", "b", "c"], hashVersion: 2, hashAttribute: "id", coverage: 0.7,
  fallbackAttribute: "device", bucketVersion: 3, minBucketVersion: 2,
  meta: [{ key: "0" }, { key: "b" }, { key: "2" }], condition: { country: "DE" },
};
const paged = {
  key: "pg", variations: [0, 1],
  urlPatterns: [
    { include: true, type: "simple", pattern: "https://*.example.com/shop/*?src=mail" },
    { include: true, type: "regex", pattern: "^/blog/\\d+" },
    { include: true, type: "simple", pattern: "www.example.org/a.b/" },
    { include: true, type: "simple", pattern: "/only-path#top" },
    { include: false, type: "simple", pattern: "*/shop/secret" },
  ],
};
const forcedVariations = { forced: 1, "forced-far": 7 };
const experiments = [
  sticky, paged, { ...sticky, key: "off", disableStickyBucketing: true },
  { ...sticky, key: "first", bucketVersion: undefined, minBucketVersion: undefined, fallbackAttribute: undefined },
  { key: "forced", variations: [0, 1] }, { key: "forced-far", variations: [0, 1] },
  { key: "draft", variations: [0, 1], status: "draft" }, { key: "inactive", variations: [0, 1], active: false },
  { key: "stopped", variations: [0, 1], status: "stopped" }, { key: "set", variations: [0, 1, 2], force: 2 },
  { key: "one", variations: [0] },
];
const urls = [
  undefined, "", "https://www.example.com/shop/x?src=mail", "https://a.b.example.com/shop/?src=MAIL",
  "https://example.com/shop/x?src=mail", "http://x.example.com/shop/secret?src=mail", "/blog/12",
  "https://any.com/blog/x", "https://WWW.example.org/a.b", "https://www.example.org/axb",
  "https://h.com/only-path#top", "https://h.com/only-path?pg=1&st=2#x", "https://h.com/?pg=1&forced=0",
  "?pg=0", "https://h.com/?st=1x&set=9&one=0", "https://h.com:8080/only-path/?a=b#top", "https://h.com/?st=-1&st=1",
];
say({ config: { experiments, forcedVariations } });
for (const experiment of experiments) {
  say({ key: experiment.key });
  for (const id of ids(next, 36, { every: 6 })) {
    const attributes = {};
    if (next.maybe(0.7)) attributes.country = next.of(["DE", "DE", "FR"]);
    if (next.maybe(0.7)) attributes.device = next.of(["d1", "gerät", 17, ""]);
    const url = experiment.key === "pg" || next.maybe(0.3) ? next.of(urls) : undefined;
    const docs = {};
    const keep = next.maybe(0.7);
    if (keep && next.maybe(0.6)) {
      const kept = { [`${experiment.key}__${next.of([0, 1, 2, 3])}`]: next.of(["0", "b", "2", "zz"]) };
      docs[`id||${id}`] = { attributeName: "id", attributeValue: id, assignments: kept };
    }
    if (keep && attributes.device !== undefined && next.maybe(0.5)) {
      const name = `device||${attributes.device}`;
      const kept = { [`${experiment.key}__${next.of([1, 3, 3])}`]: next.of(["0", "b"]) };
      docs[name] = { attributeName: "device", attributeValue: String(attributes.device), assignments: kept };
    }
    const stored = structuredClone(docs);
    const gb = new GrowthBook({
      attributes: { ...attributes, id }, url, forcedVariations,
      ...(keep ? {
        stickyBucketService: {
          getAssignments: async () => null, saveAssignments: async () => {}, getAllAssignments: async () => ({}),
        },
        stickyBucketAssignmentDocs: docs,
      } : {}),
    });
    const result = gb.run(experiment);
    const extra = {};
    if (url !== undefined) extra.url = url;
    if (keep) extra.stored = stored;
    subject(id, attributes, result.inExperiment ? result.key : null,
      result.inExperiment ? result.bucket : null, extra);
  }
}
