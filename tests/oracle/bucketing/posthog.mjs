// What PostHog's Node SDK answers by local evaluation. Run by hand: see vectors.mjs.
// Written with posthog-node 5.70.0 on Node 20. What the SDK would leave to the service is left out.

import { PostHog } from "posthog-node";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8005);
say({ provider: "posthog", sdk: version("posthog-node") });

const split = (...shares) => ({ variants: shares.map((share, at) => ({ key: at === 0 ? "control" : `test-${at}`, rollout_percentage: share })) });
const person = (key, operator, value, more = {}) => ({ key, operator, value, type: "person", ...more });
const when = (...properties) => ({ groups: [{ properties, rollout_percentage: 100 }] });
const flags = {
  half: { groups: [{ properties: [], rollout_percentage: 50 }] },
  none: { groups: [{ properties: [], rollout_percentage: 0 }] },
  all: { groups: [{ properties: [], rollout_percentage: 100 }] },
  open: { groups: [{ properties: [] }] },
  experiment: { groups: [{ properties: [], rollout_percentage: 100 }], multivariate: split(50, 50) },
  thirds: { groups: [{ properties: [], rollout_percentage: 80 }], multivariate: split(33.3, 33.3, 33.4) },
  short: { groups: [{ properties: [], rollout_percentage: 100 }], multivariate: split(10, 20) },
  zero: { groups: [{ properties: [] }], multivariate: split(0, 100) },
  "ключ": { groups: [{ properties: [], rollout_percentage: 50 }], multivariate: split(50, 50) },
  held: { groups: [{ properties: [] }], multivariate: split(50, 50), holdout: { id: 7, exclusion_percentage: 20 } },
  override: { groups: [
    { properties: [person("country", "exact", ["DE"])], variant: "test-1", rollout_percentage: 70 },
    { properties: [person("country", "exact", ["FR"])], variant: "gone" }, { properties: [], rollout_percentage: 30 }], multivariate: split(50, 50) },
  early: { early_exit: true, groups: [{ properties: [person("country", "exact", "DE")], rollout_percentage: 30 }, { properties: [], rollout_percentage: 100 }] },
  company: { aggregation_group_type_index: 0, groups: [{ properties: [], rollout_percentage: 50 }], multivariate: split(50, 50) },
  companySize: { aggregation_group_type_index: 0, groups: [{ properties: [{ key: "size", operator: "gt", value: 10, type: "group" }], rollout_percentage: 50 }] },
  mixed: { groups: [{ aggregation_group_type_index: 0, properties: [], rollout_percentage: 40 }, { properties: [], rollout_percentage: 40 }] },
  cohort: when({ key: "id", type: "cohort", value: 1 }), notCohort: when({ key: "id", type: "cohort", value: 2, operator: "not_in" }), deep: when({ key: "id", type: "cohort", value: 3 }),
  needs: when({ key: "half", type: "flag", operator: "flag_evaluates_to", value: true, dependency_chain: ["half"] }),
  needsNot: when({ key: "half", type: "flag", operator: "flag_evaluates_to", value: false, dependency_chain: ["half"] }),
  needsArm: when({ key: "experiment", type: "flag", operator: "flag_evaluates_to", value: "control", dependency_chain: ["experiment"] }),
};
[
  person("country", "exact", "de"), person("country", "exact", ["DE", "Fr"]), person("country", "is_not", ["DE"]), person("country", "is_set", "x"),
  person("country", "icontains", "E"), person("country", "not_icontains", "e"), person("country", "starts_with", "d"), person("country", "ends_with", "R"),
  person("country", "regex", "^[A-D]\\w"), person("country", "not_regex", "^D"), person("age", "gt", 18), person("age", "gte", "18"), person("age", "lt", "9"),
  person("age", "lte", 18.5), person("beta", "exact", true), person("beta", "exact", "true"), person("beta", "is_not", ["false"]), person("beta", "exact", []),
  person("since", "is_date_after", "2026-01-01"), person("since", "is_date_before", "2026-01-01T00:00:00Z"), person("version", "semver_eq", "1.2"),
  person("version", "semver_gt", "1.2.3"), person("version", "semver_lte", "v1.10"), person("version", "semver_neq", "1.2.3"), person("version", "semver_tilde", "1.2.3"),
  person("version", "semver_caret", "0.2.3"), person("version", "semver_caret", "1.2.0"), person("version", "semver_wildcard", "1.*"), person("version", "semver_wildcard", "1.2.*"), person("distinct_id", "icontains", "user-1"),
].forEach((property, at) => {
  flags[`p${at}`] = when(property);
});
const cohorts = {
  1: { type: "OR", values: [{ type: "AND", values: [person("country", "exact", ["DE"]), person("age", "gt", 10)] }, { type: "AND", values: [person("beta", "exact", "true")] }] },
  2: { type: "AND", values: [person("country", "exact", ["DE"], { negation: true })] },
  3: { type: "AND", values: [{ key: "id", type: "cohort", value: 1 }, person("country", "is_set", "")] },
};
const definitions = {
  flags: Object.entries(flags).map(([key, filters], at) => ({ id: at, key, active: true, ensure_experience_continuity: false, filters })),
  group_type_mapping: { 0: "company" }, cohorts,
};
definitions.flags.push({ id: 99, key: "off", active: false, filters: { groups: [{ properties: [], rollout_percentage: 100 }] } });
definitions.flags.push({ id: 98, key: "device", active: true, bucketing_identifier: "device_id", filters: { groups: [{ properties: [], rollout_percentage: 50 }] } });
say({ config: definitions });

