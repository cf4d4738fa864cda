import { largest } from "../support/lists.ts";
import { RANDOM_INPUT } from "../autodiff/train/forward.ts";
import { initialState } from "../autodiff/train/initial.ts";
import { betasOf, scalarInputs, type Optimizer } from "../autodiff/train/optimizer.ts";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import type { StoredTensor } from "../checkpoint/stored.ts";
import type { EmittedFile } from "../emit/module/file.ts";
import type { Plan } from "../plan/plan.ts";
import { plural } from "../support/text.ts";
import type { MeasureRule } from "./measures.ts";
import type { ProgramPart, TrainingProgram } from "./program.ts";

/** How a target's modules share their state, as their comments say it. */
export interface ModuleWords {
  /** How a second module works on the state of a first one. */
  readonly sharing: readonly string[];
}

/** What is written for a training. */
export interface TrainingModules {
  /** The name of the model: files are called after it and the part. */
  readonly name: string;
  readonly program: TrainingProgram;
  readonly optimizer: Optimizer;
  /** Micro-steps an update. */
  readonly accumulate: number;
}

/**
 * A module for each part of a training, `<model>_update`, `<model>_accumulate` and `<model>_evaluation`, each by itself,
 * with a comment at its top that says how to drive it. `emit` writes a plan for a target.
 */
export function emitTraining<File extends EmittedFile>(
  training: TrainingModules,
  words: ModuleWords,
  emit: (plan: Plan) => readonly File[],
): readonly File[] {
  const { update, accumulate, evaluation } = training.program;
  const write = (name: string, { plan }: ProgramPart, notes: readonly string[]): readonly File[] =>
    emit({ ...plan, name: `${training.name}_${name}` }).map((file) =>
      withNotes(file, [...notes, ...words.sharing]),
    );
  return [
    ...write("update", update, [
      ...updateNotes(training),
      ...measureNotes(training.program, "training", accumulate),
    ]),
    ...(accumulate === undefined
      ? []
      : write("accumulate", accumulate, accumulateNotes(training, accumulate))),
    ...write("evaluation", evaluation, [
      ...evaluationNotes,
      ...measureNotes(training.program, "evaluation", evaluation),
    ]),
  ];
}

/** A safetensors file with all tensors of the state that a training begins with. */
export function writeInitialState(program: TrainingProgram, seed: number): Uint8Array {
  const tensors = Object.entries(initialState(program.state, seed)).map(
    ([name, { shape, data }]): [string, StoredTensor] => [
      name,
      { dtype: "f32", shape, bytes: new Uint8Array(Float32Array.from(data).buffer) },
    ],
  );
  return writeSafetensors(new Map(tensors));
}

/** The notes behind the comment with which a module begins. */
function withNotes<File extends EmittedFile>(file: File, notes: readonly string[]): File {
  const { text } = file;
  const end = text.indexOf("\n\n");
  const comment = ["", ...notes].map((line) => (line === "" ? "//" : `// ${line}`)).join("\n");
  return { ...file, text: `${text.slice(0, end)}\n${comment}${text.slice(end)}` };
}

function updateNotes({ name, program, optimizer, accumulate }: TrainingModules): string[] {
  const what =
    accumulate === 1
      ? ["One step of training: each run moves the parameters."]
      : [
          `The last of up to ${accumulate} micro-steps, which moves the parameters as one batch of all their rows would: each run`,
          `follows up to ${plural(accumulate - 1, "run")} of ${name}_accumulate on other batches, which may be of other sizes.`,
        ];
  return [
    ...what,
    "",
    "Beside the data, run takes for update t = 0, 1, 2, …",
    ...inputNotes(program.update, optimizer),
    "",
    "The tensors of `parameters` are the whole state: the model's own, and those beside them that begin as zeros (their",
    "names begin with `optimizer.` and `accumulated.`). `lmg compile FILE --train --seed N` writes a state to begin with.",
  ];
}

function accumulateNotes(
  { name, optimizer, accumulate }: TrainingModules,
  part: ProgramPart,
): readonly string[] {
  const inputs = inputNotes(part, optimizer);
  return [
    `A micro-step, up to ${accumulate - 1} before each run of ${name}_update: it adds the gradients of a batch to their sums, each`,
    "weighed by what the loss is a mean of.",
    ...(inputs.length === 0 ? [] : ["", "Beside the data, run takes", ...inputs, ""]),
  ];
}

const evaluationNotes: readonly string[] = [
  "Loss and metrics of the model as it is used: nothing is dropped, and batch norms take their running statistics.",
];

/** How measures of several batches are made, where that is no mean over their rows. */
function measureNotes(
  { rules }: TrainingProgram,
  of: "training" | "evaluation",
  several: ProgramPart | undefined,
): readonly string[] {
  const lines = several === undefined ? [] : rules[of].flatMap(ruleNote);
  return lines.length === 0 ? [] : ["", "Over several batches, Σ over them:", ...lines, ""];
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
    [RANDOM_INPUT]: "[seed, number of the run, counted over all modules]: what dropout draws from",
  };
  const names = plan.inputs.map(({ name }) => name).filter((name) => name in meanings);
  const width = largest(
    names.map((name) => name.length),
    0,
  );
  return names.map((name) => `  ${name.padEnd(width)}  ${meanings[name]!}`);
}
