import { orThrow } from "../../src/checkpoint/problem.ts";
import { familyModel } from "../../src/families/models.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { noPacking } from "../../src/passes/packing.ts";
import { generate } from "../../src/run/generation.ts";
import { outputOf } from "../../src/run/model.ts";
import { openSessions, type SessionModel } from "../../src/run/sessions.ts";
import { textDecoding } from "../../src/run/text-decoder.ts";
import { matchWeights } from "../../src/run/weights.ts";
import type { Generated } from "../../src/session/generate.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import type { PageEngine } from "../model.ts";
import { openGiven } from "./checkpoint.ts";

export interface WritingRequest {
  /** The files of a published checkpoint; left off, the one that was opened last. */
  readonly checkpoint: readonly File[] | undefined;
  readonly prompt: string;
  readonly count: number;
  readonly temperature: number;
  readonly seed: number;
  readonly target: PageEngine;
}

export interface WritingCall {
  request: WritingRequest;
  result: Pick<Generated, "stopped"> & { readonly perSecond: number };
  news: string;
}

let opened: { readonly model: SessionModel; readonly tokenizer: Tokenizer } | undefined;

/** Writes a text by a checkpoint's model, piece by piece. */
export async function write(
  { checkpoint, prompt, count: maxTokens, temperature, seed, target }: WritingRequest,
  tell: (piece: string) => void,
): Promise<WritingCall["result"]> {
  if (checkpoint !== undefined) {
    opened?.model.close();
    opened = undefined;
    opened = await open(checkpoint, target);
  }
  if (opened === undefined) throw new Error("no checkpoint was given");
  const pieces = generate(opened.model, opened.tokenizer, prompt, {
    maxTokens,
    temperature,
    topP: 0.95,
    seed,
  });
  const start = performance.now();
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) {
      const seconds = (performance.now() - start) / 1000;
      return { stopped: next.value.stopped, perSecond: next.value.tokens.length / seconds };
    }
    tell(next.value);
  }
}

async function open(files: readonly File[], target: PageEngine): Promise<NonNullable<typeof opened>> {
  const { config, tokenizer, ...checkpoint } = openGiven(files);
  const family = config["model_type"];
  const source = typeof family === "string" ? familyModel(family) : undefined;
  if (source === undefined) throw new Error(`no model of lmg's is of the family ${JSON.stringify(family)}`);
  if (tokenizer === undefined) throw new Error("the checkpoint has no tokenizer.json");
  const { model, diagnostics } = lower(parse(source).file, { config, configName: "config.json" });
  if (model === undefined) throw new Error(diagnostics[0]!.message);
  const { graph, notNeeded } = model;
  const weights = orThrow(matchWeights(graph, checkpoint, { notNeeded }));
  const logits = outputOf({ graph, tokenizer, output: undefined });
  const decoding = textDecoding(graph, logits, { target, fuse: true, packing: noPacking, switches: {} });
  if (decoding instanceof Refusal) throw new Error(decoding.message);
  return { model: await openSessions(orThrow(decoding), weights, { target, logits }), tokenizer };
}
