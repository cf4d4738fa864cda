import type { OnnxModel } from "./model.ts";

/** The tensors of a model that no output needs, and its weights as lmg has it do not have. */
export function onnxLeftOut({ tensors, nodes, outputs }: OnnxModel): readonly string[] {
  const read = new Set(outputs);
  for (const node of nodes.toReversed())
    if (node.outputs.some((name) => read.has(name))) for (const name of node.inputs) read.add(name);
  return [...tensors.keys()].filter((name) => !read.has(name));
}
