// What Unleash's Node SDK answers. Run by hand: see vectors.mjs. Written with unleash-client 6.12.1
// on Node 20, its own evaluation (lib/client.js) over an export that is held in memory.

import clientModule from "unleash-client/lib/client.js";
import strategiesModule from "unleash-client/lib/strategy/index.js";
import util from "unleash-client/lib/strategy/util.js";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const UnleashClient = clientModule.default;
const next = random(8002);
say({ provider: "unleash", sdk: version("unleash-client"), settings: { encoding: "low-bytes" } });

for (const id of ids(next, 100)) {
  const group = next.of(["", "hero", "グループ", "a:b"]);
  say({ hash: { id, group, encoding: "low-bytes" }, bucket: util.normalizedStrategyValue(id, group) });
  const buckets = next.of([1, 3, 100, 1000]);
  say({
    hash: { id, group, buckets: String(buckets), seed: "86028157", encoding: "low-bytes" },
    bucket: util.normalizedVariantValue(id, group, buckets),
  });
}

const flexible = (rollout, more = {}, rest = {}) => ({
  name: "flexibleRollout",
  parameters: { groupId: "hero", rollout: String(rollout), stickiness: "default", ...more },
  ...rest,
});
const variants = (...weights) => weights.map((weight, at) => ({ name: `v${at}`, weight, weightType: "variable" }));
const only = (operator, contextName, values, more = {}) => ({
  name: "default", parameters: {}, constraints: [{ operator, contextName, values, ...more }],
});
const value = (operator, contextName, one, more = {}) => only(operator, contextName, [], { value: one, ...more });

const flags = {
  half: { strategies: [flexible(50)] },
  none: { strategies: [flexible(0)] },
  all: { strategies: [flexible(100)] },
  odd: { strategies: [flexible("33.5", { groupId: "" })] },
  session: { strategies: [flexible(50, { stickiness: "sessionId" })] },
  custom: { strategies: [flexible(40, { stickiness: "tenant" }, { variants: variants(1, 2, 3) })] },
  old: { strategies: [{ name: "gradualRolloutUserId", parameters: { percentage: "30", groupId: "g" } }] },
  oldSession: { strategies: [{ name: "gradualRolloutSessionId", parameters: { percentage: "60", groupId: "g" } }] },
  lots0: { strategies: [{ name: "gradualRolloutRandom", parameters: { percentage: "0" } }] },
  lots100: { strategies: [{ name: "gradualRolloutRandom", parameters: { percentage: "100" } }] },
  named: { strategies: [{ name: "userWithId", parameters: { userIds: "u1, u2 ,josé1" } }] },
  address: { strategies: [{ name: "remoteAddress", parameters: { IPs: "10.0.0.0/8, 192.168.1.7,bad" } }] },
  thirds: { strategies: [flexible(100)], variants: variants(333, 333, 334) },
  tenth: { strategies: [flexible(10, { groupId: "tenth" })], variants: variants(333, 333, 334) },
  inner: { strategies: [flexible(80, {}, { variants: variants(500, 500) })], variants: variants(1, 0) },
  noGroup: { strategies: [{ name: "flexibleRollout", parameters: { rollout: 70 }, variants: variants(1, 1) }] },
  zero: { strategies: [{ name: "default" }], variants: variants(0, 0) },
  forced: { strategies: [], variants: [
    { name: "a", weight: 500 }, { name: "b", weight: 500, payload: { type: "string", value: "x" },
      overrides: [{ contextName: "country", values: ["DE", "AT"] }, { contextName: "userId", values: ["u1"] }] }] },
  several: { strategies: [only("IN", "country", ["DE"]), flexible(20), { name: "userWithId", parameters: { userIds: "u1" } }] },
  off: { enabled: false, strategies: [flexible(100)] },
  segment: { strategies: [flexible(90, {}, { segments: [1, 2] })] },
  child: { strategies: [flexible(100)], dependencies: [{ feature: "half" }] },
  childOff: { strategies: [flexible(100)], dependencies: [{ feature: "half", enabled: false }] },
  childVariant: { strategies: [flexible(100)], dependencies: [{ feature: "thirds", variants: ["v0", "v2"] }] },
  grandchild: { strategies: [flexible(100)], dependencies: [{ feature: "child" }] },
  orphan: { strategies: [flexible(100)], dependencies: [{ feature: "missing" }] },
};
const constraints = [
  only("IN", "country", ["DE", " FR "]), only("NOT_IN", "country", ["DE"]), only("IN", "country", []),
  only("NOT_IN", "country", []), only("IN", "country", ["DE"], { inverted: true }),
  only("STR_STARTS_WITH", "email", ["a", "Ä"]), only("STR_ENDS_WITH", "email", [".com"]),
  only("STR_CONTAINS", "email", ["@EX"], { caseInsensitive: true }), only("STR_CONTAINS", "email", ["@ex"], { inverted: true }),
  value("NUM_EQ", "age", "18"), value("NUM_GT", "age", "18"), value("NUM_GTE", "age", "18.5"),
  value("NUM_LT", "age", "1e2"), value("NUM_LTE", "age", "0"), value("NUM_LT", "age", "5", { inverted: true }),
  value("DATE_AFTER", "currentTime", "2026-01-01T00:00:00.000Z"), value("DATE_BEFORE", "currentTime", "2026-01-01T00:00:00+02:00"),
  value("SEMVER_EQ", "version", "1.2.3"), value("SEMVER_GT", "version", "1.2.3-beta.2"), value("SEMVER_LT", "version", "1.10.0"),
  value("SEMVER_GTE", "version", "1.2.3"), value("SEMVER_LTE", "version", "1.2.3"), value("SEMVER_LT", "version", "1.0.0", { inverted: true }),
  value("REGEX", "email", "^[a-z]+\\d*@"), value("REGEX", "email", "^A", { caseInsensitive: true }), value("REGEX", "email", "\\w+é", { inverted: true }),
  only("IN_CIDR", "remoteAddress", ["10.0.0.0/8", "2001:db8::/32"]), only("IN_CIDR", "remoteAddress", ["192.168.1.7/24", "bad"]),
];
constraints.forEach((strategy, at) => {
  flags[`c${at}`] = { strategies: [strategy] };
});
const segments = [
  { id: 1, constraints: [{ operator: "IN", contextName: "country", values: ["DE", "FR", "US"] }] },
  { id: 2, constraints: [{ operator: "NUM_GT", contextName: "age", value: "10", values: [] }] },
];
const features = Object.entries(flags).map(([name, flag]) => ({ name, enabled: true, ...flag }));
const byName = new Map(features.map((feature) => [feature.name, feature]));
const repository = {
  getToggle: (name) => byName.get(name),
  getSegment: (id) => segments.find((segment) => segment.id === id),
};
const client = new UnleashClient(repository, strategiesModule.defaultStrategies);

