import { largest } from "../support/lists.ts";
import { RANDOM_INPUT } from "../autodiff/train/forward.ts";
import { betasOf, scalarInputs, type Optimizer } from "../autodiff/train/optimizer.ts";
import type { AfterStep } from "../lower/train/by-name.ts";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import type { StoredTensor } from "../checkpoint/stored.ts";
import { plural } from "../support/text.ts";
import type { MeasureRule } from "./measures.ts";
import type { ProgramPart, TrainingProgram } from "./program.ts";
import { beginningOf } from "./trainer.ts";

/** What is written for a training. */
export interface TrainingModule {
  readonly program: TrainingProgram;
  readonly optimizer: Optimizer;
  /** Micro-steps an update. */
  readonly accumulate: number;
}

/**
 * What the comment at the top of a training's module says: how to drive `update`, `accumulate` and `evaluate`, which work
 * on one state.
 */
export function trainingNotes(training: TrainingModule): readonly string[] {
  const { program } = training;
  return [
    ...updateNotes(training),
    ...measureNotes(program, "training", program.accumulate),
    ...(program.accumulate === undefined ? [] : ["", ...accumulateNotes(training, program.accumulate)]),
    "",
    ...evaluationNotes,
    ...measureNotes(program, "evaluation", program.evaluate),
    "",
    "The tensors of `parameters` are the whole state: the model's own, and those beside them that begin as zeros (their",
    "names begin with `optimizer.` and `accumulated.`). `lmg compile FILE --train --seed N` writes a state to begin with;",
    "readState and writeState save it and go back to it.",
  ];
}

/** A safetensors file with all tensors of the state that a training begins with. */
export function writeInitialState(
  program: TrainingProgram,
  seed: number,
  after: readonly AfterStep[] = [],
): Uint8Array {
  const { state } = beginningOf({ program, settings: { seed, after } });
  const tensors = Object.entries(state).map(([name, { shape, data }]): [string, StoredTensor] => [
    name,
    { dtype: "f32", shape, bytes: new Uint8Array(Float32Array.from(data).buffer) },
  ]);
  return writeSafetensors(new Map(tensors));
}

function updateNotes({ program, optimizer, accumulate }: TrainingModule): string[] {
  const what =
    accumulate === 1
      ? ["`update` is one step of training: it moves the parameters."]
      : [
          `\`update\` is the last of up to ${accumulate} micro-steps, and moves the parameters as one batch of all their rows would: it`,
          `follows up to ${plural(accumulate - 1, "run")} of \`accumulate\` on other batches, which may be of other sizes.`,
        ];
  return [
    ...what,
    "Beside the data it takes, for update t = 0, 1, 2, …",
    ...inputNotes(program.update, optimizer),
  ];
}

function accumulateNotes({ optimizer, accumulate }: TrainingModule, part: ProgramPart): readonly string[] {
  const inputs = inputNotes(part, optimizer);
  return [
    `\`accumulate\` is a micro-step, up to ${accumulate - 1} before each update: it adds the gradients of a batch to their sums, each`,
    "weighed by what the loss is a mean of.",
    ...(inputs.length === 0 ? [] : ["Beside the data it takes", ...inputs]),
  ];
}

const evaluationNotes: readonly string[] = [
  "`evaluate` gives loss and metrics of the model as it is used: nothing is dropped, batch norms take their running",
  "statistics.",
];

/** How measures of several batches are made, where that is no mean over their rows. */
function measureNotes(
  { rules }: TrainingProgram,
  of: "training" | "evaluation",
  several: ProgramPart | undefined,
): readonly string[] {
  const lines = several === undefined ? [] : rules[of].flatMap(ruleNote);
  return lines.length === 0 ? [] : ["Over several batches, Σ over them:", ...lines];
}

/** `  loss = Σ count.0 · loss / Σ count.0` */
function ruleNote({ name, parts, tail }: MeasureRule): readonly string[] {
  if (tail === undefined && parts[0]!.weight === "rows") return [];
  const all = parts.map(({ output, weight }) =>
    typeof weight === "object"
      ? `Σ ${weight.count} · ${output} / Σ ${weight.count}`
      : weight === "rows"
        ? `Σ rows · ${output} / Σ rows`
        : weight === "sum"
          ? `Σ ${output}`
          : output,
  );
  return [`  ${name}  ${tail === undefined ? "" : "what the model makes of "}${all.join(", ")}`];
}

/** What a step is given beside the data, and what it is. */
function inputNotes({ plan }: ProgramPart, optimizer: Optimizer): string[] {
  const betas = betasOf(optimizer);
  const meanings: Readonly<Record<string, string>> = {
    [scalarInputs.rate]: "the learning rate",
    ...(betas && {
      [scalarInputs.first]: `1 - ${betas[0]} ** (t + 1)`,
      [scalarInputs.second]: `Math.sqrt(1 - ${betas[1]} ** (t + 1))`,
    }),
    [RANDOM_INPUT]: "[seed, number of the run, counted over all functions]: what dropout draws from",
  };
  const names = plan.inputs.map(({ name }) => name).filter((name) => name in meanings);
  const width = largest(
    names.map((name) => name.length),
    0,
  );
  return names.map((name) => `  ${name.padEnd(width)}  ${meanings[name]!}`);
}
