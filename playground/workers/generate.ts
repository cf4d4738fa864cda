import { orThrow } from "../../src/checkpoint/problem.ts";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { familyModel } from "../../src/families/models.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { noPacking } from "../../src/passes/packing.ts";
import { generate } from "../../src/run/generation.ts";
import { outputOf } from "../../src/run/model.ts";
import { openSessions, type SessionModel } from "../../src/run/sessions.ts";
import { textDecoding } from "../../src/run/text-decoder.ts";
import { findTokenizer } from "../../src/run/tokenizer.ts";
import { matchWeights, safetensorsCheckpoint } from "../../src/run/weights.ts";
import type { Generated } from "../../src/session/generate.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";

/** A published checkpoint: its JSON files by name, and its weights. */
export interface CheckpointGiven {
  readonly texts: Readonly<Record<string, string>>;
  readonly weights: Uint8Array<ArrayBuffer>;
}

export interface WritingRequest {
  /** Left off, the one that was opened last. */
  readonly checkpoint: CheckpointGiven | undefined;
  readonly prompt: string;
  readonly count: number;
  readonly temperature: number;
  readonly seed: number;
  readonly target: "wasm" | "wgsl";
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

const jsonOf = (text: string | undefined): JsonObject | undefined =>
  text === undefined ? undefined : (JSON.parse(text) as JsonObject);

async function open(
  { texts, weights: bytes }: CheckpointGiven,
  target: WritingRequest["target"],
): Promise<NonNullable<typeof opened>> {
  const config = JSON.parse(texts["config.json"] ?? "{}") as JsonObject;
  const family = config["model_type"];
  const source = typeof family === "string" ? familyModel(family) : undefined;
  if (source === undefined) throw new Error(`no model of lmg's is of the family ${JSON.stringify(family)}`);
  const { model, diagnostics } = lower(parse(source).file, { config, configName: "config.json" });
  if (model === undefined) throw new Error(diagnostics[0]!.message);
  const { graph, notNeeded } = model;
  const checkpoint = orThrow(safetensorsCheckpoint(bytes, "model.safetensors"));
  const weights = orThrow(matchWeights(graph, checkpoint, { notNeeded }));
  const tokenizer = orThrow(findTokenizer((name) => jsonOf(texts[name])));
  if (tokenizer === undefined) throw new Error("the checkpoint has no tokenizer.json");
  const logits = outputOf({ graph, tokenizer, output: undefined });
  const decoding = textDecoding(graph, logits, { target, fuse: true, packing: noPacking, switches: {} });
  if (decoding instanceof Refusal) throw new Error(decoding.message);
  return { model: await openSessions(orThrow(decoding), weights, { target, logits }), tokenizer };
}
