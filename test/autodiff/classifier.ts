import { optimizerOf, type Optimizer } from "../../src/autodiff/train/optimizer.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { lower } from "../../src/lower/lower.ts";
import { parse } from "../../src/language/parse.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import type { HostTensor } from "../../src/tensor/host.ts";

/** The training graph of a model's text. */
export function trainingGraph(text: string): Graph {
  const { file, diagnostics } = parse({ name: "model.lmg", text });
  const { model, diagnostics: more } = lower(file, { training: true });
  if (model?.train === undefined)
    throw new Error([...diagnostics, ...more].map((each) => showDiagnostic(each)).join("\n"));
  return model.train.graph;
}

const norms: Readonly<Record<string, string>> = { batch: "batchnorm", layer: "layernorm", none: "none" };

const edges: Readonly<Record<string, string>> = {
  inner: "residual { fc1: linear(16) -> n1: norm -> relu }",
  pre: "residual pre n1: norm { fc1: linear(16) -> relu }",
  post: "residual post n1: norm { fc1: linear(16) -> relu }",
};

/** The residual classifier of the golden runs. */
export const classifier = (norm: string, placement: string): string => `
model classifier {
  let norm = ${norms[norm]!}
  input x: f32[B, 20]
  fc0: linear(16) -> n0: norm -> relu
  ${edges[placement]!}
  fc2: linear(4)
  output logits: f32[B, 4]
  train {
    target y: i32[B]
    loss (logits, y) -> cross_entropy
  }
}
`;

/** The optimizer of PyTorch's options. */
export function torchOptimizer(name: string, hyper: Readonly<Record<string, unknown>>): Optimizer {
  const number = (key: string, fallback: number): number => (hyper[key] as number | undefined) ?? fallback;
  return optimizerOf({
    name,
    options: {
      momentum: number("momentum", 0),
      nesterov: name === "muon" || hyper["nesterov"] === true,
      betas: (hyper["betas"] as number[] | undefined) ?? [0.9, 0.999],
      eps: number("eps", 1e-8),
      decay: number("weight_decay", name === "adamw" ? 0.01 : 0),
      steps: 5,
    },
  });
}

/** Rows of the leading axis, as a tensor without it. */
export function rowsAt({ dtype, shape, data }: HostTensor, index: number): HostTensor {
  const rest = shape.slice(1);
  const size = rest.reduce((a, b) => a * b, 1);
  return { dtype, shape: rest, data: data.slice(index * size, (index + 1) * size) };
}

/** `parts` equal parts of the leading axis. */
export function partsOf(tensor: HostTensor, parts: number): HostTensor[] {
  const { dtype, shape, data } = tensor;
  const size = data.length / parts;
  return Array.from({ length: parts }, (_, part) => ({
    dtype,
    shape: [shape[0]! / parts, ...shape.slice(1)],
    data: data.slice(part * size, (part + 1) * size),
  }));
}
