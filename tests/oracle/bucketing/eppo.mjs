// What Eppo's JavaScript SDK answers. Run by hand: see vectors.mjs.
// Written with @eppo/js-client-sdk-common 4.14.4 on Node 20, its own evaluator on flags in memory.

// The package exports its client alone, so its parts are named by their files.
import evaluatorModule from "./node_modules/@eppo/js-client-sdk-common/dist/evaluator.js";
import shardersModule from "./node_modules/@eppo/js-client-sdk-common/dist/sharders.js";
import { about, ids, random, say, subject, version } from "./vectors.mjs";

const next = random(8006);
say({ provider: "eppo", sdk: version("@eppo/js-client-sdk-common"), settings: { now: "2026-06-01T00:00:00Z" } });
const sharder = new shardersModule.MD5Sharder();
for (const id of ids(next, 200)) {
  const salt = next.of(["", "flag-traffic", "соль"]);
  const shards = next.of([10000, 100, 1]);
  say({ hash: { id, salt, shards: String(shards) }, bucket: sharder.getShard(`${salt}-${id}`, shards) });
}
const variations = (...names) => Object.fromEntries(names.map((key) => [key, { key, value: `value of ${key}` }]));
const splits = (salt, ends, extra = []) => {
  let from = 0;
  return Object.entries(ends).map(([variationKey, end]) => {
    const ranges = [{ start: from, end }];
    from = end;
    return { variationKey, shards: [...extra, { salt, ranges }], extraLogging: {} };
  });
};
const traffic = { salt: "traffic", ranges: [{ start: 0, end: 6000 }, { start: 9000, end: 10000 }] };
const allocation = (key, more) => ({ key, rules: [], doLog: true, ...more });
const all = (variationKey) => ({ variationKey, shards: [], extraLogging: {} });
const flags = {
  half: { allocations: [allocation("a", { splits: splits("half", { control: 5000, new: 10000 }) })] },
  thirds: { allocations: [allocation("a", { splits: splits("thirds", { control: 3330, new: 6660, third: 10000 }) })] },
  part: { allocations: [allocation("a", { splits: splits("part", { control: 5000, new: 10000 }, [traffic]) })] },
  ends: { allocations: [allocation("a", { splits: splits("ends", { control: 0, new: 10000 }) })] },
  small: { totalShards: 3, allocations: [allocation("a", { splits: splits("s", { control: 1, new: 3 }) })] },
  timed: { allocations: [
    allocation("later", { startAt: "2026-07-01T00:00:00Z", splits: [all("third")] }), allocation("past", { endAt: "2026-05-01T00:00:00Z", splits: [all("third")] }),
    allocation("now", { startAt: "2026-01-01T00:00:00Z", endAt: "2027-01-01T00:00:00Z", splits: splits("t", { control: 5000, new: 10000 }) })] },
  off: { enabled: false, allocations: [allocation("a", { splits: [all("new")] })] },
};
[
  ["country", "ONE_OF", ["DE", "true", "5"]], ["country", "NOT_ONE_OF", ["DE"]], ["country", "MATCHES", "^D|é$"], ["country", "NOT_MATCHES", "^D"],
  ["country", "IS_NULL", true], ["country", "IS_NULL", false], ["age", "GT", 18], ["age", "GTE", "18"], ["age", "LT", 18.5], ["age", "LTE", 64],
  ["version", "GT", "1.2.3"], ["version", "LTE", "1.10.0"], ["version", "GTE", "1.2.3-beta"], ["version", "LT", "2.0.0"], ["id", "MATCHES", "^user-[0-5]"],
].forEach(([attribute, operator, value], at) => {
  flags[`r${at}`] = { allocations: [
    allocation("ruled", { rules: [{ conditions: [{ attribute, operator, value }] }], splits: splits("r", { control: 5000, new: 10000 }) }),
    allocation("rest", { splits: [all("third")] })] };
});
for (const [key, flag] of Object.entries(flags)) {
  flags[key] = { key, enabled: true, variationType: "STRING", totalShards: 10000, variations: variations("control", "new", "third"), ...flag };
}
say({ config: { format: "SERVER", flags } });
// The SDK asks its own clock; the vectors are made as of one moment.
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? ["2026-06-01T00:00:00Z"] : given));
  }
};
const evaluator = new evaluatorModule.Evaluator();
const details = { configFetchedAt: "", configPublishedAt: "", configEnvironment: { name: "t" }, configFormat: "SERVER" };
for (const [key, flag] of Object.entries(flags)) {
  say({ key });
  about(flag, []);
  for (const id of ids(next, key.startsWith("r") ? 30 : 70, { empty: false })) {
    const given = {};
    if (next.maybe(0.8)) given.country = next.of(["DE", "FR", "né", 5, true, null]);
    if (next.maybe(0.8)) given.age = next.of([18, 18.5, "64", "old", 0, true]);
    if (next.maybe(0.8)) given.version = next.of(["1.2.3", "1.2.3-beta.1", "v1.10.0", "1.2", "3.0.0"]);
    if (next.maybe(0.1)) given.id = "user-3";
    const found = evaluator.evaluateFlag(flag, details, id, given, false);
    subject(id, given, found.variation?.key, null, found.variation ? { value: found.variation.value } : {});
  }
}
