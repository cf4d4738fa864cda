"""torch/recurrent: linear attention, the gated delta rule, and the mixer of Mamba 2."""

import torch
from transformers import Mamba2Config
from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer
from transformers.models.qwen3_next import modeling_qwen3_next as qwen3_next

from cases import Group
from common import generator

HEADS = "q, k (batch, groups, positions, keys), v (batch, heads, positions, values), as [B, H, T, K]"


def delta_rule(t):
    """Qwen3-Next's rule by chunks, which scales q by keys ^ -1/2."""
    def turned(name):
        return t[name].transpose(1, 2)
    y, state = qwen3_next.torch_chunk_gated_delta_rule(
        turned("q"), turned("k"), turned("v"), turned("decay"), turned("beta"), chunk_size=4,
        initial_state=t.get("state"), output_final_state=True)
    return {"y": y.transpose(1, 2), "last": state}


def falling(t):
    """S falls by e^decay and takes k vᵀ, position after position."""
    each = t["v"].shape[1] // t["q"].shape[1]
    q, k = (t[name].repeat_interleave(each, dim=1) for name in ("q", "k"))
    state = t["state"] if "state" in t else q.new_zeros(*q.shape[:2], q.shape[-1], t["v"].shape[-1])
    rows = []
    for at in range(q.shape[2]):
        if "decay" in t:
            fall = t["decay"][:, :, at].exp()
            state = state * (fall[..., None] if fall.dim() == 3 else fall[..., None, None])
        state = state + k[:, :, at, :, None] * t["v"][:, :, at, None, :]
        rows.append((q[:, :, at, :, None] * state).sum(-2))
    return {"y": torch.stack(rows, 2), "last": state}


def operands(g, batch, groups, heads, rows, keys, values, decay=None, beta=False, state=False):
    def normal(*shape):
        return torch.randn(*shape, generator=g)
    t = {"q": normal(batch, groups, rows, keys), "k": normal(batch, groups, rows, keys) * 0.5,
         "v": normal(batch, heads, rows, values)}
    if decay == "row":
        t["decay"] = -torch.rand(batch, heads, rows, generator=g)
    if decay == "channel":
        t["decay"] = -torch.rand(batch, heads, rows, keys, generator=g)
    if beta:
        t["beta"] = torch.rand(batch, heads, rows, generator=g)
    if state:
        t["state"] = normal(batch, heads, keys, values)
    return t


def rules(group):
    g = generator(3301)

    def add(name, function, *sizes, **more):
        group.add(name, "linear attention", function, operands(g, *sizes, **more), {"layout": HEADS})
    add("plain", falling, 2, 2, 2, 5, 3, 4)
    add("decay", falling, 2, 1, 3, 7, 4, 5, decay="row", state=True)
    add("channel_decay", falling, 1, 2, 4, 6, 3, 2, decay="channel", state=True)
    add("delta", delta_rule, 2, 2, 4, 9, 4, 3, decay="row", beta=True)
    add("delta_state", delta_rule, 1, 3, 3, 6, 5, 4, decay="row", beta=True, state=True)


def mixer(group):
    """Parameters by their published names; a convolution over time with weights (channels, 1, kernel)."""
    config = Mamba2Config(hidden_size=16, num_heads=4, head_dim=8, state_size=6, n_groups=2, expand=2, conv_kernel=4,
                          chunk_size=4, use_bias=False, use_conv_bias=True, layer_norm_epsilon=1e-5, time_step_limit=(0.0, float("inf")))
    made = Mamba2Mixer(config, 0)
    g = generator(3302)
    inputs = {"x": torch.randn(2, 11, 16, generator=g)}
    for name, parameter in made.named_parameters():
        inputs[f"param.{name}"] = torch.randn(parameter.shape, generator=g) * 0.4

    def run(t):
        values = {name: t[f"param.{name}"] for name, _ in made.named_parameters()}
        return {"y": torch.func.functional_call(made.double() if t["x"].dtype == torch.float64 else made.float(), values, (t["x"],))}
    group.add("mamba2_mixer", "Mamba2Mixer", run, inputs, {"state": 6, "head_dim": 8, "groups": 2, "eps": 1e-5})


def make():
    group = Group("recurrent")
    rules(group)
    mixer(group)
    group.write()
