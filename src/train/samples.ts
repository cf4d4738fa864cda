import { orThrow, Problem } from "../checkpoint/problem.ts";
import { targets, type TargetName } from "../emit/targets.ts";
import { Refusal } from "../incremental/refusal.ts";
import { noPacking } from "../passes/packing.ts";
import { runPasses } from "../passes/pipeline.ts";
import { planGraph } from "../plan/build.ts";
import { laterEngine } from "../run/engine.ts";
import { openEngine } from "../run/engines.ts";
import type { EngineOptions } from "../run/engine-options.ts";
import { generate } from "../run/generation.ts";
import { hasLogits, outputOf } from "../run/model.ts";
import { openSessions } from "../run/sessions.ts";
import { TextDecoder, textDecoding } from "../run/text-decoder.ts";
import { encodePrompt } from "../run/tokenizer.ts";
import { matchWeights, safetensorsCheckpoint } from "../run/weights.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { writeModelWeights } from "./checkpoint.ts";
import type { TrainableModel, TrainingProgram } from "./program.ts";
import type { Snapshot } from "./trainer.ts";

/** A text that a model wrote while it was trained. */
export interface TextSample {
  readonly prompt: string;
  /** What came behind it. */
  readonly text: string;
}

/** Has a model write a text, as it is used, with the weights that it has now. What modules refuse is thrown as a `ProblemError`. */
export type TextSampler = (snapshot: Snapshot, program: TrainingProgram) => Promise<TextSample>;

export interface SamplerOptions extends Pick<EngineOptions, "adapter" | "threads"> {
  readonly prompt: string;
  readonly target: TargetName;
  /** Of the draws: each text has the same, so that what differs between two is what was learned. */
  readonly seed: number;
}

/** Tokens of a text: some lines of characters, or a paragraph of words. */
const TOKENS = 100;
/** That of `lmg generate`. */
const TEMPERATURE = 0.8;

/** What has a model go on with a prompt; a model that writes no texts, and a prompt that it cannot read, are problems. */
export function textSampler(
  { evaluation: { graph, notNeeded } }: TrainableModel,
  tokenizer: Tokenizer | undefined,
  { prompt, target, seed, ...engine }: SamplerOptions,
): TextSampler | Problem {
  if (tokenizer === undefined)
    return new Problem(
      "E818",
      "there is no tokenizer for the prompt: the model trains on arrays",
      "texts are sampled where --data is a text",
    );
  const output = outputOf({ graph, tokenizer });
  const decoding = textDecoding(graph, output, { target, fuse: true, packing: noPacking, switches: {} });
  if (decoding instanceof Problem) return decoding;
  if (!hasLogits({ graph, tokenizer }))
    return new Problem("E821", `\`${output}\` is not over the vocabulary: no token can be drawn from it`);
  const ids = encodePrompt(tokenizer, prompt);
  if (ids instanceof Problem) return ids;
  return async (snapshot, program) => {
    const file = orThrow(safetensorsCheckpoint(writeModelWeights(snapshot, program), "the training"));
    const weights = orThrow(matchWeights(graph, file, { notNeeded }));
    const decoder =
      decoding instanceof Refusal
        ? undefined
        : new TextDecoder(decoding, () =>
            openSessions(decoding, weights, { target, ...engine, logits: output }),
          );
    // Each token runs the whole text again, where the model cannot be read a few positions at a time.
    const whole = laterEngine(
      () => "",
      () => {
        const made = { target: targets[target].target({}) };
        return openEngine(target, planGraph(runPasses(graph, made), { ...made, notNeeded }), weights, engine);
      },
    );
    try {
      const how = { maxTokens: TOKENS, temperature: TEMPERATURE, seed, slide: true };
      const pieces = generate({ graph, engine: whole, output, tokenizer, decoder }, tokenizer, ids, how);
      let text = "";
      for await (const piece of pieces) text += piece;
      return { prompt, text };
    } finally {
      decoder?.close();
      whole.close();
    }
  };
}
