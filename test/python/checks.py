"""What the lanes have in common: how far numbers may be apart, what is left out, and how a check is told."""

import importlib.util

# Relative to the largest logit: float32 beside float64, as the goal of the design has it.
LOGITS = 2e-6
# The norm behind a gated delta rule makes rows of 0.0004 and of 0.12 alike here, as heads of 4 numbers nearly cancel: a rounding of q, k and v
# to float32 alone, all else in float64, moves the logits by 1.0e-6. transformers' own float32 is 4.3e-6 off, with the rule in float64 3.9e-6.
LOGITS_OF = {"qwen3_next": 1e-5}
# Without logits of their own, or with tensors of a picture's encoder beside the text's.
APART = {"bert_headless", "gemma3_vision"}
# What goldens call inputs that models call otherwise.
OTHER_NAMES = {"input_ids": "tokens", "tokens": "input_ids", "token_type_ids": "token_types", "token_types": "token_type_ids"}
failures = []


def check(name, value, most):
    print(f"{'ok  ' if value <= most else 'FAIL'} {name}: {value:.1e} of at most {most:.0e}", flush=True)
    if not value <= most:
        failures.append(name)


def module_of(path):
    spec = importlib.util.spec_from_file_location("emitted", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
