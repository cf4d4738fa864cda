import type { Switches, TargetName } from "../../emit/targets.ts";
import type { OptionSpec } from "../command.ts";
import { weightOptions, type WeightChoice } from "./chosen.ts";
import { quantizeOptions, type QuantizeOptions } from "./quantized.ts";
import type { StdinOptions } from "../places.ts";
import { outputOption, type ModelOptions } from "../source.ts";
import { samplingOptions, type SamplingChoice } from "./sampling-options.ts";
import { runTargetOption, whatRuns, type DawnOptions, type ThreadOptions } from "../targets.ts";

/** What `lmg run` takes beside the options of the model and the passes. */
export interface RunOptions
  extends
    Omit<ModelOptions, "config">,
    StdinOptions,
    WeightChoice,
    SamplingChoice,
    QuantizeOptions,
    Switches,
    DawnOptions,
    ThreadOptions {
  readonly target?: TargetName;
  readonly tokens?: string;
  readonly prompt?: readonly string[];
  readonly tokenizer?: string;
  readonly input?: readonly string[];
  readonly interpret?: true;
  readonly logits?: string;
  readonly top: string;
  readonly generate?: string;
  /** Talk: each line of standard input gets an answer. */
  readonly chat?: true;
  readonly system?: string;
  /** Beyond the context, read the last tokens only instead of ending: what `lmg generate` does. */
  readonly slide?: true;
  readonly json?: true;
}

export const runOptions: readonly OptionSpec[] = [
  ...weightOptions,
  ...quantizeOptions,
  { flags: "--tokens <ids>", description: "token ids: 1,2,3 or several rows as 1,2,3;4,5,6" },
  {
    flags: "--prompt <text>",
    description:
      "a text, with the tokenizer of the checkpoint's folder; with --generate it may stand several times: they are read side by side",
    repeated: true,
  },
  { flags: "--tokenizer <path>", description: "another folder or file for the tokenizer" },
  {
    flags: "--input <name=file>",
    description: "an array: .npy, IDX, .npz:array or .safetensors:tensor, also in gzip",
    repeated: true,
  },
  runTargetOption(`: ${whatRuns}`),
  { flags: "--interpret", description: "interpret the graph in float64 instead of running the emitted plan" },
  {
    ...outputOption,
    description:
      "an output to compute, may stand several times: all if not given; what none of them needs is left out, weights too",
  },
  {
    flags: "--logits <file.npy>",
    description: "save the first --output, or the first output of rank 3; tokens are taken from the same",
  },
  { flags: "--top <count>", description: "how many of the likeliest next tokens to print", default: "5" },
  { flags: "--generate <count>", description: "add tokens to the prompt; with --chat, to each at most" },
  {
    flags: "--chat",
    description:
      "talk by the checkpoint's chat template, a line of standard input each; /new begins anew, /exit ends",
  },
  { flags: "--system <text>", description: "with --chat: what stands before the conversation" },
  ...samplingOptions({ description: "0 takes the likeliest token always", default: "0" }),
  { flags: "--json", description: "as JSON" },
];
