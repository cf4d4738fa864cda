import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { exampleSource, goldenFolders, goldenModelPy, modelPy, torchOf } from "../python/emitted.ts";

const lines = (text: string): number => text.split("\n").length;

/** Without the numbers of the lines of examples, which move. */
const unnumbered = (text: string): string => text.replaceAll(/(?<=\.lmg:)\d+/g, "N");

/** The part of a file from a line that begins so up to the next that does. */
const part = (text: string, from: string, to: string): string =>
  `\n${unnumbered(text.slice(text.indexOf(from), text.indexOf(to, text.indexOf(from)))).trim()}\n`;

describe("a model for PyTorch", () => {
  test("is a class for the repeat, with the names of the checkpoint and the lines of the model", () => {
    const text = modelPy(exampleSource("llama"), {
      settings: { dim: 64, hidden: 96, heads: 4, kv_heads: 2, vocab: 75, depth: 3 },
    });
    expect(part(text, "class ModelLayer", "Model = ")).toMatchInlineSnapshot(`
      "
      class ModelLayer(nn.Module):
          """One iteration of \`repeat 3 as model.layers\`: 2 residual edges."""

          def __init__(self):
              super().__init__()
              self.input_layernorm = nn.RMSNorm(64, eps=0.00001)
              self.self_attn = group(
                  q_proj=nn.Linear(64, 64, bias=False),
                  k_proj=nn.Linear(64, 32, bias=False),
                  v_proj=nn.Linear(64, 32, bias=False),
                  o_proj=nn.Linear(64, 64, bias=False),
              )
              self.post_attention_layernorm = nn.RMSNorm(64, eps=0.00001)
              self.mlp = group(
                  gate_proj=nn.Linear(64, 96, bias=False),
                  up_proj=nn.Linear(64, 96, bias=False),
                  down_proj=nn.Linear(96, 64, bias=False),
              )

          def forward(self, x, rope):
              input_layernorm = self.input_layernorm(x)  # llama.lmg:N
              q_proj = self.self_attn.q_proj(input_layernorm)  # llama.lmg:N
              q = turn(q_proj.unflatten(-1, (-1, 16)).transpose(1, 2), rope)
              k_proj = self.self_attn.k_proj(input_layernorm)
              k = turn(k_proj.unflatten(-1, (-1, 16)).transpose(1, 2), rope)
              v_proj = self.self_attn.v_proj(input_layernorm)
              v = v_proj.unflatten(-1, (-1, 16)).transpose(1, 2)
              attended = F.scaled_dot_product_attention(
                  q, k, v, is_causal=True, scale=0.25, enable_gqa=True
              )
              o_proj = self.self_attn.o_proj(attended.transpose(1, 2).flatten(-2))
              x = x + o_proj  # model.layers.* edge 0, pre rmsnorm, llama.lmg:N
              post_attention_layernorm = self.post_attention_layernorm(x)  # llama.lmg:N
              gate = F.silu(self.mlp.gate_proj(post_attention_layernorm))  # llama.lmg:N
              mul = gate * self.mlp.up_proj(post_attention_layernorm)
              # model.layers.* edge 1, pre rmsnorm, llama.lmg:N
              x = x + self.mlp.down_proj(mul)
              return x


      class Llama(nn.Module):
          def __init__(self):
              super().__init__()
              self.model = group(
                  embed_tokens=nn.Embedding(75, 64),
                  layers=nn.ModuleList(ModelLayer() for _ in range(3)),
                  norm=nn.RMSNorm(64, eps=0.00001),
              )
              self.lm_head = nn.Linear(64, 75, bias=False)

          def forward(self, tokens):
              _, T = tokens.shape
              rope = rotary(torch.arange(T, device=tokens.device), frequencies(16, 10000))
              x = self.model.embed_tokens(tokens)  # llama.lmg:N
              for layer in self.model.layers:
                  x = layer(x, rope)
              norm = self.model.norm(x)  # llama.lmg:N
              lm_head = self.lm_head(norm)  # llama.lmg:N
              return lm_head
      "
    `);
  });

  test("names what weight decay reaches, how parameters begin, and the loss as sums", () => {
    const text = modelPy(exampleSource("chars"), { settings: { vocab: 74 } });
    expect(`\n${text.slice(text.indexOf("INIT = {"))}`).toMatchInlineSnapshot(`
      "
      INIT = {
          "wte.weight": ("normal", 0, 0.02),
          "wpe.weight": ("normal", 0, 0.02),
          "h.*.ln_1.weight": ("constant", 1),
          "h.*.attn.c_attn.weight": ("normal", 0, 0.02),
          "h.*.attn.c_proj.weight": ("normal", 0, 0.0070710678118654745),
          "h.*.ln_2.weight": ("constant", 1),
          "h.*.mlp.c_fc.weight": ("normal", 0, 0.02),
          "h.*.mlp.c_proj.weight": ("normal", 0, 0.0070710678118654745),
          "ln_f.weight": ("constant", 1),
      }

      # Sharded each by itself, then what is left with the model; a list stands for each of its layers.
      BLOCKS = ["h"]

      # Run again for the backward instead of kept, as the model asks for.
      CHECKPOINTED = []

      # What each process of \`--tensor\` has of a layer: columns, rows, heads (and their axis), tokens of the vocabulary.
      TENSOR_PARALLEL = {
          "h.*.ln_2": "norm",
          "h.*.mlp.c_fc": "columns",
          "h.*.mlp.c_proj": "rows",
          "wte": "table",
      }

      # What must divide by their number.
      TENSOR_SIZES = [(512, "columns of c_fc")]

      # Between the branches of these, each process has a part of the positions.
      SEQUENCE_PARALLEL = []

      INPUTS = ("tokens",)
      TARGETS = ("next",)
      CONTEXT = 64
      AUGMENTED = ()

      TRAIN = {
          "optimizer": "adamw",
          "lr": 0.002,
          "betas": (0.9, 0.99),
          "eps": 1e-8,
          "decay": 0.1,
          "schedule": "cosine",
          "schedule_warmup": 100,
          "schedule_floor": 0.1,
          "clip": 1,
          "batch": 12,
          "accumulate": 1,
          "steps": 2000,
          "epochs": None,
          "seed": 1337,
      }

      # Weight decay reaches these: matrices, tables and kernels.
      DECAYED = {
          "wte.weight",
          "wpe.weight",
          "h.*.attn.c_attn.weight",
          "h.*.attn.c_proj.weight",
          "h.*.mlp.c_fc.weight",
          "h.*.mlp.c_proj.weight",
      }
      # What some have for themselves: a share of the rate, an eps, a decay.
      RULES = {}


      def loss(logits, next):
          """The parts of the loss, each a sum over the rows that are here: divided by \`counts\` of all rows they are its means."""
          return [F.cross_entropy(logits.flatten(0, -2), next.flatten(), reduction="sum")]


      def counts(next):
          """What each of them is a sum of: rows or targets that count."""
          return [next.numel()]


      # What has moved passes through these, one after the other.
      AFTER = {}
      "
    `);
  });

  test("has as many lines however deep it is", () => {
    const deep = (depth: number): number => lines(modelPy(exampleSource("llama"), { settings: { depth } }));
    expect(deep(40)).toBe(deep(2));
  });

  test("says windows that alternate where the layers are made", () => {
    const text = modelPy(exampleSource("gemma2"), {
      settings: { vocab: 96, dim: 32, hidden: 48, depth: 6, heads: 4, kv_heads: 2, head_dim: 8, window: 4 },
    });
    expect(text).toContain(`
                ModelLayer(window=4) if i % 2 == 0 else ModelLayer(window=None)
                for i in range(6)
`);
    expect(text).toContain("causal=True, window=self.window");
  });

  test.each(readdirSync("examples").filter((file) => file.endsWith(".lmg")))(
    "examples/%s is written",
    (file) => {
      expect(modelPy(exampleSource(file.replace(".lmg", "")))).toContain("Model = ");
    },
  );

  test.each(["pre", "post", "out", "sandwich", "none"])("the placement %s is written", (placement) => {
    expect(modelPy(exampleSource("placement"), { settings: { placement } })).toContain("# h.* edge 1");
  });

  test.each(goldenFolders)("the model of %s is written", (folder) => {
    expect(goldenModelPy(folder)).toContain("Model = ");
  });
});

describe("a model that torch has no form for is refused with its reason", () => {
  const reasonOf = (body: string, train = ""): unknown => {
    const made = torchOf({
      name: "m.lmg",
      text: `model m {\n  input x: f32[B, 8]\n  ${body}\n  output y\n${train}}\n`,
    });
    return "reason" in made ? `${made.reason}: ${made.detail}` : "written";
  };

  test.each([
    ["train: linear(8)", "name: a part of the model with the name train"],
    ["fc: linear(8) -> tanh", "written"],
  ])("%s", (body, reason) => {
    expect(reasonOf(body)).toBe(reason);
  });

  test("a loss that is no sum over rows", () => {
    const train =
      "  train {\n    target z: f32[B, 8]\n    loss (y, z) -> mean_squared_error -> sqrt\n    optimizer sgd(lr: 0.1)\n  }\n";
    expect(reasonOf("fc: linear(8)", train)).toBe("loss: the loss");
  });
});
