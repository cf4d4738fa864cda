"""torch/positions: rotary embeddings and their scalings, ALiBi, T5 buckets, sinusoids."""

import torch
from transformers import CohereConfig, GPTJConfig, GPTNeoXConfig, LlamaConfig, T5Config
from transformers.models.bloom import modeling_bloom as bloom
from transformers.models.cohere import modeling_cohere as cohere
from transformers.models.distilbert import modeling_distilbert as distilbert
from transformers.models.gpt_neox import modeling_gpt_neox as neox
from transformers.models.gptj import modeling_gptj as gptj
from transformers.models.llama import modeling_llama as llama
from transformers.models.m2m_100 import modeling_m2m_100 as m2m
from transformers.models.t5.modeling_t5 import T5Attention

from cases import Group
from common import generator

HALVES = "pairs are (i, i + d/2)"
NEIGHBOURS = "pairs are (2i, 2i + 1)"
SHAPES = "q is (batch, heads, positions, head_dim); cos, sin (positions, rotated dims); inv_freq (rotated dims / 2)"


def rotate(module, config, embedding):
    """A case function: q and positions in, rotated q and the tables out."""
    def run(t):
        rotary = embedding(config)
        cos, sin = rotary(t["q"], t["positions"][None])
        y, _ = module.apply_rotary_pos_emb(t["q"], t["q"], cos, sin)
        return {"y": y, "cos": cos[0], "sin": sin[0], "inv_freq": rotary.inv_freq.clone()}
    return run


def rotate_gptj(rotary_dim):
    """What GPTJAttention.forward does with the first rotary_dim dimensions."""
    def run(t):
        table = gptj.create_sinusoidal_positions(64, rotary_dim)[t["positions"]][None]
        sin, cos = table.chunk(2, dim=-1)
        q = t["q"].transpose(1, 2)
        turned = gptj.apply_rotary_pos_emb(q[..., :rotary_dim], sin, cos)
        return {"y": torch.cat([turned, q[..., rotary_dim:]], -1).transpose(1, 2), "cos": cos[0], "sin": sin[0]}
    return run


def rotary(group):
    g = generator(2101)

    def add(name, function, head_dim, positions, attrs, heads=2):
        inputs = {"q": torch.randn(1, heads, len(positions), head_dim, generator=g), "positions": torch.tensor(positions)}
        group.add(f"rotary_{name}", "rotary", function, inputs, attrs | {"head_dim": head_dim, "layout": SHAPES})

    def llama_case(name, head_dim, positions, parameters, max_positions=64):
        parameters = {"rope_type": "default", "rope_theta": 10000.0} | parameters
        config = LlamaConfig(hidden_size=2 * head_dim, num_attention_heads=2, head_dim=head_dim,
                             max_position_embeddings=max_positions, rope_parameters=dict(parameters))
        add(name, rotate(llama, config, llama.LlamaRotaryEmbedding), head_dim, positions,
            {"pairs": HALVES, "max_position_embeddings": max_positions, "rope_parameters": parameters})

    first, later = list(range(7)), [5, 6, 7, 8, 40]
    llama_case("halves", 8, first, {})
    llama_case("halves_later", 6, later, {"rope_theta": 1000000.0})
    config = CohereConfig(hidden_size=16, num_attention_heads=2, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    add("neighbours", rotate(cohere, config, cohere.CohereRotaryEmbedding), 8, first,
        {"pairs": NEIGHBOURS, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
         "note": "cos and sin have each value twice in a row, inv_freq once"})
    add("neighbours_partial", rotate_gptj(4), 8, later, {"pairs": NEIGHBOURS, "rotary_dim": 4,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "note": "cos and sin are (positions, rotary_dim / 2)"})
    parameters = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}
    config = GPTNeoXConfig(hidden_size=32, num_attention_heads=2, rope_parameters=dict(parameters))
    add("halves_partial", rotate(neox, config, neox.GPTNeoXRotaryEmbedding), 16, later,
        {"pairs": HALVES, "rotary_dim": 4, "rope_parameters": parameters})


