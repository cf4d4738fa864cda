import { readText } from "../../checkpoint/files/read.ts";
import { places } from "../../checkpoint/places.ts";
import { targets } from "../../emit/targets.ts";
import { measureAgreement, type Agreement } from "../../run/compare/agreement.ts";
import { openEngine } from "../../run/engines.ts";
import { outputOf } from "../../run/model.ts";
import { encodePrompt } from "../../run/tokenizer.ts";
import type { Weights } from "../../run/weights.ts";
import { plural } from "../../support/text.ts";
import type { LoadedModel } from "../load.ts";
import type { Out } from "../out.ts";
import { checkpointFolder, type WeightChoice } from "../run/chosen.ts";
import { packChosen } from "../run/quantized.ts";
import { readTokenizer } from "../run/tokenizer-files.ts";
import { orStop, stop } from "../stop.ts";
import { defaultTarget } from "../targets.ts";

/** Tokens of a text that are read at once: enough that most have a context, few enough that their logits fit. */
const LENGTH = 128;
/** Tokens that are read in all: what tells 97 from 98 % of the same next tokens. */
const MOST_TOKENS = 10_000;

/** Both weights of a model over a text file. */
export async function agreementOn(
  path: string,
  loaded: LoadedModel,
  weights: readonly [Weights, Weights],
  options: WeightChoice & { readonly tokenizer?: string; readonly output?: readonly string[] },
  out: Out,
): Promise<Agreement> {
  const folder = options.tokenizer ?? checkpointFolder(options);
  const tokenizer = folder === undefined ? undefined : readTokenizer(folder);
  if (tokenizer === undefined)
    return stop("E818", "there is no tokenizer for --data", "it is read from the folder of the weights");
  const text = orStop(readText(path, places.text));
  const tokens = orStop(encodePrompt(tokenizer, text)).slice(0, MOST_TOKENS);
  out.note(`${plural(tokens.length, "token")} of ${path}, ${LENGTH} at a time\n`);
  const target = targets[defaultTarget].target({});
  const open = async (each: Weights) => {
    const { plan, weights: packed } = packChosen(loaded, each, {}, target);
    return orStop(await openEngine(defaultTarget, plan, packed));
  };
  const engines = [await open(weights[0]), await open(weights[1])] as const;
  try {
    const output = outputOf({ graph: loaded.model.graph, tokenizer, output: options.output?.[0] });
    return orStop(await measureAgreement(loaded.model.graph, engines, tokens, { output, length: LENGTH }));
  } finally {
    for (const engine of engines) engine.close();
  }
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
