import { writeFile } from "../../checkpoint/files.ts";
import { writeNpy } from "../../checkpoint/npy.ts";
import type { Tensors } from "../../run/engine.ts";
import { generate, textInput } from "../../run/generation.ts";
import { hasLogits, nextTokens, outputOf, runModel, type RunnableModel } from "../../run/model.ts";
import type { Candidate, Sampling } from "../../run/sampling.ts";
import { TextStream } from "../../run/text-stream.ts";
import { contextOf, type Rows } from "../../run/tokens.ts";
import type { Weights } from "../../run/weights.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { parseNumber } from "../arguments.ts";
import { writeJson, type Out } from "../out.ts";
import { orStop, stop, Stop } from "../stop.ts";
import type { RunOptions } from "./options.ts";
import { showCandidates } from "./report.ts";
import { summarize } from "./values.ts";

/** A model with its weights, ready to run, and what was asked of it. */
export interface Session {
  readonly model: RunnableModel;
  readonly weights: Weights;
  readonly out: Out;
  readonly options: RunOptions;
}

/** Runs the model once and says what came out. */
export async function runOnce(session: Session, rows: Rows | undefined): Promise<void> {
  const { model, options, out, weights } = session;
  const name = outputOf(model);
  const count = orStop(parseNumber("--top", options.top, 0, 1000, true));
  const outputs = orStop(await runModel(model, rows));
  const chosen = outputs.get(name)!;
  if (options.logits !== undefined) save(options.logits, chosen);
  const candidates = rows !== undefined && hasLogits(model) ? nextTokens(chosen, count) : [];
  if (options.json === true) {
    writeJson(out, jsonOf(session, outputs, rows, candidates));
    return;
  }
  out.write(`${weights.from}; ${model.engine.description}\n`);
  for (const [output, tensor] of outputs) out.write(`${output}: ${summarize(tensor)}\n`);
  if (options.logits !== undefined) out.write(`wrote ${options.logits}\n`);
  if (candidates.length > 0)
    out.write(
      `\nlikeliest tokens at the last position of ${name}:\n${showCandidates(candidates, model.tokenizer)}`,
    );
}

function jsonOf(
  { weights, model: { engine, tokenizer } }: Session,
  outputs: Tensors,
  rows: Rows | undefined,
  candidates: readonly Candidate[],
): object {
  return {
    weights: weights.from,
    engine: engine.description,
    tokens: rows ?? null,
    outputs: [...outputs].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    next: candidates.map((candidate) => ({ ...candidate, text: tokenizer?.decode([candidate.id]) ?? null })),
  };
}

function save(path: string, tensor: HostTensor): void {
  const problem = writeFile(path, writeNpy(tensor));
  if (problem !== undefined) throw new Stop([problem]);
}

/** Goes on from a prompt, and writes the text as it comes. */
export async function runGeneration(
  session: Session,
  rows: Rows | undefined,
  stopIds: ReadonlySet<number>,
): Promise<void> {
  const { model, options, out, weights } = session;
  const { graph, engine, tokenizer } = model;
  const [prompt, ...others] = rows ?? [];
  if (prompt === undefined || others.length > 0)
    return stop("E820", "--generate needs one prompt: --prompt TEXT or --tokens 1,2,3");
  const count = orStop(parseNumber("--generate", options.generate!, 1, 1_000_000, true));
  const seed = orStop(parseNumber("--seed", options.seed, 0, 2 ** 32 - 1, true));
  const slide = options.slide === true;
  const context = contextOf(graph, orStop(textInput(graph)));
  const sampling = readSampling(options);
  // The prompt stands on the screen before it is read.
  const written = options.json === true ? () => undefined : out.write;
  const stream = tokenizer === undefined ? undefined : new TextStream(tokenizer, prompt, written);
  const generation = orStop(generate(model, prompt, { count, seed, slide, stop: stopIds, ...sampling }));
  while ((await generation.next()) !== undefined) stream?.show(generation.tokens);
  const { tokens, stopped } = generation;
  stream?.end(tokens);
  if (options.json === true) {
    const text = tokenizer?.decode(tokens) ?? null;
    writeJson(out, { weights: weights.from, engine: engine.description, tokens, text, stopped });
    return;
  }
  out.write(stream === undefined ? `${tokens.join(",")}\n` : "\n");
  if (stopped === "context") out.note(`stopped: the model reads at most ${context} tokens\n`);
}

function readSampling(options: RunOptions): Sampling {
  return {
    temperature: orStop(parseNumber("--temperature", options.temperature, 0, 100)),
    topK:
      options.topK === undefined ? Infinity : orStop(parseNumber("--top-k", options.topK, 1, 2 ** 31, true)),
    topP: orStop(parseNumber("--top-p", options.topP, 0, 1)),
  };
}
