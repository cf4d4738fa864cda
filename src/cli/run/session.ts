import { writeFile } from "../../checkpoint/files.ts";
import { writeNpy } from "../../checkpoint/npy.ts";
import type { Tensors } from "../../run/engine.ts";
import { textInput, textSource } from "../../run/generation.ts";
import { hasLogits, nextTokens, outputOf, runModel, type RunnableModel } from "../../run/model.ts";
import type { Candidate } from "../../run/candidates.ts";
import { contextOf, type Rows } from "../../run/tokens.ts";
import type { Weights } from "../../run/weights.ts";
import {
  generateText,
  generateTokens,
  type Generated,
  type GenerateOptions,
  type LogitsSource,
} from "../../session/generate.ts";
import { withoutPartial } from "../../session/pieces.ts";
import type { HostTensor } from "../../tensor/host.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { parseNumber } from "../arguments.ts";
import { writeJson, type Out } from "../out.ts";
import { orStop, stop, Stop } from "../stop.ts";
import type { RunOptions } from "./options.ts";
import { showCandidates } from "./report.ts";
import { readSampling } from "./sampling-options.ts";
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
  stopTokens: ReadonlySet<number>,
): Promise<void> {
  const { model, options, out, weights } = session;
  const { graph, engine, tokenizer } = model;
  const [prompt, ...others] = rows ?? [];
  if (prompt === undefined || others.length > 0)
    return stop("E820", "--generate needs one prompt: --prompt TEXT or --tokens 1,2,3");
  const maxTokens = orStop(parseNumber("--generate", options.generate!, 1, 1_000_000, true));
  const slide = options.slide === true;
  const given = { ...readSampling(options), maxTokens, stopTokens };
  // The prompt stands on the screen before it is read.
  const write = options.json === true ? () => undefined : out.write;
  if (tokenizer !== undefined) write(withoutPartial(tokenizer.decode(prompt)));
  const source = orStop(textSource(model, prompt, { slide }));
  const { tokens, text, stopped } = await written(source, { prompt, tokenizer, write }, given);
  if (options.json === true) {
    const all = [...prompt, ...tokens];
    const whole = tokenizer === undefined ? null : withoutPartial(tokenizer.decode(prompt)) + text;
    writeJson(out, { weights: weights.from, engine: engine.description, tokens: all, text: whole, stopped });
    return;
  }
  out.write(tokenizer === undefined ? `${[...prompt, ...tokens].join(",")}\n` : "\n");
  if (stopped === "capacity") {
    const context = contextOf(graph, orStop(textInput(graph)));
    out.note(`stopped: the model reads at most ${context} tokens\n`);
  }
}

interface Writing {
  readonly prompt: readonly number[];
  readonly tokenizer: Tokenizer | undefined;
  readonly write: (text: string) => void;
}

/** Writes what comes behind a prompt, if there is a tokenizer, and gives all of it. */
async function written(
  source: LogitsSource,
  { prompt, tokenizer, write }: Writing,
  options: GenerateOptions,
): Promise<Pick<Generated, "tokens" | "text" | "stopped">> {
  if (tokenizer !== undefined) {
    const pieces = generateText(source, tokenizer, prompt, options);
    for (;;) {
      const next = await pieces.next();
      if (next.done === true) return next.value;
      write(next.value);
    }
  }
  const tokens: number[] = [];
  const running = generateTokens(source, prompt, options);
  for (;;) {
    const next = await running.next();
    if (next.done === true) return { tokens, text: "", stopped: next.value };
    tokens.push(next.value);
  }
}