const client = new PostHog("phc_x", {
  personalApiKey: "phx_x", host: "http://127.0.0.1:9", fetch: async (url) => ({
    status: 200, ok: true, headers: { get: () => null },
    json: async () => (String(url).includes("local_evaluation") || String(url).includes("definitions") ? definitions : {}), text: async () => "{}",
  }), featureFlagsPollingInterval: 1e8, sendFeatureFlagEvent: false,
});
console.warn = () => {};
await client.waitForLocalEvaluationReady?.(2000);
for (const flag of definitions.flags) {
  say({ key: flag.key });
  about(flag, definitions);
  const varies = flag.filters.multivariate !== undefined;
  for (const id of ids(next, flag.key.length < 4 && flag.key.startsWith("p") ? 16 : 30, { empty: false })) {
    const properties = {};
    if (next.maybe(0.9)) properties.country = next.of(["DE", "FR", "dé", null, "", "SE"]);
    if (next.maybe(0.9)) properties.age = next.of([18.5, "18", 64.5, "9 years", "old", null, "-.5e1x"]);
    if (next.maybe(0.9)) properties.beta = next.of([true, false, "TRUE", "no", null]);
    if (next.maybe(0.9)) properties.since = next.of(["2025-06-01", "2026-02-01T00:00:00Z", 1767225600001, "never"]);
    if (next.maybe(0.9)) properties.version = next.of(["1.2.3", "1.2", "v1.10.0", "0.2.9-beta", "1.2.3+x", "bad", "2", "01.2.3"]);
    if (next.maybe(0.7)) properties.$device_id = next.of(["d1", "gerät"]);
    const groups = next.maybe(0.7) ? { company: next.of(["acme", "größe", "x1"]) } : {};
    const groupProperties = groups.company && next.maybe(0.8) ? { company: { size: next.of([5.5, 50.5]) } } : {};
    const value = await client.getFeatureFlag(flag.key, id, {
      groups, personProperties: properties, groupProperties, onlyEvaluateLocally: true, sendFeatureFlagEvents: false, disableGeoip: true,
    });
    if (value === undefined) continue;
    const given = { ...properties };
    if (groups.company) given.$groups = groups;
    if (groupProperties.company) given.$group_properties = groupProperties;
    const arm = typeof value === "string" ? value : value ? "true" : varies ? null : "false";
    subject(id, given, arm);
  }
}
await client.shutdown();
process.exit(0);
