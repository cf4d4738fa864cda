import type { Optimizer } from "../../src/autodiff/train/optimizer.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import type { Batches } from "../../src/train/data/batches.ts";
import type { EngineFactory } from "../../src/train/engine.ts";
import type { Snapshot, Training } from "../../src/train/trainer.ts";
import { torchOptimizer } from "../autodiff/classifier.ts";
import { goldenCases, type GoldenCase } from "../ops/golden.ts";
import { trainingOf } from "./small.ts";

const golden = goldenCases("accumulate");
const data = golden.get("data")!;

/** PyTorch's updates on large batches. */
export interface AccumulateCase {
  readonly text: string;
  readonly optimizer: Optimizer;
  readonly rate: number;
  readonly initial: Readonly<Record<string, HostTensor>>;
  readonly final: Readonly<Record<string, readonly number[]>>;
  readonly losses: readonly number[];
  readonly accuracies: readonly number[];
  readonly gradientNorms: readonly number[];
}

const parameters = ["head.weight", "head.bias", "s"] as const;

const textOf = (losses: readonly string[], clip: number | null): string => `
model token {
  input x: f32[B, 4, 3]
  s = s: parameter([1], init: 0.3)
  head: linear(5)
  output logits: f32[B, 4, 5]
  train {
    target y: i32[B, 4]
    target z: i32[B, 4]
    target every: i32[B, 4]
    target t: f32[B, 4, 5]
    target m: f32[B, 4]
${losses.map((loss) => `    loss ${loss}\n`).join("")}
    metric (logits, y) -> accuracy(ignore: -100)
    optimizer sgd(lr: 1)
    steps 3
${clip === null ? "" : `    clip ${clip}\n`}
  }
}
`;

function caseOf({ attrs, scalars, tensor }: GoldenCase): AccumulateCase {
  const { losses, optimizer, hyper, clip } = attrs as {
    readonly losses: readonly string[];
    readonly optimizer: string;
    readonly hyper: Readonly<Record<string, number>>;
    readonly clip: number | null;
  };
  const results = scalars as unknown as Readonly<Record<string, readonly number[]>>;
  const each = <T>(of: (name: string) => T) => Object.fromEntries(parameters.map((name) => [name, of(name)]));
  return {
    text: textOf(losses, clip),
    optimizer: torchOptimizer(optimizer, hyper),
    rate: hyper["lr"]!,
    initial: each((name) => tensor(`init.${name}`)),
    final: each((name) => Array.from(tensor(`final.${name}`).data)),
    losses: results["losses"]!,
    accuracies: results["accuracies"]!,
    gradientNorms: results["gradient_norms"]!,
  };
}

export const accumulateCases: readonly (readonly [name: string, AccumulateCase])[] = [...golden.values()]
  .filter(({ name }) => name !== "data")
  .map((found) => [found.name, caseOf(found)]);

/** Rows of all inputs and targets of one update. */
function rowsOf(update: number, from: number, to: number): Record<string, HostTensor> {
  const cut = (name: string): HostTensor => {
    const { dtype, shape, data: all } = data.tensor(name);
    const row = sizeOf(shape.slice(2));
    const start = update * shape[1]! * row;
    return hostTensor(
      dtype,
      [to - from, ...shape.slice(2)],
      [...all.subarray(start + from * row, start + to * row)],
    );
  };
  const tensors = Object.fromEntries(["x", "y", "z", "t", "m"].map((name) => [name, cut(name)]));
  const { shape, data: classes } = tensors["y"]!;
  return {
    ...tensors,
    every: hostTensor(
      "i32",
      shape,
      Array.from(classes, (target) => Math.max(target, 0)),
    ),
  };
}

/** Batches that cut the six rows of each update at these places. */
function batchesOf(cuts: readonly (readonly [from: number, to: number])[]): Batches {
  const at = (index: number) => rowsOf(Math.floor(index / cuts.length) % 3, ...cuts[index % cuts.length]!);
  const unitsOf = (index: number): number => {
    const [from, to] = cuts[index % cuts.length]!;
    return to - from;
  };
  return {
    description: "rows of the golden file",
    perEpoch: 3 * cuts.length,
    validationBatches: 2 * cuts.length,
    unit: "samples",
    size: 6,
    unitsOf,
    at,
    *validation() {
      for (const index of cuts.keys()) yield { tensors: at(index), weight: unitsOf(index) };
      for (const index of cuts.keys()) yield { tensors: at(cuts.length + index), weight: unitsOf(index) };
    },
  };
}

export const smallBatches = batchesOf([
  [0, 3],
  [3, 5],
  [5, 6],
]);
export const largeBatch = batchesOf([[0, 6]]);

/** What `Trainer.open` takes for a case on batches that make an update of six rows. */
export function trainingOn(
  { text, optimizer, rate, initial }: AccumulateCase,
  batches: Batches,
  engine: EngineFactory,
): [Training, EngineFactory, Snapshot] {
  const training = trainingOf(text, { accumulate: batches.perEpoch / 3, rate }, batches, {
    optimizer,
    decay: "all",
  });
  const state = Object.fromEntries(
    Object.entries(initial).map(([name, { shape, data: values }]) => [
      name,
      { shape, data: Float32Array.from(values) },
    ]),
  );
  return [training, engine, { step: 0, state }];
}
