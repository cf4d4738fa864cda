import type { Parameter } from "../ir/graph.ts";
import { InternalError } from "../support/invariant.ts";
import { namePattern } from "../support/patterns.ts";
import { listWords, nearest, plural } from "../support/text.ts";
import { constantDim } from "../tensor/dim.ts";
import { isFloat, type Dtype } from "../tensor/dtype.ts";
import { dequantized } from "../tensor/quantized.ts";
import { harmlessTensors, prefixesFor, storedName } from "../tensor/names.ts";
import { partName } from "../tensor/stack-names.ts";
import { partsOf } from "./parts.ts";
import { Problem, quote, showSizes } from "./problem.ts";
import { isSinusoidTable } from "./sinusoids.ts";
import { joinStacks } from "./stacks.ts";
import type { CheckpointTensor, StoredQuantized } from "./tensors.ts";
import { sizeOf } from "../tensor/host.ts";
import { PART } from "../weights/stream.ts";

export type { CheckpointTensor, StoredQuantized } from "./tensors.ts";

/** A quantized tensor as one of a checkpoint, whose elements may be had too. */
export const quantizedInCheckpoint = (
  shape: readonly number[],
  quantized: StoredQuantized,
): CheckpointTensor => ({
  dtype: "f32",
  shape,
  read: () => ({ dtype: "f32", shape, bytes: new Uint8Array(dequantized(quantized.read()).buffer) }),
  quantized,
});

export interface MatchOptions {
  /** Surplus tensors to pass over, beside `harmlessTensors`; `*` stands for anything. */
  readonly ignore?: readonly string[];
  /** What is taken off the checkpoint's names, or put in front of them; one that gives all a tensor is found if left off. */
  readonly prefix?: string | undefined;
  /** Parameters of the model that need no tensor: those of outputs that were not asked for. */
  readonly notNeeded?: readonly string[];
  /** What to do without the tensors that are missing. */
  readonly advise?: ((missing: readonly string[]) => string | undefined) | undefined;
}

export interface Match {
  /** The checkpoint's tensor of each parameter. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Surplus tensors that change nothing: those of `harmlessTensors`, tables of sinusoids and copies of a tied table. */
  readonly ignored: readonly string[];
  /** What was taken off the checkpoint's names, and what was put in front of them; empty for nothing. */
  readonly takenOff: string;
  readonly putInFront: string;
}

/**
 * Finds each parameter's tensor by its name and checks its shape. All that is missing, surplus or of a wrong shape is
 * reported at once, one problem a kind. A surplus matrix is accepted if it equals one that is used: heads that are tied
 * to the embedding are stored twice by some writers. A parameter that is a stack (`experts.*.w1.weight`) is found by that name, or as
 * its parts.
 */
export function matchParameters(
  parameters: readonly Parameter[],
  published: ReadonlyMap<string, CheckpointTensor>,
  name: string,
  { ignore = [], prefix, notNeeded = [], advise }: MatchOptions = {},
): Match | readonly Problem[] {
  const expected = parameters.map(expectedOf);
  const names = parameters.map((parameter) => parameter.name);
  const checkpoint = joinStacks(expected, published);
  const chosen = choosePrefix(names, checkpoint, prefix, name);
  if (chosen instanceof Problem) return [chosen];
  const [takenOff, putInFront] = chosen;
  const tensors = new Map<string, CheckpointTensor>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const whole: string[] = [];
  const bare: string[] = [];
  const wanted = new Set(
    notNeeded.map((parameter) => storedName(parameter, checkpoint, takenOff, putInFront)),
  );
  const nameOf = (parameter: string): string | undefined =>
    storedName(parameter, checkpoint, takenOff, putInFront);
  for (const { name: parameter, shape, dtype } of expected.flatMap((each) => foundParts(each, nameOf))) {
    const stored = nameOf(parameter);
    const tensor = stored === undefined ? undefined : checkpoint.get(stored);
    wanted.add(stored);
    if (tensor === undefined) missing.push(parameter);
    else if (isFloat(dtype) && !isFloat(tensor.dtype))
      (tensor.scaled === undefined ? whole : bare).push(
        `${quote(parameter)} is ${tensor.scaled ?? tensor.dtype}${showSizes(tensor.shape)}`,
      );
    else if (tensor.shape.length === shape.length && tensor.shape.every((size, axis) => size === shape[axis]))
      tensors.set(parameter, tensor);
    else
      misshapen.push(`${quote(parameter)} is ${showSizes(tensor.shape)}, the model has ${showSizes(shape)}`);
  }
  const isIgnored = ignoreRule(ignore, tensors);
  const [ignored, surplus] = partition(
    [...checkpoint].filter(([tensor]) => !wanted.has(tensor)),
    isIgnored,
  );
  const called = `${name}${describePrefix({ takenOff, putInFront })}`;
  const problems = [
    ...missingProblem(missing, surplus, called, advise),
    ...shapeProblem(misshapen, called),
    ...wholeProblem(whole, called, "whole numbers, whose scales it does not read"),
    ...wholeProblem(bare, called, "numbers of 8 bits, beside which no scales are that it reads"),
    ...surplusProblem(surplus, missing, called),
  ];
  return problems.length > 0 ? problems : { tensors, ignored, takenOff, putInFront };
}

