import type { HostTensor } from "../../src/tensor/host.ts";
import type { GoldenCase } from "../ops/golden.ts";

/**
 * Modules of PyTorch as models of the language: the text of a model whose output `y` is the module's, and whose
 * parameters have the module's own names. Undefined for a kind that the language has no inference form of.
 */
export function modelOf(found: GoldenCase): string | undefined {
  const layer = layers[found.kind]?.(found);
  if (layer === undefined) return undefined;
  const [input, tensor] = inputOf(found);
  const memory = found.optional("memory");
  return [
    `model golden {`,
    `  input ${input}: ${typeText(tensor)}`,
    ...(memory === undefined ? [] : [`  input memory: ${typeText(memory)}`]),
    `  ${layer}`,
    `  output y`,
    `}`,
    blocks,
  ].join("\n");
}

const typeText = ({ dtype, shape }: HostTensor): string => `${dtype}[${shape.join(", ")}]`;

/** The module's input: `x`, or ids. */
export function inputOf(found: GoldenCase): readonly [name: string, tensor: HostTensor] {
  const ids = found.optional("ids");
  return ids === undefined ? ["x", found.tensor("x")] : ["ids", ids];
}

/** What the labels below put in front of a module's parameter names. */
export const PREFIX = "m.";

type LayerText = (found: GoldenCase) => string | undefined;

const fixed =
  (text: string): LayerText =>
  () =>
    text;

const eps = ({ attrs }: GoldenCase): string => `eps: ${String(attrs["eps"])}`;

const activation = (found: GoldenCase): string | undefined => activations[String(found.attrs["activation"])];

/** PyTorch's names, and those of older files. */
const activations: Readonly<Record<string, string>> = { relu: "relu", gelu: "gelu", "gelu (erf)": "gelu" };

const layers: Readonly<Record<string, LayerText>> = {
  "nn.LayerNorm": (found) => {
    const bias = found.optional("param.bias") !== undefined;
    return `m: layernorm(${eps(found)}, affine: ${String(found.attrs["affine"])}, bias: ${bias})`;
  },
  "nn.RMSNorm": (found) => `m: rmsnorm(${eps(found)}, affine: ${String(found.attrs["affine"])})`,
  LlamaRMSNorm: (found) => `m: rmsnorm(${eps(found)})`,
  Gemma2RMSNorm: (found) => `m: rmsnorm(${eps(found)}, unit_offset: true)`,
  CohereLayerNorm: (found) => `m: layernorm(${eps(found)}, bias: false)`,
  "nn.BatchNorm1d": (found) =>
    found.attrs["train"] === true
      ? undefined
      : `m: batchnorm(${eps(found)}, affine: ${found.optional("param.weight") !== undefined})`,
  "nn.Linear": ({ attrs }) => `m: linear(${String(attrs["out"])}, bias: ${String(attrs["bias"])})`,
  "nn.Embedding": ({ attrs }) => `m: embedding(${String(attrs["num"])}, ${String(attrs["dim"])})`,
  LlamaMLP: (found) => `m: swiglu(${found.tensor("param.gate_proj.weight").shape[0]})`,
  "nn.MultiheadAttention": (found) => {
    const { attrs } = found;
    const memory = found.optional("memory") === undefined ? "" : ", memory";
    const bias = String(attrs["bias"]);
    return `(x${memory}) -> m: torch_attention(${String(attrs["num_heads"])}, bias: ${bias}, causal: ${String(attrs["causal"])})`;
  },
  "nn.TransformerEncoderLayer": (found) => {
    const { attrs } = found;
    const act = activation(found);
    const placement = attrs["norm_first"] === true ? "pre" : "post";
    const sizes = `${String(attrs["nhead"])}, ${String(attrs["dim_feedforward"])}`;
    return (
      act &&
      `m: torch_layer(${sizes}, ${placement}, ${act}, ${eps(found)}, causal: ${String(attrs["causal"])})`
    );
  },
  "F.softmax": ({ attrs }) => `softmax(axis: ${String(attrs["dim"])})`,
  "F.log_softmax": ({ attrs }) => `log_softmax(axis: ${String(attrs["dim"])})`,
  "F.normalize": ({ attrs }) => (attrs["dim"] === -1 ? `l2norm(eps: ${String(attrs["eps"])})` : undefined),
  ...Object.fromEntries(
    ["relu", "sigmoid", "silu", "softplus", "tanh", "exp", "erf"].flatMap((name) => [
      [`F.${name}`, fixed(name)],
      [`activation.${name}`, fixed(name)],
    ]),
  ),
  "F.gelu_erf": fixed("gelu"),
  "activation.gelu_erf": fixed("gelu"),
  "F.gelu_tanh": fixed("gelu(approx: tanh)"),
  "activation.gelu_tanh": fixed("gelu(approx: tanh)"),
  "activation.relu_squared": fixed("relu2"),
};

/** PyTorch keeps q, k and v in one weight, whose name is no layer's: blocks over parameters have its names. */
const blocks = `
block torch_layer(heads: int, hidden: int, at: placement, act: layer, eps = 1e-5, causal = false) {
  input x: [B, T, D]
  residual at norm1: layernorm(eps) { (stream, stream) -> self_attn: torch_attention(heads, causal) }
  residual at norm2: layernorm(eps) { linear1: linear(hidden) -> act -> linear2: linear(D) }
}

block torch_attention(heads: int, bias = true, causal = false) {
  input x: [B, T, D]
  input memory: [B, S, D] = x
  (wq, wk, wv) = in_proj_weight: parameter([3 * D, D]) -> split(3, axis: 0)
  q = (x, wq) -> matmul(transpose: true)
  k = (memory, wk) -> matmul(transpose: true)
  v = (memory, wv) -> matmul(transpose: true)
  if bias {
    (bq, bk, bv) = in_proj_bias: parameter([3 * D]) -> split(3)
    q = q + bq
    k = k + bk
    v = v + bv
  }
  (q -> heads(heads), k -> heads(heads), v -> heads(heads)) -> attend(causal) -> merge_heads -> out_proj: linear(D, bias)
}
`;
