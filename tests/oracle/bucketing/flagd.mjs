// What flagd's JavaScript evaluator answers. Run by hand: see vectors.mjs. Written with
// @openfeature/flagd-core 4.0.1 on Node 20; with the argument `1`, the `fractional` of before, with
// 1.0.0, which is installed apart from it and whose folder is the second argument.

import { createRequire } from "node:module";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const old = process.argv[2] === "1";
const require = createRequire(old ? `${process.argv[3]}/` : import.meta.url);
const { FlagdCore } = require("@openfeature/flagd-core");
const next = random(8009);
const sdk = old ? "@openfeature/flagd-core 1.0.0" : version("@openfeature/flagd-core");
say({ provider: "flagd", sdk, settings: { fractional: old ? "1" : "2", encoding: "overlapping" } });

const on = { state: "ENABLED", variants: { control: "c", new: "n", third: "t" }, defaultVariant: "control" };
const fractional = (...parts) => ({ fractional: parts });
const flags = {
  half: { targeting: fractional(["control", 50], ["new", 50]) }, thirds: { targeting: fractional(["control", 333], ["new", 333], ["third", 334]) },
  ends: { targeting: fractional(["control", 0], ["new", 100]) }, byMail: { targeting: fractional({ var: "email" }, ["control", 25], ["new", 75]) },
  cat: { targeting: fractional({ cat: [{ var: "$flagd.flagKey" }, "-", { var: "targetingKey" }] }, ["control", 50], ["new", 50]) },
  "ключ": { targeting: fractional(["control", 30], ["new", 70]) },
  bare: {}, off: { state: "DISABLED", targeting: fractional(["control", 50], ["new", 50]) },
  ruled: { targeting: { if: [{ in: [{ var: "country" }, ["DE", "FR"]] }, { fractional: [["control", 50], ["new", 50]] }, { ends_with: [{ var: "email" }, "@x.org"] }, "third", null] } },
  referred: { targeting: { if: [{ $ref: "grown" }, "new", "control"] } },
};
if (!old) {
  flags.single = { targeting: fractional(["new"], ["third"], ["control"]) };
  flags.nested = { targeting: fractional([{ if: [{ "==": [{ var: "country" }, "DE"] }, "new", "third"] }, 50], ["control", 50]) };
}
[
  { "==": [{ var: "country" }, "DE"] }, { "===": [{ var: "age" }, "18"] }, { "!=": [{ var: "age" }, 18] }, { "!==": [{ var: "age" }, 18] }, { ">": [{ var: "age" }, 18] }, { "<=": [10, { var: "age" }, 20] },
  { and: [{ var: "country" }, { "<": [{ var: "age" }, 50] }] }, { or: [{ var: "beta" }, { "!": { var: "country" } }] }, { "!!": { var: "beta" } }, { in: ["D", { var: "country" }] }, { starts_with: [{ var: "email" }, "é"] },
  { sem_ver: [{ var: "version" }, ">=", "1.2.3"] }, { sem_ver: [{ var: "version" }, "^", "1.0.0"] }, { sem_ver: [{ var: "version" }, "~", "1.2.9"] }, { sem_ver: [{ var: "version" }, "!=", "1.2.3"] },
  { "==": [{ "%": [{ var: "age" }, 2] }, 0] }, { ">": [{ "+": [{ var: "age" }, 5] }, 20] }, { "==": [{ var: ["missing", "x"] }, "x"] }, { "==": [{ var: "company.name" }, "ÄCME"] }, { "==": [{ var: "tags.0" }, "a"] },
].forEach((condition, at) => {
  flags[`l${at}`] = { targeting: { if: [condition, "new", "third"] } };
});
for (const [key, flag] of Object.entries(flags)) flags[key] = { ...on, ...flag };
const config = { flags, $evaluators: { grown: { ">=": [{ var: "age" }, 18] } } };
say({ config });
const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const core = new FlagdCore(undefined, quiet);
core.setConfigurations(JSON.stringify(config));
for (const key of Object.keys(flags)) {
  if (old && key.startsWith("l")) continue;
  say({ key });
  about(flags[key], config);
  for (const id of ids(next, old ? 55 : /^l\d/.test(key) ? 18 : 75, { empty: key !== "ends" })) {
    const context = {};
    if (next.maybe(0.9)) context.country = next.of(["DE", "FR", "SE", ""]);
    if (next.maybe(0.9)) context.age = next.of([18, 19, 64, 3, 18.5]);
    if (next.maybe(0.9)) context.email = next.of(["a@x.org", "é@y.org", `${id}@x.org`]);
    if (next.maybe(0.5)) context.beta = next.of([true, false]);
    if (next.maybe(0.9)) context.version = next.of(["1.2.3", "1.2.3-beta", "2.0.0", "1.2.10", "x"]);
    if (next.maybe(0.5)) context.company = { name: next.of(["ÄCME", "B"]) };
    if (next.maybe(0.5)) context.tags = next.of([["a"], ["b", "a"]]);
    let arm = null;
    try {
      const found = core.resolveStringEvaluation(key, "none", { ...context, targetingKey: id }, quiet);
      arm = found.variant && found.errorCode === undefined ? found.variant : null;
    } catch {
      // Off, or a variant that there is not.
    }
    subject(id, context, arm);
  }
}
