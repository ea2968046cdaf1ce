// What ABsmartly's JavaScript SDK answers. Run by hand: see vectors.mjs.
// Written with @absmartly/javascript-sdk 1.13.4 on Node 20.

import sdkModule from "@absmartly/javascript-sdk";
import assignerModule from "./node_modules/@absmartly/javascript-sdk/lib/assigner.js";
import utilsModule from "./node_modules/@absmartly/javascript-sdk/lib/utils.js";
import { WEIGHTS, ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8010);
say({ provider: "absmartly", sdk: version("@absmartly/javascript-sdk"), settings: { encoding: "cesu-8" } });
const word = () => next.whole(4294967296);
for (const id of ids(next, 300)) {
  const [high, low] = next.maybe(0.1) ? [0, 4294967295] : [word(), word()];
  const assigner = new assignerModule.VariantAssigner(utilsModule.hashUnit(id));
  say({ hash: { id, "seed-hi": String(high), "seed-lo": String(low), encoding: "cesu-8" }, bucket: assigner._probability(high, low) });
}
const experiments = WEIGHTS.map((split, at) => ({
  id: at + 1, name: `e${at}`, unitType: at % 2 ? "session_id" : "user_id", iteration: 1, seedHi: word(), seedLo: word(), split,
  trafficSeedHi: word(), trafficSeedLo: word(), trafficSplit: [[0, 1], [0.5, 0.5], [1, 0], [0.01, 0.99]][at % 4], fullOnVariant: at === 7 ? 1 : 0,
  applications: [{ name: "web" }], variants: split.map((_, arm) => ({ name: "ABCD"[arm], config: null })), audience: at === 5 ? "{\"filter\":[]}" : null, audienceStrict: false, customFieldValues: null,
}));
say({ config: { experiments } });
const sdk = new (sdkModule.SDK ?? sdkModule.default.SDK)({ client: { publish: async () => ({}), getContext: async () => ({ experiments }), getApplication: () => "web", getEnvironment: () => "t", getAgent: () => "a" } });
for (const experiment of experiments) {
  say({ key: experiment.name });
  for (const id of ids(next, 80, { empty: false })) {
    const units = { [experiment.unitType]: id };
    let context;
    try {
      context = sdk.createContextWith({ units }, { experiments }, { publishDelay: -1, refreshPeriod: 0 });
    } catch {
      continue;
    }
    const variant = context.peek(experiment.name);
    const found = context._assignments[experiment.name];
    const arm = found.assigned && found.eligible ? experiment.variants[variant].name : null;
    subject(id, null, arm, null, { unit: experiment.unitType });
  }
}
process.exit(0);
