import { trainingEngines, type TrainingTarget } from "../../train/engines.ts";
import { nameOfOption } from "../command-line.ts";
import type { OptionSpec } from "../command.ts";
import { weightOptions, type WeightChoice } from "../run/chosen.ts";
import { modelOptions, type ModelOptions } from "../source.ts";
import {
  dawnOption,
  defaultTarget,
  threadsOption,
  type DawnOptions,
  type ThreadOptions,
} from "../targets.ts";

/** What `lmg train` takes; numbers are still texts. */
export interface TrainOptions
  extends ModelOptions, DawnOptions, ThreadOptions, Pick<WeightChoice, "weights" | "prefix" | "ignore"> {
  readonly data?: readonly string[];
  readonly validation?: readonly string[];
  readonly out?: string;
  readonly tokenizer: string;
  readonly batch?: string;
  readonly context?: string;
  readonly steps?: string;
  readonly epochs?: string;
  readonly seed?: string;
  readonly lr?: string;
  readonly clip?: string;
  readonly accumulate?: string;
  readonly evaluateEvery?: string;
  readonly evaluateBatches?: string;
  readonly patience?: string;
  readonly sample?: string;
  readonly sampleEvery?: string;
  readonly checkpointEvery: string;
  readonly telemetry?: string;
  readonly target: TrainingTarget;
}

export const DEFAULT_TOKENIZER = "characters";

const overrides: readonly OptionSpec[] = [
  { flags: "--batch <rows>", description: "rows or windows of a batch" },
  { flags: "--context <tokens>", description: "tokens of a window of text; the most that the model takes" },
  { flags: "--steps <count>", description: "how many times the parameters move" },
  { flags: "--epochs <count>", description: "how many times the data goes through" },
  { flags: "--seed <number>", description: "of initial parameters, dropout and the order of the data" },
  { flags: "--lr <rate>", description: "the learning rate that the schedule scales" },
  { flags: "--clip <norm>", description: "the largest norm of all gradients together" },
  { flags: "--accumulate <count>", description: "batches whose gradients are averaged for one step" },
];

export const trainOptions: readonly OptionSpec[] = [
  {
    flags: "--data <[name=]file>",
    description: "a text, or an array for each input and target by name",
    repeated: true,
  },
  {
    flags: "--validation <what>",
    description: "files as for --data, or a share or a number of the data that is kept; 0.1",
    repeated: true,
  },
  {
    flags: "-o, --out <folder>",
    description: "where the run is kept; runs/MODEL if not given, with what --set says behind it",
  },
  {
    flags: "--tokenizer <kind>",
    description: "characters, bpe:SIZE (both made from the text), or a tokenizer.json or its folder",
    default: DEFAULT_TOKENIZER,
  },
  { flags: "--weights <path>", description: "a checkpoint to begin with, instead of drawn parameters" },
  ...weightOptions.filter(({ flags }) => /^--(prefix|ignore) /.test(flags)),
  ...overrides,
  {
    flags: "--evaluate-every <steps>",
    description:
      "steps from one evaluation to the next; 20 evaluations if not given, or fewer where one batch of each would take more than a tenth of the time",
  },
  {
    flags: "--evaluate-batches <count>",
    description:
      "batches that each reads, but the last, which reads all; or `all`. If not given 20, or without --evaluate-every as many as take a tenth of the time",
  },
  {
    flags: "--patience <evaluations>",
    description:
      "end once so many evaluations in a row have made the validation loss no smaller; the best weights are kept; or off",
  },
  {
    flags: "--sample <prompt>",
    description: "have the model go on with a prompt at each evaluation; shown, and kept in metrics.jsonl",
  },
  { flags: "--sample-every <evaluations>", description: "at every so many evaluations only, and the last" },
  { flags: "--checkpoint-every <when>", description: "steps as 500, or seconds as 60s", default: "60s" },
  {
    flags: "--telemetry <steps>",
    description:
      "measures every residual edge, branch and matrix at steps 1, 2, 4, 8, … and every so many: telemetry.f32, heat maps in the report; or off",
  },
  {
    flags: "--target <target>",
    description: "what runs the steps",
    choices: Object.keys(trainingEngines),
    default: defaultTarget,
  },
  threadsOption,
  dawnOption,
  ...modelOptions,
];

/** What is meant where an option is not given, as commander fills it in. */
export const trainDefaults = Object.fromEntries(
  trainOptions.flatMap((option) =>
    option.default === undefined ? [] : [[nameOfOption(option), option.default]],
  ),
);
