import { expect, test } from "vitest";
import { formatPython } from "../../src/export/python/format.ts";
import { parseExpression, tokensOf } from "../../src/export/python/parse.ts";
import { exampleSource, jaxOf, torchOf, transformersOf } from "../python/emitted.ts";

/** As `ruff format --isolated` (0.17.6) leaves it, but for what is said behind a statement. */
test("statements are broken as ruff does it", () => {
  expect(
    formatPython(`import torch.nn.functional as F
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask


def forward(self, x, T, rope, attention_mask=None, position_ids=None, inputs_embeds=None):
    y = F.silu(x)  # a.lmg:3
    z = F.scaled_dot_product_attention(turn(q, rope), turn(k, rope), v, is_causal=True)  # h.* edge 0
    sums = x + self.mlp.down_proj(self.mlp.gate_proj(normed)) * self.scale + positions[:, :T]
    table = self.layers[0].attention.query(normed).unflatten(-1, (-1, 64)).transpose(1, 2)
    near = (angle_of_positions * frequencies_of_pairs).unflatten(-1, (-1, 64)).reshape(B, T)
    late = {"linear": lambda: 1 - (1 - floor) * between(warmup, total), "cosine": lambda: floor}
    self.h = nn.ModuleList(First() if i < 4 else Second(window=128) if i < 8 else Third() for i in range(12))
    a, b = x[..., : width // 2], x[..., width // 2 :] ** 2, theta ** (1 / width)
    return logits, hidden_states_of_the_last_layer, attentions_of_all_layers, past_key_values
`),
  ).toBe(`import torch.nn.functional as F
from transformers.masking_utils import (
    create_causal_mask,
    create_sliding_window_causal_mask,
)


def forward(
    self, x, T, rope, attention_mask=None, position_ids=None, inputs_embeds=None
):
    y = F.silu(x)  # a.lmg:3
    # h.* edge 0
    z = F.scaled_dot_product_attention(turn(q, rope), turn(k, rope), v, is_causal=True)
    sums = (
        x
        + self.mlp.down_proj(self.mlp.gate_proj(normed)) * self.scale
        + positions[:, :T]
    )
    table = (
        self.layers[0].attention.query(normed).unflatten(-1, (-1, 64)).transpose(1, 2)
    )
    near = (
        (angle_of_positions * frequencies_of_pairs)
        .unflatten(-1, (-1, 64))
        .reshape(B, T)
    )
    late = {
        "linear": lambda: 1 - (1 - floor) * between(warmup, total),
        "cosine": lambda: floor,
    }
    self.h = nn.ModuleList(
        First() if i < 4 else Second(window=128) if i < 8 else Third()
        for i in range(12)
    )
    a, b = x[..., : width // 2], x[..., width // 2 :] ** 2, theta ** (1 / width)
    return (
        logits,
        hidden_states_of_the_last_layer,
        attentions_of_all_layers,
        past_key_values,
    )
`);
});

test("a line that is 88 long stays, and one more breaks it", () => {
  const call = (length: number): string => `x = f(${"a".repeat(length - 7)})`;
  expect(formatPython(call(88))).toBe(call(88));
  expect(formatPython(call(89))).toBe(`x = f(\n    ${"a".repeat(82)}\n)`);
});

test("what is in brackets with a comma at its end stays broken, and texts and comments in brackets are kept", () => {
  const table = 'INIT = {\n    "a": ("normal", 0, 0.02),\n}';
  expect(formatPython(table)).toBe(table);
  const commented = "x = f(\n    a, # why\n    b)";
  expect(formatPython(commented)).toBe(commented);
  const text = '"""Says  what\n  it   does (and (more."""';
  expect(formatPython(text)).toBe(text);
  expect(formatPython('x = f("a # b", "(")  # c')).toBe('x = f("a # b", "(")  # c');
});

test("signs of powers, slices and negations have spaces where ruff has them", () => {
  const lines = [
    "a = -x**2",
    "a = x ** -y.z",
    "a = f(x) ** 2",
    "a = b[i+1:, :n]",
    "a = not(b in c)",
    "a = (x,)",
    "f(*rest, **more)",
  ];
  expect(lines.map((line) => formatPython(line))).toEqual([
    "a = -(x**2)",
    "a = x**-y.z",
    "a = f(x) ** 2",
    "a = b[i + 1 :, :n]",
    "a = not (b in c)",
    "a = (x,)",
    "f(*rest, **more)",
  ]);
});

test("what is no Python of emitted files is an error of ours", () => {
  expect(() => parseExpression(tokensOf("f(a")!)).toThrow(/emitted Python/);
  expect(() => parseExpression(tokensOf("a b")!)).toThrow("emitted Python is not read at b");
});

test.each(["llama", "gpt2", "unet", "chars", "bert"])("what is written of %s stays as it is", (name) => {
  const source = exampleSource(name);
  for (const made of [torchOf(source), jaxOf(source), transformersOf(source)])
    for (const { path, text } of "reason" in made ? [] : made)
      if (path.endsWith(".py") && path !== "train.py") expect(formatPython(text)).toBe(text);
});
