import { readBytes } from "../../checkpoint/files/read.ts";
import { places } from "../../checkpoint/places.ts";
import type { Graph } from "../../ir/graph.ts";
import { measureAgreement, type Agreement } from "../../run/compare/agreement.ts";
import { openEngine } from "../../run/engines.ts";
import { outputOf } from "../../run/model.ts";
import { encodePrompt } from "../../run/tokenizer.ts";
import { plural } from "../../support/text.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { textOf } from "../../train/data/source.ts";
import type { OptionSpec } from "../command.ts";
import type { Out } from "../out.ts";
import { checkpointFolder, type WeightChoice } from "../run/chosen.ts";
import type { PackedModel } from "../run/quantized.ts";
import { readTokenizer } from "../run/tokenizer-files.ts";
import { orStop, stop } from "../stop.ts";
import { defaultTarget } from "../targets.ts";

/** The text that two weights of a model are compared on. */
export interface TextOptions {
  readonly data?: string;
  readonly tokenizer?: string;
}

export const textOptions: readonly OptionSpec[] = [
  {
    flags: "--data <text>",
    description:
      "a text file, also in gzip: how often both hold the same token for the next, how far their probabilities are apart",
  },
  {
    flags: "--tokenizer <path>",
    description: "of that text: folder or file, if it is not beside the weights",
  },
];

/** Tokens of a text that are read at once: enough that most have a context, few enough that their logits fit. */
const LENGTH = 128;
/** Tokens that are read in all: what tells 97 from 98 % of the same next tokens. */
const MOST_TOKENS = 10_000;

interface AgreementChoice extends TextOptions, WeightChoice {
  readonly against?: string;
  readonly output?: readonly string[];
}

/** The original of a model and another, over the text of `--data`; undefined if none is given. */
export async function agreementOn(
  graph: Graph,
  models: readonly [original: PackedModel, other: PackedModel],
  options: AgreementChoice,
  out: Out,
): Promise<Agreement | undefined> {
  const { data: path } = options;
  if (path === undefined) return undefined;
  const tokenizer = tokenizerFor(options);
  const text = orStop(textOf({ name: path, bytes: orStop(readBytes(path, places.data)) }));
  const tokens = orStop(encodePrompt(tokenizer, text)).slice(0, MOST_TOKENS);
  out.note(`${plural(tokens.length, "token")} of ${path}, ${LENGTH} at a time\n`);
  const open = async ({ plan, weights }: PackedModel) =>
    orStop(await openEngine(defaultTarget, plan, weights));
  const engines = [await open(models[0]), await open(models[1])] as const;
  try {
    const output = outputOf({ graph, tokenizer, output: options.output?.[0] });
    return orStop(await measureAgreement(graph, engines, tokens, { output, length: LENGTH }));
  } finally {
    for (const engine of engines) engine.close();
  }
}

/** The one that is named, or else what lies beside one of the weights. */
function tokenizerFor({ tokenizer, against, ...options }: AgreementChoice): Tokenizer {
  const beside = [
    checkpointFolder(options),
    against === undefined ? against : checkpointFolder({ weights: against }),
  ];
  for (const path of tokenizer === undefined ? beside : [tokenizer]) {
    const found = path === undefined ? undefined : readTokenizer(path);
    if (found !== undefined) return found;
  }
  return stop(
    "E818",
    "there is no tokenizer for --data",
    "it is read from the folder of the weights, or from another that --tokenizer names",
  );
}

export function showAgreement({ positions, agree, divergence, perplexity }: Agreement): string {
  const [first, second] = perplexity;
  const change = 100 * (second / first - 1);
  return (
    `the same next token at ${(100 * agree).toFixed(1)} % of ${plural(positions, "position")}; ` +
    `KL divergence ${divergence.toPrecision(3)}; ` +
    `perplexity ${first.toPrecision(5)} → ${second.toPrecision(5)} (${change < 0 ? "" : "+"}${change.toFixed(2)} %)\n`
  );
}
