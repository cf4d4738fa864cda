import type { OptionSpec } from "../command.ts";
import { weightOptions, type WeightChoice } from "../run/chosen.ts";
import { requireFirstWeights } from "../train/start.ts";
import { modelOptions, outputOption, type ModelOptions } from "../source.ts";
import { stop } from "../stop.ts";
import type { TrainOptions } from "../train/options.ts";

/** What `lmg probe` takes; numbers are still texts. */
export interface ProbeOptions
  extends
    ModelOptions,
    WeightChoice,
    Pick<TrainOptions, "data" | "tokenizer" | "batch" | "context" | "steps" | "lr" | "clip" | "seed"> {
  readonly compare?: string;
  readonly depth?: string;
  readonly dims?: string;
  readonly out?: string;
  readonly paths?: true;
  readonly all?: true;
  readonly json?: true;
}

export const DEFAULT_TOKENIZER = "characters";

export const probeOptions: readonly OptionSpec[] = [
  {
    flags: "--compare <values>",
    description: "values of the parameter `placement`, or NAME=values of another: pre,post,none",
  },
  { flags: "--depth <values>", description: "values of the parameter `depth`: 4,16,64" },
  { flags: "--dims <sizes>", description: "run-time dims of random inputs, such as B=4,T=64" },
  { flags: "--seed <number>", description: "of parameters, inputs and the order of the data" },
  {
    flags: "--data <[name=]file>",
    description: "what goes in, as for lmg train; random inputs and targets if not given",
    repeated: true,
  },
  {
    flags: "--tokenizer <kind>",
    description:
      "characters, bpe:SIZE (both made from the text), or a tokenizer.json; with weights the one beside them",
    default: DEFAULT_TOKENIZER,
  },
  { flags: "--steps <count>", description: "trains each on the data, and measures again" },
  { flags: "--batch <rows>", description: "rows or windows of a batch" },
  { flags: "--context <tokens>", description: "tokens of a window of text" },
  { flags: "--lr <rate>", description: "the learning rate that the schedule scales" },
  { flags: "--clip <norm>", description: "the largest norm of all gradients together" },
  {
    flags: "-o, --out <file>",
    description: "a report (.html), its curves alone (.svg) or the numbers (.json)",
  },
  {
    flags: "--paths",
    description: "also the gradients with the branches cut, and with the weights of attention held",
  },
  ...weightOptions.filter(({ flags }) => !flags.startsWith("--random")),
  { flags: "--all", description: "every edge, not some of each depth" },
  { flags: "--json", description: "the numbers as JSON" },
  ...modelOptions,
  outputOption,
];

/** Ends the command where an option is given that this probe would pass over in silence. */
export function requireUse(options: ProbeOptions): void {
  const { data, steps, dims, batch, context, tokenizer, lr, clip, weights } = options;
  if (weights !== undefined && steps !== undefined)
    stop(
      "E862",
      "--steps trains from the beginning, and these weights are trained",
      "leave one of them out; `lmg train --weights` goes on from weights",
    );
  requireFirstWeights(options);
  if (data === undefined && steps !== undefined)
    stop("E862", "--steps trains, and there is nothing to train on", "name a text or arrays with --data");
  if (data !== undefined && dims !== undefined)
    stop("E862", "--dims is for random inputs: with --data, say --batch and --context");
  const refuse = (option: string, is: string, remedy: string): never =>
    stop("E862", `${option} is for ${is}`, remedy);
  if (data === undefined) {
    const random = "--data, and here inputs are random";
    if (batch !== undefined) refuse("--batch", random, "say their sizes with --dims, such as --dims B=4");
    if (context !== undefined)
      refuse("--context", random, "say their sizes with --dims, such as --dims T=64");
    if (tokenizer !== DEFAULT_TOKENIZER) refuse("--tokenizer", random, "name a text with --data");
  }
  if (steps === undefined) {
    const training = "a training, and nothing is trained";
    const remedy =
      data === undefined ? "name data with --data, and say --steps" : "say how long with --steps";
    if (lr !== undefined) refuse("--lr", training, remedy);
    if (clip !== undefined) refuse("--clip", training, remedy);
  }
}
