// What LaunchDarkly's Node SDK answers. Run by hand: see vectors.mjs.
// Written with @launchdarkly/node-server-sdk 9.13.7 on Node 20, fed by its own file data source.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { init, integrations } from "@launchdarkly/node-server-sdk";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8004);
say({ provider: "launchdarkly", sdk: version("@launchdarkly/node-server-sdk"), settings: { "zero-seed": "no" } });

const split = (...weights) => weights.map((weight, variation) => ({ variation, weight }));
const rollout = (weights, more = {}) => ({ rollout: { variations: split(...weights), ...more } });
const clause = (attribute, op, values, more = {}) => ({ attribute, op, values, contextKind: "user", ...more });
const when = (clauses, serves = { variation: 1 }) => ({ rules: [{ id: "r", clauses, ...serves }], fallthrough: { variation: 0 } });
const flags = {
  half: { fallthrough: rollout([50000, 50000]) },
  thirds: { fallthrough: rollout([33300, 33300, 33400]), variations: ["a", "b", "c"] },
  short: { fallthrough: rollout([10000, 20000, 30000]), variations: ["a", "b", "c"] },
  none: { fallthrough: rollout([0, 100000]) },
  seeded: { fallthrough: rollout([50000, 50000], { seed: 61, kind: "experiment" }) },
  zeroSeed: { fallthrough: rollout([30000, 70000], { seed: 0, kind: "experiment", bucketBy: "email" }) },
  unseeded: { fallthrough: rollout([50000, 50000], { kind: "experiment" }) },
  untracked: { fallthrough: { rollout: { kind: "experiment", seed: 7, variations: [
    { variation: 0, weight: 10000 }, { variation: 1, weight: 10000 }, { variation: 0, weight: 80000, untracked: true }] } } },
  byEmail: { fallthrough: rollout([50000, 50000], { bucketBy: "email" }) },
  byAge: { fallthrough: rollout([50000, 50000], { bucketBy: "age" }) },
  byPath: { fallthrough: rollout([50000, 50000], { bucketBy: "/address/zip", contextKind: "user" }) },
  byOrg: { fallthrough: rollout([50000, 50000], { contextKind: "org" }) },
  emptySalt: { salt: "", fallthrough: rollout([50000, 50000]) },
  targeted: { targets: [{ values: ["u1", "josé1"], variation: 1 }], contextTargets: [{ contextKind: "org", values: ["o1"], variation: 0 }, { contextKind: "user", values: [], variation: 1 }], fallthrough: rollout([50000, 50000]) },
  users: { targets: [{ values: ["u1", "josé1"], variation: 1 }, { values: ["u2"], variation: 0 }], fallthrough: rollout([50000, 50000]) },
  off: { on: false, offVariation: 1, fallthrough: { variation: 0 } },
  offNone: { on: false, fallthrough: { variation: 0 } },
  child: { prerequisites: [{ key: "half", variation: 1 }], offVariation: 0, fallthrough: rollout([0, 100000]) },
  childOff: { prerequisites: [{ key: "off", variation: 1 }], offVariation: 0, fallthrough: { variation: 1 } },
  orphan: { prerequisites: [{ key: "gone", variation: 1 }], offVariation: 0, fallthrough: { variation: 1 } },
  booleans: { variations: [true, false], fallthrough: rollout([50000, 50000]) },
  same: { variations: ["x", "x", "y"], fallthrough: rollout([30000, 30000, 40000]) },
  ruled: { rules: [
    { id: "1", clauses: [clause("country", "in", ["DE"])], ...rollout([20000, 80000]) },
    { id: "2", clauses: [clause("", "segmentMatch", ["members"])], variation: 1 },
    { id: "3", clauses: [clause("email", "endsWith", [".com"]), clause("age", "greaterThan", [18])], ...rollout([50000, 50000], { seed: 5, kind: "experiment" }) }],
    fallthrough: { variation: 0 } },
};
const clauses = [
  clause("country", "in", ["DE", 5, true]), clause("country", "in", ["DE"], { negate: true }), clause("country", "startsWith", ["D", "Ä"]),
  clause("country", "contains", ["E"]), clause("country", "matches", ["^D(?=E)", "\\d"]), clause("age", "lessThan", [18]),
  clause("age", "lessThanOrEqual", [18]), clause("age", "greaterThanOrEqual", [18.5]), clause("age", "in", [18, "18"]),
  clause("since", "before", ["2026-01-01T00:00:00Z"]), clause("since", "after", [1767225600000]), clause("since", "before", ["bad"], { negate: true }),
  clause("version", "semVerEqual", ["1.2.0"]), clause("version", "semVerLessThan", ["1.10", "0.1.0"]), clause("version", "semVerGreaterThan", ["1.2.3-beta.2"]),
  clause("kind", "in", ["org"]), clause("kind", "in", ["user"], { negate: true }), clause("/address/zip", "in", [12345]), clause("/address/a~1b", "in", ["x"]),
  clause("tags", "in", ["a"]), clause("tags", "in", ["a"], { negate: true }), clause("name", "in", ["N"], { contextKind: "org" }), clause("address", "in", ["x"]),
  clause("", "segmentMatch", ["members"]), clause("", "segmentMatch", ["part"]), clause("", "segmentMatch", ["gone", "nested"]), clause("", "segmentMatch", ["members"], { negate: true }),
  clause("", "segmentMatch", ["orgs"]), clause("", "segmentMatch", ["partOrg"]), clause("key", "in", ["u1", "u2"]), clause("anonymous", "in", [true]),
];
clauses.forEach((one, at) => {
  flags[`c${at}`] = when([one]);
});
const segments = {
  members: { included: ["u1", "josé1"], excluded: ["u2"], rules: [{ clauses: [clause("country", "in", ["DE"])] }] },
  part: { included: [], excluded: ["u1"], rules: [{ clauses: [clause("age", "greaterThan", [0])], weight: 40000 }, { clauses: [clause("country", "in", ["FR"])], weight: 50000, bucketBy: "email" }] },
  nested: { rules: [{ clauses: [clause("", "segmentMatch", ["members"])] }] },
  orgs: { includedContexts: [{ contextKind: "org", values: ["o1"] }], excludedContexts: [{ contextKind: "org", values: ["o2"] }], rules: [{ clauses: [clause("name", "in", ["N"], { contextKind: "org" })] }] },
  partOrg: { rules: [{ clauses: [clause("age", "greaterThan", [0])], weight: 60000, rolloutContextKind: "org", bucketBy: "key" }] },
};
for (const [key, flag] of Object.entries(flags)) {
  flags[key] = { key, version: 1, on: true, salt: "s4lt", variations: ["control", "new"], ...flag };
}
for (const [key, segment] of Object.entries(segments)) segments[key] = { key, version: 1, salt: "segsalt", ...segment };
say({ config: { flags, segments } });

