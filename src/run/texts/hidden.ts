import { Problem } from "../../checkpoint/problem.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { keepOutputs, type KeptOutputs } from "../../ir/keep-outputs.ts";
import { operandValues } from "../../ir/node.ts";
import { producersOf } from "../../ir/walk.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { findTokenInput } from "../tokens.ts";

/** What the output is called that has a vector of each token, in models that name it. */
export const HIDDEN = "hidden_states";

/**
 * The model up to the vectors [B, T, D] that its head would make tokens of: its output `hidden_states`, or of a model without
 * one what the last product of its logits reads. Its own head is not needed then.
 */
export function hiddenStates({ graph, notNeeded, name }: LoweredModel): KeptOutputs | Problem {
  if (findTokenInput(graph) === undefined)
    return new Problem(
      "E813",
      `\`${name}\` has no vectors of texts: it must read the ids of one text, and it reads ${graph.inputs.map((input) => `\`${input.name}\``).join(", ")}`,
      "encoders and decoders alone have them; of a model with both, write the encoder as a model of its own",
    );
  const named = graph.outputs.find((output) => output.name === HIDDEN);
  const value = named?.value ?? beforeHead(graph);
  if (value === undefined)
    return new Problem(
      "E813",
      `\`${name}\` has no vectors of tokens: no output is called \`${HIDDEN}\`, and its logits are no product of some`,
      `give it one in its text: output ${HIDDEN}: f32[B, T, dim]`,
    );
  const output = { name: HIDDEN, value, span: named?.span };
  const kept = keepOutputs({ ...graph, outputs: [output] }, new Set([HIDDEN]));
  return { graph: kept.graph, notNeeded: [...notNeeded, ...kept.notNeeded] };
}

/** What the last product with a parameter reads on the way to the first output [B, T, V]: scales and caps may follow it. */
function beforeHead(graph: Graph): Value | undefined {
  const producers = producersOf(graph);
  const parameters = new Set(graph.parameters.map(({ value }) => value));
  let value = graph.outputs.find(
    ({ value: { type } }) => type.shape.length === 3 && isFloat(type.dtype),
  )?.value;
  while (value !== undefined) {
    const node = producers.get(value)?.node;
    if (node === undefined) return undefined;
    if (node.op === "linear" && parameters.has(node.operands.weight)) return node.operands.x;
    const width = value.type.shape.at(-1)!.key;
    value = operandValues(node).find(
      ({ type: { shape } }) => shape.length === 3 && shape.at(-1)!.key === width,
    );
  }
  return undefined;
}

/** Tensors of heads and of poolers, by their published names: what vectors of tokens are made without. */
export const headTensors: readonly string[] = [
  ...["pooler.*", "*.pooler.*", "cls.*", "classifier.*", "pre_classifier.*", "score.*", "qa_outputs.*"],
  ...[
    "lm_head.*",
    "head.*",
    "decoder.bias",
    "decoder.weight",
    "predictions.*",
    "sop_classifier.*",
    "vocab_*",
  ],
  ...["generator_predictions.*", "generator_lm_head.*", "discriminator_predictions.*", "embed_out.*"],
];