def alibi(group):
    for heads in (4, 6, 8):
        def run(t):
            table = bloom.build_alibi_tensor(t["attention_mask"], heads, torch.get_default_dtype())[:, 0]
            steps = torch.arange(7)
            slopes = table[:, 1]
            return {"slopes": slopes, "bias": table, "relative": slopes[:, None, None] * (steps[None, :] - steps[:, None])}

        group.add(f"alibi_{heads}", "build_alibi_tensor", run,
                  {"attention_mask": torch.ones(1, 7, dtype=torch.int64)},
                  {"heads": heads, "note": "bias (heads, keys) is slope * key, as BLOOM adds it; relative (heads, queries, keys)"
                                           " is slope * (key - query), the same under softmax"}, gradients=False)


def t5(group):
    for name, bidirectional, buckets, distance, queries, keys in [
            ("both_ways", True, 32, 128, 48, 48), ("causal", False, 32, 128, 48, 48), ("both_ways_small", True, 8, 20, 30, 30),
            ("causal_small", False, 8, 20, 30, 30), ("late_queries", False, 16, 40, 5, 60)]:
        relative = torch.arange(keys)[None, :] - torch.arange(keys - queries, keys)[:, None]
        group.add(f"t5_buckets_{name}", "T5Attention._relative_position_bucket",
                  lambda t: {"buckets": T5Attention._relative_position_bucket(t["relative"], bidirectional, buckets, distance)},
                  {"relative": relative}, {"bidirectional": bidirectional, "num_buckets": buckets, "max_distance": distance,
                                           "note": "relative = key - query, (queries, keys)"}, gradients=False)
    far = torch.arange(-300, 301, 7)[None, :]
    for bidirectional in (True, False):
        group.add(f"t5_buckets_far_{'both_ways' if bidirectional else 'causal'}", "T5Attention._relative_position_bucket",
                  lambda t: {"buckets": T5Attention._relative_position_bucket(t["relative"], bidirectional, 32, 128)},
                  {"relative": far}, {"bidirectional": bidirectional, "num_buckets": 32, "max_distance": 128}, gradients=False)
    for decoder in (False, True):
        config = T5Config(d_model=12, d_kv=4, num_heads=3, relative_attention_num_buckets=8,
                          relative_attention_max_distance=20, is_decoder=decoder)

        def run(t):
            module = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
            module.relative_attention_bias.weight = torch.nn.Parameter(t["param.weight"].detach())
            return {"bias": module.compute_bias(10, 10)[0]}

        group.add(f"t5_bias_{'causal' if decoder else 'both_ways'}", "T5Attention.compute_bias", run,
                  {"param.weight": torch.randn(8, 3, generator=generator(2102))},
                  {"bidirectional": not decoder, "num_buckets": 8, "max_distance": 20,
                   "note": "bias (heads, queries, keys), weight (buckets, heads)"}, gradients=False)


def sinusoids(group):
    for positions, width in [(9, 8), (20, 6)]:
        group.add(f"sinusoid_neighbours_{width}", "create_sinusoidal_embeddings (DistilBERT)",
                  lambda t: {"table": distilbert_table(positions, width).to(torch.get_default_dtype())}, {},
                  {"positions": positions, "width": width, "note": "table[p, 2i] = sin(p / 10000^(2i/width)), [p, 2i+1] = cos"},
                  gradients=False)
        group.add(f"sinusoid_halves_{width}", "M2M100SinusoidalPositionalEmbedding.get_embedding",
                  lambda t: {"table": m2m.M2M100SinusoidalPositionalEmbedding.get_embedding(positions, width)},
                  {}, {"positions": positions, "width": width,
                                              "note": "table[p, i] = sin(p / 10000^(i/(width/2-1))), [p, width/2+i] = cos"}, gradients=False)


def distilbert_table(positions, width):
    table = torch.empty(positions, width, dtype=torch.float64)
    before = torch.FloatTensor
    torch.FloatTensor = torch.from_numpy  # the function rounds to float32 there
    try:
        return distilbert.create_sinusoidal_embeddings(positions, width, table)
    finally:
        torch.FloatTensor = before


def make():
    group = Group("positions")
    for part in (rotary, alibi, t5, sinusoids):
        part(group)
    group.write()
