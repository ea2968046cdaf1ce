"""Vectors from Python: Flagsmith, GrowthBook as it was, and hashes of one's own.

Run by hand, with the packages in an environment of their own:
  pip install flagsmith==6.3.0 flagsmith-flag-engine==11.1.1 mmh3==5.3.1
  python tests/oracle/bucketing/vectors.py flagsmith > gates/bucketing/tests/vectors/flagsmith.jsonl
  python tests/oracle/bucketing/vectors.py generic > gates/bucketing/tests/vectors/generic.jsonl
and in another one, as the newer GrowthBook hashes otherwise:
  pip install growthbook==1.4.3
  python ... growthbook > gates/bucketing/tests/vectors/growthbook-code-points.jsonl

`generic` is no SDK's: it is the same arithmetic from other people's hashes (hashlib, mmh3) and an
FNV-1a written from its definition.
"""

import hashlib
import json
import random
import sys
from importlib.metadata import version

ODD = [
    "josé1", "用户1", "ユーザー42", "😀", "a😀b", "Ωμέγα", "Ünïcödé", "e\u0301", "имя", "\0", " ", "a:b",
    "a,b", "0", "-1", "null", "x" * 64, "y" * 400, "é" * 60,
]


def ids(draw, count):
    kinds = [
        lambda: f"user-{draw.randrange(10**6)}",
        lambda: f"{draw.randrange(16**12):012x}",
        lambda: str(draw.randrange(10**9)),
        lambda: f"u{draw.randrange(1000)}@example.com",
    ]
    every = lambda at: ODD[at // 4 % len(ODD)] if at % 4 == 0 else draw.choice(kinds)()
    return [every(at) for at in range(count)]


def say(line):
    print(json.dumps(line, ensure_ascii=False, separators=(",", ":")))


def flagsmith():
    from flag_engine.engine import get_evaluation_result
    from flag_engine.utils.hashing import get_hashed_percentage_for_object_ids
    from flagsmith.mappers import (
        map_context_and_identity_data_to_context,
        map_environment_document_to_context,
    )

    draw = random.Random(8012)
    sdk = f"flagsmith {version('flagsmith')}, flag-engine {version('flagsmith-flag-engine')}"
    say({"provider": "flagsmith", "sdk": sdk})
    for one in ids(draw, 200):
        thing = draw.choice(["1", "f0e1", "ключ"])
        say({"hash": {"id": one, "object": thing}, "bucket": get_hashed_percentage_for_object_ids([thing, one])})
    # Ids whose hash is 100 at first, and so is hashed again.
    tried = 0
    while tried < 3:
        one = f"again-{draw.randrange(10**9)}"
        if int(hashlib.md5(f"1,{one}".encode()).hexdigest(), 16) % 9999 == 9998:
            say({"hash": {"id": one, "object": "1"}, "bucket": get_hashed_percentage_for_object_ids(["1", one])})
            tried += 1

    def state(number, name, weights=(), **more):
        options = [
            {"id": 10 - at if number == 2 else at + 1, "mv_fs_value_uuid": f"00000000-0000-0000-0000-00000000000{at}",
             "percentage_allocation": weight, "multivariate_feature_option": {"value": f"value {at}", **({"key": f"key {at}"} if number == 3 else {})}}
            for at, weight in enumerate(weights)
        ]
        return {"django_id": number, "featurestate_uuid": f"uuid-{number}", "enabled": True, "feature_state_value": f"{name} {number}",
                "feature": {"id": number, "name": name, "type": "STANDARD"}, "multivariate_feature_state_values": options, **more}

    def condition(operator, value, property_=""):
        return {"operator": operator, "value": value, "property_": property_}

    conditions = [
        condition("PERCENTAGE_SPLIT", "30"), condition("PERCENTAGE_SPLIT", "50.5", "country"), condition("EQUAL", "DE", "country"), condition("NOT_EQUAL", "DE", "country"),
        condition("EQUAL", "18", "age"), condition("GREATER_THAN", "18", "age"), condition("GREATER_THAN_INCLUSIVE", "18", "age"), condition("LESS_THAN", "18.5", "age"),
        condition("LESS_THAN_INCLUSIVE", "64", "age"), condition("CONTAINS", "E", "country"), condition("NOT_CONTAINS", "E", "country"), condition("REGEX", "[A-D]\\w", "country"),
        condition("IN", "DE,FR", "country"), condition("IN", '["DE", "18"]', "age"), condition("IN", ["u1", "josé1"], "$.identity.identifier"), condition("MODULO", "2|0", "age"),
        condition("IS_SET", None, "country"), condition("IS_NOT_SET", None, "country"), condition("EQUAL", "true", "beta"), condition("EQUAL", "false", "beta"),
        condition("GREATER_THAN", "1.2.3:semver", "version"), condition("LESS_THAN_INCLUSIVE", "1.10.0:semver", "version"), condition("EQUAL", "1.2.3", "version"),
    ]
    features = ["half", "thirds", "keyed", "plain", "ends", "part"]
    weights = [(50.0, 50.0), (33.3, 33.3, 33.4), (25.0, 25.0), (), (0.0, 100.0), (10.0,)]
    states = [state(at + 1, name, weights[at]) for at, name in enumerate(features)]
    segments = []
    for at, one in enumerate(conditions):
        name = f"s{at}"
        states.append(state(100 + at, name))
        rules = [{"type": "ALL", "conditions": [], "rules": [{"type": ["ALL", "ANY", "NONE"][at % 3], "conditions": [one], "rules": []}]}]
        segments.append({"id": at + 1, "name": name, "rules": rules, "feature_states": [state(500 + at, name, enabled=False, feature_segment={"priority": 1})]})
    everyone = [{"type": "ALL", "conditions": [condition("IS_SET", None, "country")], "rules": []}]
    segments.append({"id": 90, "name": "weak", "rules": everyone, "feature_states": [state(600, "part", (90.0,), feature_segment={"priority": 5})]})
    segments.append({"id": 91, "name": "strong", "rules": [{"type": "ALL", "conditions": [condition("EQUAL", "DE", "country")], "rules": []}],
                     "feature_states": [state(601, "part", (50.0, 50.0), feature_segment={"priority": 2})]})
    document = {"api_key": "env-key", "name": "t", "feature_states": states, "project": {"id": 1, "segments": segments},
                "identity_overrides": [{"identifier": "u1", "identity_features": [state(700, "half", (), enabled=False)]}]}
    say({"config": document})
    context = map_environment_document_to_context(document)
    for name in [one["feature"]["name"] for one in states]:
        say({"key": name})
        for who in ids(draw, 20 if name.startswith("s") else 90):
            if draw.random() < 0.15:
                who = draw.choice(["u1", "josé1"])
            traits = {}
            if draw.random() < 0.8:
                traits["country"] = draw.choice(["DE", "FR", "SE", "é"])
            if draw.random() < 0.8:
                traits["age"] = draw.choice([18, 18.5, 64, "18", 7])
            if draw.random() < 0.8:
                traits["beta"] = draw.choice([True, False])
            if draw.random() < 0.8:
                traits["version"] = draw.choice(["1.2.3", "1.2.4-rc.1", "1.10.0", "x"])
            full = map_context_and_identity_data_to_context(context, who, traits)
            flag = get_evaluation_result(full)["flags"][name]
            if flag.get("variant") is None and not str(flag["value"]).startswith("value"):
                arm = "enabled" if flag["enabled"] else "disabled"
            elif str(flag["value"]).startswith("value"):
                arm = flag["variant"] or flag["value"]
            else:
                arm = "control"
            say([who, traits, arm, None, {"value": flag["value"]}])


def growthbook():
    from growthbook.core import gbhash

    draw = random.Random(8013)
    say({"provider": "growthbook", "sdk": f"growthbook {version('growthbook')} for Python"})
    for one in ids(draw, 1000):
        seed = draw.choice(["", "hero", "ключ", "😀"])
        hash_version = draw.choice([1, 2])
        bucket = gbhash(seed, one, hash_version)
        say({"hash": {"id": one, "seed": seed, "hash-version": str(hash_version), "encoding": "code-points"}, "bucket": bucket})


def generic():
    import mmh3

    def fnv1a(units):
        number = 0x811C9DC5
        for unit in units:
            number = (number ^ unit) * 0x01000193 % 2**32
        return number

    draw = random.Random(8014)
    say({"provider": "generic", "sdk": f"hashlib, mmh3 {version('mmh3')}; no SDK"})
    for one in ids(draw, 1000):
        name = draw.choice(["murmur3-32", "fnv-1a-32", "md5", "sha-1", "sha-256"])
        layout = draw.choice(["{salt}{id}", "{id}{salt}", "{salt}:{id}", "{id}", "<{salt}|{id}|{salt}>"])
        salt = draw.choice(["", "hero", "соль"])
        modulus = draw.choice([1, 2, 100, 10000, 2**32, 2**40])
        encoding = draw.choice(["utf-8", "utf-16", "code-points"]) if name == "fnv-1a-32" else "utf-8"
        count = draw.choice([0, 1, 4, 6, 8])
        seed = draw.choice([0, 1, 2**32 - 1])
        text = layout.replace("{salt}", salt).replace("{id}", one)
        data = text.encode()
        if name == "murmur3-32":
            number = mmh3.hash(data, seed, signed=False)
        elif name == "fnv-1a-32":
            wide = text.encode("utf-16-le")
            units = {"utf-8": data, "code-points": [ord(letter) for letter in text],
                     "utf-16": [wide[at] | wide[at + 1] << 8 for at in range(0, len(wide), 2)]}[encoding]
            number = fnv1a(units)
        else:
            digest = hashlib.new(name.replace("-", "") if name != "sha-256" else "sha256", data).digest()
            number = int.from_bytes(digest[:count] if count else digest, "big")
        say({"hash": {"id": one, "hash": name, "layout": layout, "salt": salt, "modulus": str(modulus), "encoding": encoding, "bytes": str(count), "seed": str(seed)},
             "bucket": number % modulus})
    config = {"hash": "murmur3-32", "layout": "{salt}:{id}", "salt": "s", "modulus": 1000,
              "arms": [{"name": "b", "weight": 333}, {"name": "a", "weight": 333}, {"name": "c", "weight": 334}, {"name": "never", "weight": 0}]}
    say({"config": config, "key": "any"})
    for one in ids(draw, 100):
        bucket = mmh3.hash(f"s:{one}".encode(), 0, signed=False) % 1000
        say([one, None, "b" if bucket < 333 else "a" if bucket < 666 else "c", bucket])


if __name__ == "__main__":
    {"flagsmith": flagsmith, "growthbook": growthbook, "generic": generic}[sys.argv[1]]()
