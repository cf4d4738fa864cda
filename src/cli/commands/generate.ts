import type { TargetName } from "../../emit/targets.ts";
import { parseNumber } from "../arguments.ts";
import type { Command } from "../command.ts";
import { weightOptions, type WeightChoice } from "../run/chosen.ts";
import { quantizeOptions, type QuantizeOptions } from "../run/quantized.ts";
import { samplingOptions, type SamplingChoice } from "../run/sampling-options.ts";
import { modelOptions, outputOption, type ModelOptions } from "../source.ts";
import { orStop } from "../stop.ts";
import {
  dawnOption,
  runTargetOption,
  threadsOption,
  type DawnOptions,
  type ThreadOptions,
} from "../targets.ts";
import { run } from "./run.ts";

interface GenerateOptions
  extends
    Omit<ModelOptions, "config">,
    WeightChoice,
    QuantizeOptions,
    SamplingChoice,
    DawnOptions,
    ThreadOptions {
  readonly prompt?: string;
  readonly tokens: string;
  readonly tokenizer?: string;
  readonly target: TargetName;
  readonly json?: true;
}

export const command: Command = {
  arguments: [{ name: "<run>", description: "a folder of lmg train, or a .lmg file with --weights" }],
  options: [
    { flags: "--prompt <text>", description: "how the text begins; a new line if not given" },
    { flags: "--tokens <count>", description: "how many tokens to add", default: "500" },
    ...samplingOptions({
      description: "below 1 bolder, 0 the likeliest token always",
      default: "0.8",
    }),
    {
      flags: "--tokenizer <path>",
      description: "folder or file of the tokenizer, if it is not beside the weights",
    },
    runTargetOption(),
    threadsOption,
    ...weightOptions,
    ...quantizeOptions,
    dawnOption,
    ...modelOptions,
    outputOption,
    { flags: "--json", description: "as JSON" },
  ],
  examples: [
    ['lmg generate runs/chars --prompt "ROMEO:"', "let a trained model go on"],
    ["lmg generate runs/chars --tokens 200 --temperature 0.5 --top-k 10 --seed 3", "more soberly"],
  ],
  async run(args, { tokens, prompt, ...options }: GenerateOptions, out) {
    const count = orStop(parseNumber("--tokens", tokens, 1, 1_000_000, true));
    const prompts = prompt === undefined ? {} : { prompt: [prompt] };
    await run(args, { ...options, ...prompts, generate: String(count), slide: true, top: "5" }, out);
  },
};
