// What Firebase's Admin SDK answers. Run by hand: see vectors.mjs.
// Written with firebase-admin 13.10.0 on Node 20, its own evaluator of conditions.

import conditionsModule from "./node_modules/firebase-admin/lib/remote-config/condition-evaluator-internal.js";
import { ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8011);
say({ provider: "firebase", sdk: version("firebase-admin") });
const Evaluator = conditionsModule.ConditionEvaluator;
for (const id of ids(next, 300, { empty: false })) {
  const seed = next.of(["", "abc", "соль"]);
  const hash = Evaluator.hashSeededRandomizationId(seed === "" ? id : `${seed}.${id}`);
  say({ hash: { id, seed }, bucket: Number(hash % 100000000n) });
}
const percent = (percentOperator, more) => ({ percent: { percentOperator, seed: "seed", ...more } });
const between = (low, high, seed = "seed") => percent("BETWEEN", { seed, microPercentRange: { microPercentLowerBound: low, microPercentUpperBound: high } });
const any = (...conditions) => ({ orCondition: { conditions } });
const all = (...conditions) => ({ andCondition: { conditions } });
const conditions = [
  between(0, 33300000), between(33300000, 66600000), between(66600000, 100000000, "seed"), between(10000000, 20000000, ""), percent("LESS_OR_EQUAL", { microPercent: 50000000 }),
  percent("GREATER_THAN", { microPercent: 50000000 }), percent("LESS_OR_EQUAL", {}), percent("LESS_OR_EQUAL", { microPercent: 100000000, seed: undefined }), percent("BETWEEN", {}),
  all(between(0, 50000000, "a"), between(0, 50000000, "b")), any(between(0, 20000000, "a"), all({ true: {} }, between(0, 50000000, "b"))), any({ false: {} }), { true: {} }, all(),
].map((condition, at) => ({ name: `c${at}`, condition: condition.orCondition ? condition : any(all(condition)) }));
const value = (text) => ({ value: text });
const parameters = {
  hero: { defaultValue: value("old"), conditionalValues: { c0: value("a"), c1: value("b"), c2: value("c") } },
  part: { defaultValue: value("none"), conditionalValues: { c3: value("x"), c4: value("y") } },
};
const orders = Object.fromEntries(Object.entries(parameters).map(([key, parameter]) => [key, Object.keys(parameter.conditionalValues)]));
say({ config: { conditions, parameters } });
const evaluator = new Evaluator();
for (const key of [...conditions.map((one) => one.name), ...Object.keys(parameters)]) {
  say({ key });
  for (const id of ids(next, 60)) {
    const found = evaluator.evaluateConditions(conditions, { randomizationId: id });
    if (orders[key]) {
      const name = conditions.map((one) => one.name).find((one) => orders[key].includes(one) && found.get(one));
      const served = name ? parameters[key].conditionalValues[name] : parameters[key].defaultValue;
      subject(id, null, name ?? "default", null, { value: served.value });
    } else {
      subject(id, null, String(found.get(key)));
    }
  }
}
