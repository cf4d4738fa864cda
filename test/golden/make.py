"""Remakes the golden files: `python test/golden/make.py [GROUP …]`, all of them or some groups, which are the keys of `GROUPS`."""

import sys

import torch
import transformers

import accumulate
import adapters
import byte_pairs
import character_ranges
import config_defaults
import encoder_layer
import families
import gguf_blocks
import generation
import gguf_files
import gguf_tokenizers
import hf
import hf_headless
import hf_keys
import odd_numbers
import packed_fp4
import positions
import probe
import quantized_experts
import recurrent
import rope
import routed
import scaled_floats
import text_models
import texts
import tokenizer_configs
import tokenizer_files
import torch_modules
import training

GROUPS = {
    "hf": hf.make, "hf_keys": hf_keys.make, "hf_headless": hf_headless.make, "modules": torch_modules.make,
    "positions": positions.make, "rope": rope.make, "families": families.make, "adapters": adapters.make,
    "text_models": text_models.make, "texts": texts.make, "encoder_layer": encoder_layer.make,
    "training": training.make, "accumulate": accumulate.make, "byte_pairs": byte_pairs.make, "probe": probe.make,
    "recurrent": recurrent.make, "routed": routed.make, "tokenizer_files": tokenizer_files.make,
    "tokenizer_configs": tokenizer_configs.make, "character_ranges": character_ranges.make,
    "generation": generation.make, "gguf_blocks": gguf_blocks.make, "scaled_floats": scaled_floats.make,
    "gguf_files": gguf_files.make, "gguf_tokenizers": gguf_tokenizers.make, "odd_numbers": odd_numbers.make,
    "packed_fp4": packed_fp4.make, "quantized_experts": quantized_experts.make,
    "config_defaults": config_defaults.make,
}


def main(names):
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in names or GROUPS:
        GROUPS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
