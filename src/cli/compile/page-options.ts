import type { OptionSpec } from "../command.ts";
import { weightOptions, type WeightChoice } from "../run/chosen.ts";
import type { QuantizeOptions } from "../run/quantized.ts";
import { flagOf } from "../targets.ts";
import { stop } from "../stop.ts";

/** What of the command line is for a page: its weights and what they are kept as, which modules have too, its tokenizer. */
export interface PageChoice extends Omit<WeightChoice, "config">, QuantizeOptions {
  readonly tokenizer?: string;
}

export const pageOptions: readonly OptionSpec[] = [
  ...weightOptions.map((option) => ({
    ...option,
    description: `with --generate or --target keras or onnx: ${option.description}`,
  })),
  {
    flags: "--tokenizer <path>",
    description: "with --generate: another folder or file for tokenizer and chat template",
  },
];

/** The names of those that are for a page alone. */
const names = ["weights", "random", "prefix", "ignore", "tokenizer"] as const;

/** Ends the command where one is given without a page. */
export function requirePage(options: PageChoice): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given !== undefined)
    stop(
      "E804",
      `${flagOf(given)} is for the page that --generate writes, and for --target onnx`,
      "give one of them too, or leave it off",
    );
}
