import type { Parameter } from "../ir/graph.ts";
import { InternalError } from "../support/invariant.ts";
import { listWords, nearest, plural } from "../support/text.ts";
import { constantDim } from "../tensor/dim.ts";
import { Problem, quote, showSizes } from "./problem.ts";
import type { StoredTensor } from "./stored.ts";

/** A tensor of a checkpoint whose bytes are read when they are wanted. */
export interface CheckpointTensor {
  readonly dtype: StoredTensor["dtype"];
  readonly shape: readonly number[];
  readonly read: () => StoredTensor;
}

/**
 * Tensors that published checkpoints carry and no model needs: what `*` stands for has no part of the name's end.
 * Masks and tables that old versions of transformers saved with the weights, and a count of batches.
 */
export const harmlessTensors: readonly string[] = [
  "*.attn.bias", // GPT-2, GPT-J: the causal mask
  "*.attn.masked_bias", // GPT-2, GPT-J: minus infinity
  "*.attention.bias", // GPT-NeoX: the causal mask
  "*.attention.masked_bias",
  "*.rotary_emb.inv_freq", // Llama, GPT-NeoX
  "*.position_ids", // BERT: 0, 1, 2, …
  "*.num_batches_tracked", // torch.nn.BatchNorm
];

/** The name under which TensorFlow's norms kept a parameter; the first published BERT checkpoints still have it. */
const olderName = (parameter: string): string =>
  parameter.replace(/\.weight$/, ".gamma").replace(/\.bias$/, ".beta");

export interface Match {
  /** The checkpoint's tensor of each parameter. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Surplus tensors that change nothing: those of `harmlessTensors` and copies of a tied table. */
  readonly ignored: readonly string[];
}

/**
 * Finds each parameter's tensor by its name and checks its shape. All that is missing, surplus or of a wrong shape is
 * reported at once, one problem a kind. A surplus matrix is accepted if it equals one that is used: heads that are tied
 * to the embedding are stored twice by some writers.
 */
export function matchParameters(
  parameters: readonly Parameter[],
  checkpoint: ReadonlyMap<string, CheckpointTensor>,
  name: string,
  harmless: readonly string[] = harmlessTensors,
): Match | readonly Problem[] {
  const tensors = new Map<string, CheckpointTensor>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const wanted = new Set<string>();
  for (const { name: parameter, value } of parameters) {
    const stored = checkpoint.has(parameter) ? parameter : olderName(parameter);
    const tensor = checkpoint.get(stored);
    wanted.add(stored);
    const shape = value.type.shape.map((size) => constantDim(size) ?? notConstant(parameter));
    if (tensor === undefined) missing.push(parameter);
    else if (tensor.shape.length === shape.length && tensor.shape.every((size, axis) => size === shape[axis]))
      tensors.set(parameter, tensor);
    else
      misshapen.push(`${quote(parameter)} is ${showSizes(tensor.shape)}, the model has ${showSizes(shape)}`);
  }
  const isIgnored = ignoreRule(harmless, tensors);
  const [ignored, surplus] = partition(
    [...checkpoint].filter(([tensor]) => !wanted.has(tensor)),
    isIgnored,
  );
  const problems = [
    ...missingProblem(missing, surplus, name),
    ...shapeProblem(misshapen, name),
    ...surplusProblem(surplus, missing, name),
  ];
  return problems.length > 0 ? problems : { tensors, ignored };
}

function notConstant(parameter: string): never {
  throw new InternalError(`the parameter ${parameter} has a run-time dim`);
}