say({ config: { version: 2, features, segments } });
for (const feature of features) {
  say({ key: feature.name });
  about(feature, [features, segments]);
  const varies = (feature.variants ?? []).length > 0 || feature.strategies.some((one) => one.variants);
  for (const id of ids(next, feature.name.startsWith("c") ? 12 : 28, { empty: false })) {
    const context = {};
    if (next.maybe(0.7)) context.country = next.of(["DE", "FR", "US", "AT", ""]);
    if (next.maybe(0.7)) context.age = next.of([18, "18.5", "old", 0, 64]);
    if (next.maybe(0.7)) context.email = next.of(["a1@example.com", "Ä@ex.com", "josé@x.org", "B@EX.com"]);
    if (next.maybe(0.7)) context.version = next.of(["1.2.3", "1.2.3-beta.10", "1.10.0", "v1.2.3", "1.2", "1.2.3+x"]);
    if (next.maybe(0.7)) context.remoteAddress = next.of(["10.1.2.3", "192.168.1.7", "2001:db8::1", "x", "11.0.0.1"]);
    context.sessionId = next.of(["s1", "s2", "sitzung-ä"]);
    context.currentTime = next.of(["2025-12-31T23:00:00.000Z", "2026-06-01T00:00:00Z", "2025-01-01T00:00:00Z"]);
    if (next.maybe(0.5)) context.tenant = next.of(["t1", "t2", "", "täter", 12]);
    if (next.maybe(0.2)) {
      context.properties = { country: context.country ?? null, tenant: "inner" };
      delete context.country;
    }
    const userId = next.maybe(0.2) ? next.of(["u1", "u2", "josé1"]) : id;
    const full = { ...context, userId };
    const variant = client.getVariant(feature.name, full);
    const on = client.isEnabled(feature.name, full, () => false);
    const arm = varies ? (variant.enabled ? variant.name : null) : on ? "enabled" : "disabled";
    subject(userId, context, arm, null, variant.payload ? { value: variant.payload } : {});
  }
}
