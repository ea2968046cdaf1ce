// What Split's JavaScript SDK answers. Run by hand: see vectors.mjs.
// Written with @splitsoftware/splitio-commons 3.1.0 on Node 20, its own evaluator on definitions in memory.

import evaluatorModule from "@splitsoftware/splitio-commons/cjs/evaluator/index.js";
import murmurModule from "@splitsoftware/splitio-commons/cjs/utils/murmur3/murmur3.js";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8007);
say({ provider: "split", sdk: version("@splitsoftware/splitio-commons") });
for (const id of ids(next, 200)) {
  const seed = next.of([0, 1, -1, 1684183541, -2147483648, 4294967295]);
  say({ hash: { id, seed: String(seed) }, bucket: murmurModule.bucket(id, seed) });
}
const matcher = (matcherType, more = {}, attribute) => ({ matcherType, negate: false, keySelector: { trafficType: "user", attribute: attribute ?? null }, ...more });
const list = (...whitelist) => ({ whitelistMatcherData: { whitelist } });
const parts = (...sizes) => sizes.map((size, at) => ({ treatment: ["off", "on", "third"][at], size }));
const condition = (matchers, partitions, conditionType = "ROLLOUT") => ({ conditionType, matcherGroup: { combiner: "AND", matchers }, partitions, label: "l" });
const everyone = (...sizes) => condition([matcher("ALL_KEYS")], parts(...sizes));
const splits = {
  half: { conditions: [everyone(50, 50)] }, thirds: { conditions: [everyone(33, 33, 34)] }, none: { conditions: [everyone(0, 100)] }, all: { conditions: [everyone(100)] },
  part: { trafficAllocation: 30, conditions: [everyone(50, 50)] }, closed: { trafficAllocation: 0, conditions: [everyone(50, 50)] },
  negative: { seed: -1222652054, trafficAllocationSeed: -1848205083, trafficAllocation: 80, conditions: [everyone(10, 90)] },
  listed: { trafficAllocation: 20, conditions: [condition([matcher("WHITELIST", list("u1", "josé1"))], parts(0, 100), "WHITELIST"), everyone(50, 50)] },
  killed: { killed: true, conditions: [everyone(0, 100)] }, archived: { status: "ARCHIVED", conditions: [everyone(0, 100)] },
  nobody: { conditions: [condition([matcher("WHITELIST", list("u1"))], parts(0, 100))] },
  needs: { prerequisites: [{ n: "half", ts: ["on"] }], conditions: [everyone(0, 100)] },
};
const numeric = (value, dataType = "NUMBER") => ({ unaryNumericMatcherData: { dataType, value } });
const day = 1767225600000;
[
  matcher("WHITELIST", list("DE", "5"), "country"), matcher("STARTS_WITH", list("D", "é"), "country"), matcher("ENDS_WITH", list("E"), "country"), matcher("CONTAINS_STRING", list("R"), "country"),
  matcher("MATCHES_STRING", { stringMatcherData: "^D|\\d" }, "country"), matcher("EQUAL_TO", numeric(18), "age"), matcher("GREATER_THAN_OR_EQUAL_TO", numeric(18), "age"),
  matcher("LESS_THAN_OR_EQUAL_TO", numeric(18), "age"), matcher("BETWEEN", { betweenMatcherData: { dataType: "NUMBER", start: 0, end: 18 } }, "age"),
  matcher("EQUAL_TO", numeric(day, "DATETIME"), "since"), matcher("GREATER_THAN_OR_EQUAL_TO", numeric(day, "DATETIME"), "since"), matcher("BETWEEN", { betweenMatcherData: { dataType: "DATETIME", start: day, end: day + 90000 } }, "since"),
  matcher("EQUAL_TO_SET", list("a", "b"), "tags"), matcher("CONTAINS_ANY_OF_SET", list("a", "z"), "tags"), matcher("CONTAINS_ALL_OF_SET", list("a", "b"), "tags"), matcher("PART_OF_SET", list("a", "b", "1"), "tags"),
  matcher("EQUAL_TO_BOOLEAN", { booleanMatcherData: true }, "beta"), matcher("EQUAL_TO_BOOLEAN", { booleanMatcherData: false }, "beta"), matcher("EQUAL_TO_SEMVER", { stringMatcherData: "1.2.3" }, "version"),
  matcher("GREATER_THAN_OR_EQUAL_TO_SEMVER", { stringMatcherData: "1.2.3-beta.2" }, "version"), matcher("LESS_THAN_OR_EQUAL_TO_SEMVER", { stringMatcherData: "1.10.0" }, "version"),
  matcher("IN_LIST_SEMVER", list("1.2.3", "2.0.0"), "version"), matcher("BETWEEN_SEMVER", { betweenStringMatcherData: { start: "1.0.0", end: "1.9.9" } }, "version"),
  matcher("IN_SPLIT_TREATMENT", { dependencyMatcherData: { split: "half", treatments: ["on"] } }), matcher("IN_SEGMENT", { userDefinedSegmentMatcherData: { segmentName: "members" } }),
  { ...matcher("WHITELIST", list("DE"), "country"), negate: true }, { ...matcher("EQUAL_TO_SET", list("a"), "tags"), negate: true },
].forEach((one, at) => {
  splits[`m${at}`] = { conditions: [condition([one], parts(0, 100))] };
});
const segments = { members: ["u1", "josé1"] };
const all = Object.entries(splits).map(([name, split]) => ({
  name, trafficTypeName: "user", seed: 1684183541, trafficAllocation: 100, trafficAllocationSeed: 301711069, status: "ACTIVE", killed: false, defaultTreatment: "default", changeNumber: 1, algo: 2, ...split,
}));
say({ config: { ff: { d: all }, segments } });
const storage = {
  definitions: { get: (name) => all.find((split) => split.name === name) ?? null },
  segments: { isInSegment: (name, key) => segments[name]?.includes(key) ?? false }, rbSegments: { get: () => null },
};
const log = { debug() {}, info() {}, warn() {}, error() {} };
for (const split of all) {
  say({ key: split.name });
  about(split, all);
  for (const id of ids(next, /^m\d/.test(split.name) ? 17 : 38, { empty: false })) {
    const who = next.maybe(0.15) ? next.of(["u1", "josé1"]) : id;
    const given = {};
    if (next.maybe(0.8)) given.country = next.of(["DE", "FR", "é1", 5, true, null, ""]);
    if (next.maybe(0.8)) given.age = next.of([18, 18.5, "18", "old", -1, ""]);
    if (next.maybe(0.8)) given.since = next.of([day, day + 61000, day - 1, day + 86400000, "x"]);
    if (next.maybe(0.8)) given.tags = next.of([["a", "b"], ["a"], ["b", "a", "a"], [], "a", [1]]);
    if (next.maybe(0.8)) given.beta = next.of([true, false, "TRUE", "false", "no"]);
    if (next.maybe(0.8)) given.version = next.of(["1.2.3", "1.2.3-beta.10", "1.10.0", "1.2", "2.0.0", "1.2.3+b"]);
    let key = who;
    if (next.maybe(0.2)) {
      given.bucketingKey = next.of(["b1", "ключ"]);
      key = { matchingKey: who, bucketingKey: given.bucketingKey };
    }
    const { treatment } = evaluatorModule.evaluateFeature(log, key, split.name, given, storage);
    subject(who, given, treatment === "control" ? null : treatment);
  }
}
