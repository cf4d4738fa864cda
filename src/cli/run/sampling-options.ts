import type { GenerateOptions } from "../../session/generate.ts";
import { parseNumber } from "../arguments.ts";
import type { OptionSpec } from "../command.ts";
import { orStop } from "../stop.ts";

/** How tokens are drawn, as the command line says it. */
export interface SamplingChoice {
  readonly temperature: string;
  readonly topK?: string;
  readonly topP: string;
  readonly minP?: string;
  readonly repetitionPenalty?: string;
  readonly repetitionLast?: string;
  readonly presencePenalty?: string;
  readonly frequencyPenalty?: string;
  readonly seed: string;
  readonly stop?: readonly string[];
}

export const samplingOptions = (temperature: {
  readonly description: string;
  readonly default: string;
}): readonly OptionSpec[] => [
  { flags: "--temperature <t>", ...temperature },
  { flags: "--top-k <k>", description: "draw from the k likeliest tokens only" },
  {
    flags: "--top-p <p>",
    description: "draw from the fewest tokens that reach this probability",
    default: "1",
  },
  {
    flags: "--min-p <p>",
    description: "only from tokens with this share of the likeliest one's probability",
  },
  {
    flags: "--repetition-penalty <x>",
    description: "divide logits of tokens that are in the text; 1 does nothing",
  },
  { flags: "--repetition-last <count>", description: "of the last so many tokens only" },
  { flags: "--presence-penalty <x>", description: "taken off the logits of tokens that were drawn before" },
  { flags: "--frequency-penalty <x>", description: "the same for each time that they were" },
  { flags: "--stop <text>", description: "a text that ends it, and is not shown", repeated: true },
  { flags: "--seed <number>", description: "of the draws", default: "0" },
];

/** The options of generation that the command line gives. */
export function readSampling(options: SamplingChoice): GenerateOptions {
  const number = (
    flag: string,
    text: string | undefined,
    least: number,
    most: number,
    isWhole = false,
  ): number | undefined =>
    text === undefined ? undefined : orStop(parseNumber(flag, text, least, most, isWhole));
  const topK = number("--top-k", options.topK, 1, 2 ** 31, true);
  const minP = number("--min-p", options.minP, 0, 1);
  const penalty = number("--repetition-penalty", options.repetitionPenalty, 0.01, 100);
  const last = number("--repetition-last", options.repetitionLast, 0, 2 ** 31, true);
  const presence = number("--presence-penalty", options.presencePenalty, -100, 100);
  const frequency = number("--frequency-penalty", options.frequencyPenalty, -100, 100);
  return {
    temperature: orStop(parseNumber("--temperature", options.temperature, 0, 100)),
    topP: orStop(parseNumber("--top-p", options.topP, 0, 1)),
    seed: orStop(parseNumber("--seed", options.seed, 0, 2 ** 32 - 1, true)),
    stop: options.stop ?? [],
    ...(topK === undefined ? {} : { topK }),
    ...(minP === undefined ? {} : { minP }),
    ...(penalty === undefined ? {} : { repetition: last === undefined ? { penalty } : { penalty, last } }),
    ...(presence === undefined ? {} : { presence }),
    ...(frequency === undefined ? {} : { frequency }),
  };
}
