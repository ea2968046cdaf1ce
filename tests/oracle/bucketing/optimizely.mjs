// What Optimizely's JavaScript SDK answers. Run by hand: see vectors.mjs.
// Written with @optimizely/optimizely-sdk 6.6.1 on Node 20.

import { createInstance, createStaticProjectConfigManager } from "@optimizely/optimizely-sdk";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8003);
say({ provider: "optimizely", sdk: version("@optimizely/optimizely-sdk") });

const attributes = ["country", "age", "version", "beta"];
const leaf = (name, match, value) => ({ type: "custom_attribute", name, match, value });
const audiences = [
  leaf("country", "exact", "DE"), leaf("country", "substring", "E"), leaf("country", "exists"),
  leaf("age", "gt", 18), leaf("age", "ge", 18), leaf("age", "lt", 18.5), leaf("age", "le", 18),
  leaf("age", "exact", 18), leaf("beta", "exact", true), { type: "custom_attribute", name: "country", value: "FR" },
  leaf("version", "semver_eq", "1.2"), leaf("version", "semver_gt", "1.2.3"), leaf("version", "semver_ge", "1.2.3-beta"),
  leaf("version", "semver_lt", "2"), leaf("version", "semver_le", "1.2.3+9"),
  ["not", leaf("country", "exact", "DE")], ["and", leaf("country", "exact", "DE"), ["or", leaf("age", "gt", 60), leaf("beta", "exact", true)]],
  ["or", leaf("age", "lt", 5), ["not", ["and", leaf("country", "exists"), leaf("age", "exact", "18")]]],
].map((conditions, at) => ({ id: `a${at}`, name: `audience ${at}`, conditions: JSON.stringify(Array.isArray(conditions) ? conditions : ["or", conditions]) }));

let id = 10000;
const experiment = (key, ends, more = {}) => {
  const variations = ends.map((_, at) => ({ id: `${key}_${at}`, key: `v${at}`, featureEnabled: at > 0, variables: [] }));
  id += 1;
  return {
    id: String(id), key, layerId: `l${id}`, status: "Running", audienceIds: [], forcedVariations: {}, variations,
    trafficAllocation: ends.map((endOfRange, at) => ({ endOfRange, entityId: `${key}_${at}` })), ...more,
  };
};
const experiments = [
  experiment("half", [5000, 10000]), experiment("part", [2000, 4000]), experiment("thirds", [3330, 6660, 10000]),
  experiment("none", [0, 0]), experiment("first", [10000, 10000]),
  experiment("hole", [1000, 1500, 5000], { trafficAllocation: [
    { endOfRange: 1000, entityId: "hole_0" }, { endOfRange: 4000, entityId: "" }, { endOfRange: 9000, entityId: "hole_2" }] }),
  experiment("paused", [5000, 10000], { status: "Paused" }),
  experiment("listed", [0, 0], { forcedVariations: { u1: "v1", "josé1": "v0", u3: "gone" } }),
  ...audiences.map((audience, at) => experiment(`aud${at}`, [5000, 10000], { audienceIds: [audience.id] })),
  experiment("tree", [5000, 10000], { audienceConditions: ["and", "a0", ["not", "a3"]], audienceIds: ["a1"] }),
  experiment("lost", [5000, 10000], { audienceConditions: ["or", "a0", "gone"] }),
];
const grouped = [experiment("g1", [5000, 10000]), experiment("g2", [10000])];
const overlapping = [experiment("o1", [5000, 10000])];
const rule = (key, ends, more) => experiment(key, ends, more);
const datafile = {
  version: "4", projectId: "p", accountId: "a", revision: "1", anonymizeIP: false, botFiltering: false, sdkKey: "k",
  environmentKey: "e", sendFlagDecisions: true, events: [], integrations: [], variables: [],
  attributes: attributes.map((key, at) => ({ id: `at${at}`, key })),
  audiences: audiences.slice(0, 5), typedAudiences: audiences.slice(5).map((one) => ({ ...one, conditions: JSON.parse(one.conditions) })),
  experiments,
  groups: [
    { id: "19228", policy: "random", experiments: grouped, trafficAllocation: [
      { endOfRange: 4000, entityId: grouped[0].id }, { endOfRange: 8000, entityId: grouped[1].id }] },
    { id: "19229", policy: "overlapping", experiments: overlapping, trafficAllocation: [] }],
  featureFlags: [
    { id: "f1", key: "flag", rolloutId: "r1", experimentIds: [experiments[1].id], variables: [] },
    { id: "f2", key: "delivered", rolloutId: "r2", experimentIds: [], variables: [] },
    { id: "f3", key: "bare", rolloutId: "", experimentIds: [grouped[0].id], variables: [] }],
  rollouts: [
    { id: "r1", experiments: [rule("r1a", [5000], { audienceIds: ["a0"] }), rule("r1b", [8000])] },
    { id: "r2", experiments: [rule("r2a", [3000], { audienceIds: ["a0"] }), rule("r2b", [5000], { audienceIds: ["a1"] }), rule("r2c", [9000])] }],
};

say({ config: datafile });

const quiet = { log: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet, setName: () => {} };
const stored = new Map();
const client = createInstance({
  projectConfigManager: createStaticProjectConfigManager({ datafile: JSON.stringify(datafile) }),
  userProfileService: { lookup: (user) => stored.get(user) ?? { user_id: user, experiment_bucket_map: {} }, save: () => {} },
});
await client.onReady();

const person = () => {
  const all = {};
  if (next.maybe(0.8)) all.country = next.of(["DE", "FR", "SE", "", 5, null, true]);
  if (next.maybe(0.8)) all.age = next.of([18, 18.5, 64, 0, "18", -1, 1e17]);
  if (next.maybe(0.8)) all.version = next.of(["1.2.3", "1.2.3-beta", "1.2", "2.0.0", "1.2.3-alpha+1", "1.2.3+8", "v1", "1.10.0", "1..2"]);
  if (next.maybe(0.5)) all.beta = next.of([true, false, "true"]);
  if (next.maybe(0.1)) all.$opt_bucketing_id = next.of(["b1", "ключ", ""]);
  return all;
};
const keys = [...experiments, ...grouped, ...overlapping].map((one) => one.key);
for (const key of keys) {
  say({ key });
  const own = experiments.find((one) => one.key === key);
  about(own?.audienceConditions ? audiences : (own?.audienceIds ?? []).map((one) => audiences.find((known) => known.id === one)), []);
  for (const user of ids(next, 34, { empty: false })) {
    const who = next.maybe(0.1) ? next.of(["u1", "josé1", "u3"]) : user;
    const all = person();
    const extra = {};
    stored.clear();
    if (next.maybe(0.1)) {
      const of = experiments.find((one) => one.key === key);
      if (of) {
        extra.stored = { [of.id]: { variation_id: next.of([`${key}_1`, "gone"]) } };
        stored.set(who, { user_id: who, experiment_bucket_map: extra.stored });
      }
    }
    subject(who, all, client.getVariation(key, who, all), null, extra);
  }
}
stored.clear();
for (const flag of datafile.featureFlags) {
  say({ key: flag.key });
  about(audiences, []);
  for (const user of ids(next, 80, { empty: false })) {
    const all = person();
    const decision = client.createUserContext(user, all).decide(flag.key, ["DISABLE_DECISION_EVENT"]);
    subject(user, all, decision.variationKey, null);
  }
}
process.exit(0);
