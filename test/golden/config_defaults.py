"""What a config means to transformers where a key that the family's `config` section reads is missing, or null. The keys are those that
`npx tsx test/families/list-keys.ts` lists: node must be there.

    config_defaults.json                  of each golden checkpoint and each key of its config.json, or of config.v4.json where only that has
                                          it: the keys of the config's class that change without it, or by null, but where it refuses that
    src/families/defaults.json            of each family what its class in transformers takes for a key that is missing
"""

import copy
import dataclasses
import json
import subprocess

import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from common import HERE

MISSING = object()


def look_up(config, key):
    for part in key.split("."):
        if not isinstance(config, dict) or part not in config:
            return MISSING
        config = config[part]
    return config


def changed(config, key, value):
    """The config with another value of a key, dots and all, or without the key."""
    config = copy.deepcopy(config)
    *parts, last = key.split(".")
    place = config
    for part in parts:
        place = place[part]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return config


def meaning(config):
    """The config as its class has it; None where that refuses it."""
    try:
        made = CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(config)).to_dict()
    except Exception:  # each class has its own
        return None
    return json.loads(json.dumps(made))


def difference(config, key, value):
    """The keys of the class that are others by a change of one; None where that is refused, or where the class has no such key."""
    whole, there = meaning(config), meaning(changed(config, key, value))
    top = key.split(".")[0]
    if there is None or top not in there and CONFIG_MAPPING[config["model_type"]].attribute_map.get(key) not in there:
        return None
    # T5's class takes a head for tied whatever the file says, and the file for more.
    return {name: each for name, each in there.items() if whole.get(name, MISSING) != each or name == key and config[key] != each}


def prefixes(key):
    parts = key.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def rows(folder, keys):
    """Of each key of the files what changes without it, and what with null."""
    files = {name: json.loads((HERE / folder / name).read_text()) for name in ("config.json", "config.v4.json") if (HERE / folder / name).exists()}
    today, *before = files.values()
    if any(meaning(each).get("rope_parameters") != meaning(today).get("rope_parameters") for each in before):
        del files["config.v4.json"]  # OLMo 3: transformers 5 reads another base than was written
    found = {}
    for key in sorted({prefix for key in keys for prefix in prefixes(key)} - {"model_type"}):
        name = next((name for name, file in files.items() if look_up(file, key) is not MISSING), None)
        if name is None:
            continue
        ways = {"missing": difference(files[name], key, MISSING), "null": difference(files[name], key, None)}
        found[key] = ({"file": name} if name != "config.json" else {}) | {way: change for way, change in ways.items() if change is not None}
    return found


def defaults(model_type, keys):
    """What the class takes for keys that are missing, and other names under which a config may have them."""
    made = CONFIG_MAPPING[model_type]
    inherited = {field.name: field.default for field in dataclasses.fields(transformers.PreTrainedConfig)}
    fields = {field.name: field.default for field in dataclasses.fields(made)
              if is_plain(field.default) and inherited.get(field.name, MISSING) != field.default}
    tops = {key.split(".")[0] for key in keys}
    values = {key: fields[key] for key in sorted(tops) if key in fields}
    values |= {key: fields[own] for key, own in sorted(made.attribute_map.items()) if key in tops and own in fields and own not in tops}
    names = {}
    for pair in sorted((made.attribute_map | BY_HAND.get(model_type, {})).items()):
        for other, own in (pair, pair[::-1]):
            if own in values and other in tops:
                names.setdefault(own, []).append(other)
    found = {"names": names, **kinds(made, values)}
    return {"values": values} | {name: each for name, each in found.items() if each}


TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")


def kinds(made, values):
    """Which of Python's two kinds of numbers a key has, where its default in JSON leaves that open, and ids that must be some token's."""
    own = {field.name for field in dataclasses.fields(made)} | set(made.attribute_map)
    taken = {key: [not refuses(made, key, number) for number in (1, 1.5)] for key, value in values.items() if value is None}
    whole = [key for key, value in values.items() if isinstance(value, float) and value.is_integer()]
    return {"floats": sorted(whole + [key for key, each in taken.items() if each == [False, True]]),
            "integers": [key for key, each in taken.items() if each == [True, False]],
            "tokens": [key for key in TOKENS if key in own and refuses(made, key, None)]}


def refuses(made, key, value):
    try:
        made(**{key: value})
    except Exception as error:  # other checks see more than one key
        return str(error).startswith(f"Validation error for field '{key}'")
    return False


# Names that the code of a class takes besides; of Falcon those of its first files, which had code of their own.
BY_HAND = {
    "bloom": {"n_embed": "hidden_size"},
    "falcon": {"n_embed": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads", "n_head_kv": "num_kv_heads"},
    "lfm2": {"tie_embedding": "tie_word_embeddings", "block_ff_dim": "intermediate_size"},
}


def is_plain(value):
    return value is None or isinstance(value, (bool, int, float, str))


def lines_of(rows):
    """JSON with one row a line."""
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())


def make():
    transformers.logging.set_verbosity_error()
    listed = subprocess.run(["npx", "tsx", "test/families/list-keys.ts"], cwd=HERE.parents[1], check=True, capture_output=True, text=True)
    goldens = json.loads(listed.stdout)
    made = {each["folder"]: rows(each["folder"], each["keys"]) for each in goldens}
    path = HERE / "config_defaults.json"
    text = ",\n".join(f"{json.dumps(folder)}: {{\n{lines_of(keys)}\n}}" for folder, keys in made.items())
    path.write_text(f'{{"transformers": "{transformers.__version__}", "goldens": {{\n{text}\n}}}}\n')
    print(f"config_defaults.json: {sum(map(len, made.values()))} keys of {len(made)} checkpoints, {path.stat().st_size} bytes")
    keys_of = {}
    for each in goldens:
        keys_of.setdefault(each["type"], set()).update(each["keys"])
    path = HERE.parents[1] / "src/families/defaults.json"
    types = {name: defaults(name, keys) for name, keys in sorted(keys_of.items())}
    path.write_text(f"{{\n{lines_of(types)}\n}}\n")
    print(f"defaults.json: {len(types)} families, {path.stat().st_size} bytes")


if __name__ == "__main__":
    make()