const file = `${mkdtempSync(`${tmpdir()}/oracle-`)}/flags.json`;
writeFileSync(file, JSON.stringify({ flags, segments }));
const client = init("sdk", {
  updateProcessor: new integrations.FileDataSourceFactory({ paths: [file] }).getFactory(),
  sendEvents: false, diagnosticOptOut: true, logger: { debug() {}, info() {}, warn() {}, error() {} },
});
await client.waitForInitialization({ timeout: 5 });

const names = (values) => {
  const all = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return new Set(all).size === all.length ? all : all.map((_, at) => String(at));
};
for (const [key, flag] of Object.entries(flags)) {
  say({ key });
  about(flag, [flags, segments]);
  const called = names(flag.variations);
  for (const id of ids(next, /^c\d/.test(key) ? 15 : 28, { empty: false })) {
    const who = next.maybe(0.15) ? next.of(["u1", "u2", "josé1"]) : id;
    const user = {};
    if (next.maybe(0.8)) user.country = next.of(["DE", "FR", "Ä1", 5, true, ""]);
    if (next.maybe(0.8)) user.age = next.of([18, 18.5, 64, "18", -3, 1e21, null]);
    if (next.maybe(0.8)) user.email = next.of(["a@x.com", "é@x.org", 12]);
    if (next.maybe(0.7)) user.version = next.of(["1.2", "1.2.3", "1.2.3-beta.10", "1.10.0", "2", "v1.2.3", "1.2.3.4"]);
    if (next.maybe(0.7)) user.since = next.of(["2025-06-01T00:00:00Z", 1767225600001, "2026-02-01T00:00:00.5+01:00", "2025-01-01", 0]);
    if (next.maybe(0.5)) user.tags = next.of([["a", "b"], [], ["c"], "a"]);
    if (next.maybe(0.5)) user.address = next.of([{ zip: 12345, "a/b": "x" }, { zip: "12345" }, { zip: 1.5 }]);
    if (next.maybe(0.2)) user.anonymous = true;
    let given = { kind: "user", ...user };
    let context = { ...given, key: who };
    if (next.maybe(0.3)) {
      const org = { key: next.of(["o1", "o2", "örg"]) };
      if (next.maybe(0.5)) org.name = next.of(["N", "M"]);
      given = { kind: "multi", user, org };
      context = { kind: "multi", user: { ...user, key: who }, org };
    }
    const detail = await client.variationDetail(key, context, null);
    const at = detail.variationIndex;
    const extra = detail.value === null ? {} : { value: detail.value };
    subject(who, given, at === null || at === undefined ? null : called[at], null, extra);
  }
}
client.close();
process.exit(0);
