import type { OptionSpec } from "../command.ts";
import { modelOptions, type ModelOptions } from "../source.ts";
import type { TrainOptions } from "../train/options.ts";

/** What `lmg probe` takes; numbers are still texts. */
export interface ProbeOptions
  extends
    ModelOptions,
    Pick<TrainOptions, "data" | "tokenizer" | "batch" | "context" | "steps" | "lr" | "clip" | "seed"> {
  readonly compare?: string;
  readonly depth?: string;
  readonly dims?: string;
  readonly out?: string;
  readonly all?: true;
  readonly json?: true;
}

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
    description: "characters, bpe:SIZE (both made from the text), or a tokenizer.json",
    default: "characters",
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
  { flags: "--all", description: "every edge, not some of each depth" },
  { flags: "--json", description: "the numbers as JSON" },
  ...modelOptions,
];
