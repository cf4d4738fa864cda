import { opsets } from "../../export/onnx/opsets.ts";
import type { OptionSpec } from "../command.ts";
import type { StdinOptions } from "../places.ts";
import type { WeightChoice } from "../run/chosen.ts";
import type { ModelOptions } from "../source.ts";

/** The name that `--target` has for it. */
export const ONNX = "onnx";

export const onnxOptions: readonly OptionSpec[] = [
  {
    flags: "--opset <version>",
    description: `onnx: the version of its operators; 23 if not given, which has attention and rotary positions as ops of their own`,
    choices: opsets.map(String),
  },
];

export interface OnnxChoice extends ModelOptions, StdinOptions, WeightChoice {
  readonly opset?: string;
  readonly sessions?: true;
  readonly generate?: true;
  readonly tokenizer?: string;
  readonly out: string;
}
