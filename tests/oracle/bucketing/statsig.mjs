// What Statsig's Node SDK answers. Run by hand: see vectors.mjs.
// Written with statsig-node 6.5.2 on Node 20, bootstrapped with specs in memory.

import statsigModule from "statsig-node";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const statsig = statsigModule.default ?? statsigModule;
const next = random(8008);
say({ provider: "statsig", sdk: version("statsig-node") });

const condition = (type, operator, targetValue, field, more = {}) => ({ type, operator, targetValue, field, additionalValues: {}, isDeviceBased: false, idType: "userID", ...more });
const everyone = condition("public", null, null, null);
let number = 0;
const rule = (passPercentage, conditions, more = {}) => {
  number += 1;
  return { name: `rule ${number}`, id: `rule${number}`, salt: `salt-${number}`, passPercentage, conditions, returnValue: true, idType: "userID", isDeviceBased: false, ...more };
};
const gate = (name, rules, more = {}) => ({ name, type: "feature_gate", salt: `spec-${name}`, enabled: true, defaultValue: false, rules, idType: "userID", entity: "feature_gate", ...more });
const config = (name, rules, more = {}) => ({ ...gate(name, rules, more), type: "dynamic_config", defaultValue: { from: "default" }, entity: "experiment", isActive: true, ...more });
const bucket = (operator, target, salt = "b-salt") => condition("user_bucket", operator, target, null, { additionalValues: { salt } });
const group = (groupName, conditions, pass = 100) => rule(pass, conditions, { groupName, returnValue: { from: groupName }, isExperimentGroup: true });
const gates = [
  gate("half", [rule(50, [everyone])]), gate("none", [rule(0, [everyone])]), gate("all", [rule(100, [everyone])]), gate("fine", [rule(12.34, [everyone])]),
  gate("off", [rule(100, [everyone])], { enabled: false }), gate("empty", []), gate("device", [rule(50, [everyone], { idType: "deviceID" })], { idType: "deviceID" }),
  gate("noSalt", [rule(50, [everyone], { salt: undefined })]), gate("order", [rule(10, [condition("user_field", "any", ["DE"], "country")]), rule(60, [everyone])]),
  gate("needs", [rule(100, [condition("pass_gate", null, "half", null)])]), gate("needsNot", [rule(100, [condition("fail_gate", null, "half", null)])]),
  gate("multi", [rule(100, [condition("multi_pass_gate", null, ["half", "fine"], null)])]), gate("multiNot", [rule(100, [condition("multi_fail_gate", null, ["half", "fine"], null)])]),
];
[
  condition("user_field", "any", ["de", 5, "true"], "country"), condition("user_field", "none", ["DE"], "country"), condition("user_field", "any_case_sensitive", ["de"], "country"),
  condition("user_field", "none_case_sensitive", ["de"], "country"), condition("user_field", "str_starts_with_any", ["d"], "country"), condition("user_field", "str_ends_with_any", ["E"], "country"),
  condition("user_field", "str_contains_any", ["r"], "country"), condition("user_field", "str_contains_none", ["r"], "country"), condition("user_field", "str_matches", "^D|\\d", "country"),
  condition("user_field", "gt", 18, "age"), condition("user_field", "gte", "18", "age"), condition("user_field", "lt", 18.5, "age"), condition("user_field", "lte", 0, "age"),
  condition("user_field", "eq", 18, "age"), condition("user_field", "neq", null, "age"), condition("user_field", "version_gt", "1.2.3", "version"), condition("user_field", "version_lte", "1.10", "version"),
  condition("user_field", "version_eq", "1.2.3", "version"), condition("user_field", "version_neq", "1.2.3", "version"), condition("user_field", "before", 1767225600000, "since"), condition("user_field", "after", 1767225600000, "since"),
  condition("user_field", "array_contains_any", ["a"], "tags"), condition("user_field", "array_contains_none", ["a"], "tags"), condition("user_field", "array_contains_all", ["a", "b"], "tags"), condition("user_field", "not_array_contains_all", ["a", "b"], "tags"),
  condition("environment_field", "any", ["production"], "tier"), condition("unit_id", "any", ["u1", "josé1"], null), condition("unit_id", "any", ["d1"], null, { idType: "deviceID" }), bucket("lt", 500), bucket("any", [1, 2, 3, 400, 500, 600, 700]), bucket("gte", 250),
].forEach((one, at) => {
  gates.push(gate(`c${at}`, [rule(100, [one])]));
});
const configs = [
  config("test", [group("Control", [bucket("lt", 500)]), group("New", [bucket("lt", 1000)])]),
  config("allocated", [rule(100, [bucket("none", Array.from({ length: 300 }, (_, at) => at), "layer")], { returnValue: { from: "default" }, groupName: "layerAssignment" }), group("A", [bucket("lt", 333)]), group("B", [bucket("lt", 666)]), group("C", [bucket("lt", 1000)])]),
  config("targeted", [rule(0, [condition("fail_gate", null, "half", null)], { returnValue: {}, groupName: "inlineTargetingRules" }), group("Control", [bucket("lt", 500)]), group("New", [everyone], 70)]),
];
const layers = [config("layer", [rule(100, [bucket("lt", 600, "l")], { configDelegate: "test" }), rule(100, [everyone], { configDelegate: "missing" })], { entity: "layer" })];
const specs = { dynamic_configs: configs, feature_gates: gates, layer_configs: layers, has_updates: true, time: 1, id_lists: {}, layers: {} };
say({ config: specs });
await statsig.initialize("secret-x", { localMode: false, bootstrapValues: JSON.stringify(specs), rulesetsSyncIntervalMs: 1e9, disableRulesetsSync: true, disableIdListsSync: true, loggingIntervalMs: 1e9, disableDiagnostics: true, disableAllLogging: true, api: "http://127.0.0.1:9" });
const byName = new Map(configs.map((one) => [one.name, one]));
for (const spec of [...gates, ...configs, ...layers]) {
  say({ key: spec.name });
  about(spec, specs);
  for (const id of ids(next, /^c\d/.test(spec.name) ? 15 : 36, { empty: false })) {
    const who = next.maybe(0.1) ? next.of(["u1", "josé1"]) : id;
    const user = { custom: {} };
    if (next.maybe(0.8)) user.custom.country = next.of(["DE", "de", "FR", 5, true, "", null]);
    if (next.maybe(0.8)) user.custom.age = next.of([18, 18.5, "18", "old", 0, null]);
    if (next.maybe(0.8)) user.custom.version = next.of(["1.2.3", "1.2.3-beta", "1.10.0", "1.2", "x", "2"]);
    if (next.maybe(0.8)) user.custom.since = next.of([1767225600001, 1767225599999, 0, "1767225700000"]);
    if (next.maybe(0.8)) user.custom.tags = next.of([["a", "b"], ["a"], [], ["c"], "a"]);
    if (next.maybe(0.5)) user.customIDs = { deviceID: next.of(["d1", "gerät"]) };
    if (next.maybe(0.5)) user.statsigEnvironment = { tier: next.of(["production", "staging"]) };
    const full = { ...user, userID: who };
    if (spec.type === "feature_gate") {
      subject(who, user, String(statsig.checkGateWithExposureLoggingDisabledSync(full, spec.name)));
    } else {
      const isLayer = spec.name === "layer";
      const found = isLayer ? statsig.getLayerWithExposureLoggingDisabledSync(full, spec.name) : statsig.getExperimentWithExposureLoggingDisabledSync(full, spec.name);
      const rules = [...spec.rules, ...byName.get("test").rules];
      const served = rules.find((one) => one.id === found.getRuleID());
      const from = found.get("from", null);
      // A rule that passes serves its own value; the group alone does not tell.
      const passed = served !== undefined && (served.returnValue?.from ?? null) === from && served.passPercentage > 0;
      subject(who, user, passed ? served.groupName ?? served.id : null, null, from === null ? {} : { value: { from } });
    }
  }
}
process.exit(0);