function ignoreRule(
  harmless: readonly string[],
  used: ReadonlyMap<string, CheckpointTensor>,
): (name: string, tensor: CheckpointTensor) => boolean {
  const patterns = harmless.map(
    (pattern) => new RegExp(`^${pattern.split("*").map(escapePattern).join(".*")}$`, "s"),
  );
  const usedByType = new Map<string, CheckpointTensor[]>();
  for (const tensor of used.values()) {
    const others = usedByType.get(typeKey(tensor));
    if (others === undefined) usedByType.set(typeKey(tensor), [tensor]);
    else others.push(tensor);
  }
  return (name, tensor) =>
    patterns.some((pattern) => pattern.test(name)) ||
    (tensor.shape.length === 2 &&
      (usedByType.get(typeKey(tensor)) ?? []).some((other) => sameBytes(tensor, other)));
}

const typeKey = (tensor: CheckpointTensor): string => `${tensor.dtype}[${tensor.shape.join()}]`;

function sameBytes(a: CheckpointTensor, b: CheckpointTensor): boolean {
  const other = b.read().bytes;
  return a.read().bytes.every((byte, at) => byte === other[at]);
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function partition(
  tensors: readonly (readonly [string, CheckpointTensor])[],
  isIgnored: (name: string, tensor: CheckpointTensor) => boolean,
): [string[], string[]] {
  const sides: [string[], string[]] = [[], []];
  for (const [name, tensor] of tensors) sides[isIgnored(name, tensor) ? 0 : 1].push(name);
  return sides;
}

/** How many names a message lists; the rest is counted. */
const MAX_LISTED = 5;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED);
  const rest = names.length - shown.length;
  return listWords(rest > 0 ? [...shown, `${rest} more`] : shown);
}

function missingProblem(missing: readonly string[], surplus: readonly string[], name: string): Problem[] {
  if (missing.length === 0) return [];
  const names = listed(missing.map(quote));
  return [
    new Problem(
      "E721",
      `${name}: ${plural(missing.length, "tensor")} of the model ${missing.length === 1 ? "is" : "are"} missing: ${names}`,
      suggestion(missing, surplus),
    ),
  ];
}

function shapeProblem(misshapen: readonly string[], name: string): Problem[] {
  if (misshapen.length === 0) return [];
  return [
    new Problem(
      "E722",
      `${name}: ${plural(misshapen.length, "tensor")} of another shape: ${listed(misshapen)}`,
      "do the sizes of the model fit this checkpoint? `--config` reads them from its config.json",
    ),
  ];
}

function surplusProblem(surplus: readonly string[], missing: readonly string[], name: string): Problem[] {
  if (surplus.length === 0) return [];
  return [
    new Problem(
      "E723",
      `${name}: ${plural(surplus.length, "tensor")} that the model does not have: ${listed(surplus.map(quote))}`,
      missing.length > 0 ? undefined : surplusHelp(surplus),
    ),
  ];
}

/** What the heads of language models are called; a copy of the table that they are tied to was passed over before. */
const headName = /(?:^|\.)(?:lm_head|embed_out|decoder)\.weight$/;

function surplusHelp(surplus: readonly string[]): string {
  const head = surplus.find((tensor) => headName.test(tensor));
  return head === undefined
    ? "`--ignore PATTERN` passes over tensors that are not needed"
    : `${quote(head)} is a head of its own, and the model multiplies by its table instead, as \`tie_word_embeddings: true\` ` +
        `asks; with \`false\` in its config.json the checkpoint has the head, \`--ignore ${head}\` passes over it`;
}

/** A prefix that all surplus names share and no missing name has, or the nearest name. */
function suggestion(missing: readonly string[], surplus: readonly string[]): string | undefined {
  const [first] = missing;
  if (first === undefined) return undefined;
  const prefixed = surplus.find((name) => name.endsWith(`.${first}`));
  if (prefixed !== undefined) {
    const prefix = prefixed.slice(0, -first.length);
    return `the checkpoint calls it ${quote(prefixed)}: \`--prefix ${prefix}\` takes \`${prefix}\` off its names`;
  }
  const near = nearest(first, surplus);
  return near === undefined
    ? undefined
    : `the checkpoint has ${quote(near)}; did you mean that for ${quote(first)}?`;
}