/** What is to be found of a parameter. */
interface Expected {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

const expectedOf = ({ name, value: { type } }: Parameter): Expected => ({
  name,
  shape: type.shape.map((size) => constantDim(size) ?? notConstant(name)),
  dtype: type.dtype,
});

/** A stack that is not there as its parts, where some of these are: which of them are not, or are misshapen, is what is told. */
function foundParts(stack: Expected, nameOf: (name: string) => string | undefined): readonly Expected[] {
  const { name, shape, dtype } = stack;
  if (!name.includes("*") || nameOf(name) !== undefined) return [stack];
  const [count, ...each] = shape;
  const parts = Array.from({ length: count! }, (_, part) => ({
    name: partName(name, part),
    shape: each,
    dtype,
  }));
  return parts.some((part) => nameOf(part.name) !== undefined) ? parts : [stack];
}

/** What is done to the names of a checkpoint, to follow the checkpoint's own; empty for nothing. */
export function describePrefix({ takenOff, putInFront }: Pick<Match, "takenOff" | "putInFront">): string {
  if (takenOff !== "") return `, ${quote(takenOff)} taken off its names`;
  return putInFront === "" ? "" : `, ${quote(putInFront)} put in front of its names`;
}

type Prefix = readonly [takenOff: string, putInFront: string];

function choosePrefix(
  parameters: readonly string[],
  checkpoint: ReadonlyMap<string, CheckpointTensor>,
  asked: string | undefined,
  name: string,
): Prefix | Problem {
  const [first, second] = prefixesFor(parameters, checkpoint, asked);
  if (first === undefined)
    return new Problem(
      "E724",
      `${name}: neither a tensor nor a parameter of the model begins with ${quote(asked ?? "")}`,
      "leave --prefix out: a prefix by which every parameter has a tensor is found",
    );
  if (second === undefined) return first;
  const [one, other] = [quote(first.join("")), quote(second.join(""))];
  return new Problem(
    "E724",
    `${name}: every parameter has a tensor with the prefix ${one}, and with ${other}`,
    `say which with --prefix, and pass over the others' with --ignore: --prefix ${one.slice(1, -1)} --ignore '${other.slice(1, -1)}*'`,
  );
}

function notConstant(parameter: string): never {
  throw new InternalError(`the parameter ${parameter} has a run-time dim`);
}

function ignoreRule(
  ignore: readonly string[],
  used: ReadonlyMap<string, CheckpointTensor>,
): (name: string, tensor: CheckpointTensor) => boolean {
  const patterns = [...harmlessTensors, ...ignore.map(namePattern)];
  const usedByType = new Map<string, CheckpointTensor[]>();
  for (const tensor of used.values()) {
    const others = usedByType.get(typeKey(tensor));
    if (others === undefined) usedByType.set(typeKey(tensor), [tensor]);
    else others.push(tensor);
  }
  return (name, tensor) =>
    patterns.some((pattern) => pattern.test(name)) ||
    isSinusoidTable(name, tensor) ||
    (tensor.shape.length === 2 &&
      (usedByType.get(typeKey(tensor)) ?? []).some((other) => sameBytes(tensor, other)));
}

const typeKey = (tensor: CheckpointTensor): string => `${tensor.dtype}[${tensor.shape.join()}]`;

/** Whether two tensors of one type are equal: a part at a time, until one differs. */
function sameBytes(a: CheckpointTensor, b: CheckpointTensor): boolean {
  const size = sizeOf(a.shape);
  const [ones, others] = [partsOf(a), partsOf(b)];
  for (let first = 0; first < size; first += PART) {
    const end = Math.min(size, first + PART);
    // Both may lie in one file, whose reads take each other's place.
    const own = new Uint8Array(ones(first, end).bytes);
    const other = others(first, end).bytes;
    if (!own.every((byte, at) => byte === other[at])) return false;
  }
  return true;
}

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

/** Whole numbers, and floats of 8 bits, are those of a quantized weight: without their scales they are other numbers. */
const wholeProblem = (whole: readonly string[], name: string, why: string): Problem[] =>
  whole.length === 0
    ? []
    : [
        new Problem(
          "E725",
          `${name}: the model takes floats, but ${listed(whole)}: ${why}`,
          "convert the checkpoint to f32, f16 or bf16, which multiplies quantized weights by their scales",
        ),
      ];

function missingProblem(
  missing: readonly string[],
  surplus: readonly string[],
  name: string,
  advise: MatchOptions["advise"],
): Problem[] {
  if (missing.length === 0) return [];
  const names = listed(missing.map(quote));
  return [
    new Problem(
      "E721",
      `${name}: ${plural(missing.length, "tensor")} of the model ${missing.length === 1 ? "is" : "are"} missing: ${names}`,
      suggestion(missing, surplus) ?? advise?.(missing),
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

/** The nearest name. */
function suggestion([first]: readonly string[], surplus: readonly string[]): string | undefined {
  const near = first === undefined ? undefined : nearest(first, surplus);
  return near === undefined
    ? undefined
    : `the checkpoint has ${quote(near)}; did you mean that for ${quote(first!)}?`;
}
