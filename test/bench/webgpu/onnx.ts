import type { HostTensor } from "../../../src/tensor/host.ts";
import { OnnxGraph, type ValueInfo } from "../onnx/writer.ts";

export interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly dim: number;
  readonly heads: number;
  readonly depth: number;
}

/** The layers of block.lmg as PyTorch exports them: LayerNormalization (default epsilon 1e-5), MatMul, Softmax, Gelu (tanh). */
export function onnxLayers(weights: Readonly<Record<string, HostTensor>>, sizes: Sizes): Uint8Array {
  const { B, T, dim, heads, depth } = sizes;
  const graph = new OnnxGraph();
  const weight = (name: string): string => graph.floats(weights[name]!.shape, weights[name]!.data);
  const mask = Float32Array.from({ length: T * T }, (_, at) => (at % T > Math.floor(at / T) ? -1e9 : 0));
  const hidden = graph.floats([T, T], mask);
  const scale = graph.floats([1], [Math.sqrt(heads / dim)]);
  const toHeads = graph.ints(B, T, heads, dim / heads);
  const fromHeads = graph.ints(B, T, dim);
  const linear = (x: string, name: string): string =>
    graph.one("Add", [graph.one("MatMul", [x, weight(`${name}.weight`)]), weight(`${name}.bias`)]);
  const norm = (x: string, name: string): string =>
    graph.one("LayerNormalization", [x, weight(`${name}.weight`), weight(`${name}.bias`)]);
  const split = (x: string, perm: readonly number[]): string =>
    graph.one("Transpose", [graph.one("Reshape", [x, toHeads])], { perm });

  let x = "x";
  for (let layer = 0; layer < depth; layer++) {
    const h = `h.${layer}`;
    const qkv = linear(norm(x, `${h}.ln_1`), `${h}.attn.c_attn`);
    const [q, k, v] = graph.add("Split", [qkv], { axis: 2, num_outputs: 3 }, { results: 3 });
    const scores = graph.one("MatMul", [split(q!, [0, 2, 1, 3]), split(k!, [0, 2, 3, 1])]);
    const shares = graph.one("Softmax", [graph.one("Add", [graph.one("Mul", [scores, scale]), hidden])], {
      axis: 3,
    });
    const heard = graph.one("MatMul", [shares, split(v!, [0, 2, 1, 3])]);
    const merged = graph.one("Reshape", [graph.one("Transpose", [heard], { perm: [0, 2, 1, 3] }), fromHeads]);
    x = graph.one("Add", [x, linear(merged, `${h}.attn.c_proj`)]);
    const wide = graph.one("Gelu", [linear(norm(x, `${h}.ln_2`), `${h}.mlp.c_fc`)], { approximate: "tanh" });
    x = graph.one("Add", [x, linear(wide, `${h}.mlp.c_proj`)]);
  }
  graph.alias(x, "y");
  const info = (name: string): ValueInfo => ({ name, type: "f32", shape: [B, T, dim] });
  return Buffer.concat(graph.finish([info("x")], [info("y")]));
}
