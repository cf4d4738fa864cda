import type { Command } from "./command.ts";

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** Every command. What a command needs is loaded when it is run, so that `lmg check` starts fast. */
export const commands: { readonly [name: string]: CommandEntry } = {
  check: { summary: "find the mistakes of a model", load: () => import("./commands/check.ts") },
  fmt: { summary: "format .lmg files", load: () => import("./commands/fmt.ts") },
  new: {
    summary: "write the model of a published checkpoint or family, for you to change",
    load: () => import("./commands/new.ts"),
  },
  import: {
    summary: "write the .lmg text and the weights of an ONNX or Keras model",
    load: () => import("./commands/import.ts"),
  },
  ir: { summary: "print the graph, after any pass", load: () => import("./commands/ir.ts") },
  edges: {
    summary: "list the residual edges and what they were fused into",
    load: () => import("./commands/edges.ts"),
  },
  draw: {
    summary: "draw the residual edges of a model and where the norms sit on them, as SVG",
    load: () => import("./commands/draw.ts"),
  },
  plan: {
    summary: "list the steps and buffers of the execution plan",
    load: () => import("./commands/plan.ts"),
  },
  stats: { summary: "count parameters, operations and bytes", load: () => import("./commands/stats.ts") },
  compile: {
    summary: "write a standalone module that runs the model",
    load: () => import("./commands/compile.ts"),
  },
  run: { summary: "run a model on weights and input", load: () => import("./commands/run.ts") },
  embed: {
    summary: "make vectors of texts, and compare them",
    load: () => import("./commands/embed.ts"),
  },
  classify: {
    summary: "say how likely each label of a classifier is for texts",
    load: () => import("./commands/classify.ts"),
  },
  rerank: {
    summary: "order passages by how well they answer a query",
    load: () => import("./commands/rerank.ts"),
  },
  quantize: {
    summary: "write a checkpoint with weights of 8 or 4 bits, and say what that costs",
    load: () => import("./commands/quantize.ts"),
  },
  train: {
    summary: "train a model on a text or on arrays",
    load: () => import("./commands/train.ts"),
  },
  tokens: {
    summary: "write a text as tokens, for trainings that run elsewhere",
    load: () => import("./commands/tokens.ts"),
  },
  generate: {
    summary: "write a text with a trained language model",
    load: () => import("./commands/generate.ts"),
  },
  compare: {
    summary: "run targets beside the interpreter and name the first step that differs",
    load: () => import("./commands/compare.ts"),
  },
  bench: {
    summary: "time each step of a model, and say what limits it",
    load: () => import("./commands/bench.ts"),
  },
  fit: {
    summary: "say whether a WebGPU device can run a model, before any is asked",
    load: () => import("./commands/fit.ts"),
  },
  probe: {
    summary: "measure activations and gradients at each residual edge, by depth and placement",
    load: () => import("./commands/probe.ts"),
  },
  study: {
    summary: "train placements over learning rates and seeds, and compare them",
    load: () => import("./commands/study.ts"),
  },
  runs: {
    summary: "compare runs of trainings: a table, and their curves over each other",
    load: () => import("./commands/runs.ts"),
  },
  export: {
    summary: "write what runs measured for TensorBoard, as CSV or as lines of JSON",
    load: () => import("./commands/export.ts"),
  },
  ops: {
    summary: "document the layers and words of the language, and the ops of graphs",
    load: () => import("./commands/ops.ts"),
  },
  explain: {
    summary: "say what the code of a mistake or a warning means, with an example",
    load: () => import("./commands/explain.ts"),
  },
  play: {
    summary: "show a model in a page that follows its file",
    load: () => import("./commands/play.ts"),
  },
  lsp: {
    summary: "serve editors: what the compiler knows of a text while it is written",
    load: () => import("./commands/lsp.ts"),
  },
  demo: {
    summary: "compile and run a small trained model that comes with lmg",
    load: () => import("./commands/demo.ts"),
  },
};
