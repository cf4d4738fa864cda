import { writeFile } from "../../checkpoint/files.ts";
import { writeNpy } from "../../checkpoint/npy.ts";
import type { Graph } from "../../ir/graph.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { RandomStream } from "../../tensor/random.ts";
import { plural } from "../../support/text.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { parseNumber } from "../arguments.ts";
import { writeJson, type Out } from "../out.ts";
import { orStop, stop, Stop } from "../stop.ts";
import type { Engine } from "./engine.ts";
import { generate, lastRow } from "./generate.ts";
import { contextOf, isOverVocabulary, requireInputs, tokenInput, tokenTensor } from "./inputs.ts";
import type { RunOptions } from "./options.ts";
import { nextTokens, showCandidates, TextStream } from "./report.ts";
import type { Candidate, Sampling } from "./sampling.ts";
import { summarize } from "./values.ts";
import type { Weights } from "./weights.ts";

/** A model with its weights, ready to run, and what was asked of it. */
export interface Session {
  readonly graph: Graph;
  readonly engine: Engine;
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly tokenizer: Tokenizer | undefined;
  readonly weights: Weights;
  readonly out: Out;
  readonly options: RunOptions;
}

/** Rows of token ids, [B, T]. */
export type Rows = readonly (readonly number[])[];

/** The arrays and the ids that a run gets; all that must be given are. */
function withTokens({ graph, inputs }: Session, rows: Rows | undefined) {
  const given = new Map(inputs);
  if (rows !== undefined) {
    const input = tokenInput(graph);
    if (given.has(input.name))
      stop("E803", `the input \`${input.name}\` is given by --input, and by --tokens or --prompt too`);
    given.set(input.name, tokenTensor(graph, input, rows));
  }
  requireInputs(graph, given);
  return given;
}

/** The first output that `--output` names; else the first of logits [B, T, V], or of three axes. */
function chosenOutput({ graph, options, tokenizer }: Session): string {
  const rows = graph.outputs.filter(({ value }) => value.type.shape.length >= 3);
  const logits = rows.find(({ value }) => isOverVocabulary(graph, value.type, tokenizer?.size ?? 0));
  return options.output?.[0] ?? (logits ?? rows[0] ?? graph.outputs[0]!).name;
}

/** Runs the model once and says what came out. */
export async function runOnce(session: Session, rows: Rows | undefined): Promise<void> {
  const { graph, options, out, engine, weights, tokenizer } = session;
  const name = chosenOutput(session);
  const count = orStop(parseNumber("--top", options.top, 0, 1000, true));
  const outputs = await engine.run(withTokens(session, rows));
  const chosen = outputs.get(name)!;
  if (options.logits !== undefined) save(options.logits, chosen);
  const type = graph.outputs.find((output) => output.name === name)!.value.type;
  const candidates =
    rows !== undefined && isOverVocabulary(graph, type, tokenizer?.size ?? 0)
      ? nextTokens(chosen, count)
      : [];
  if (options.json === true) {
    writeJson(out, jsonOf(session, outputs, rows, candidates));
    return;
  }
  out.write(`${weights.from}; ${engine.description}\n`);
  for (const [output, tensor] of outputs) out.write(`${output}: ${summarize(tensor)}\n`);
  if (options.logits !== undefined) out.write(`wrote ${options.logits}\n`);
  if (candidates.length > 0)
    out.write(
      `\nlikeliest tokens at the last position of ${name}:\n${showCandidates(candidates, tokenizer)}`,
    );
}

function jsonOf(
  { weights, engine, tokenizer }: Session,
  outputs: ReadonlyMap<string, HostTensor>,
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
  const { graph, options, out, engine, tokenizer, weights } = session;
  const [prompt, ...others] = rows ?? [];
  if (prompt === undefined || others.length > 0)
    return stop("E820", "--generate needs one prompt: --prompt TEXT or --tokens 1,2,3");
  const count = orStop(parseNumber("--generate", options.generate!, 1, 1_000_000, true));
  const seed = orStop(parseNumber("--seed", options.seed, 0, 2 ** 32 - 1, true));
  const name = chosenOutput(session);
  const context = contextOf(
    graph,
    tokenInput(graph, "it continues no text; `lmg run` runs it on arrays, as --input name=file"),
  );
  const sampling = readSampling(options);
  const written = options.json === true ? () => undefined : out.write;
  const stream = tokenizer === undefined ? undefined : new TextStream(tokenizer, prompt, written);
  const { tokens, stopped } = await generate(
    prompt,
    count,
    options.slide === true ? Infinity : context,
    stopIds,
    sampling,
    new RandomStream(seed, "sample"),
    // Shorter texts are read whole.
    async (ids) => {
      const logits = (await engine.run(withTokens(session, [ids.slice(-context)]))).get(name)!;
      requireNumbers(logits, name, ids.length);
      return logits;
    },
    (ids) => stream?.show(ids),
  );
  stream?.end(tokens);
  if (options.json === true) {
    const text = tokenizer?.decode(tokens) ?? null;
    writeJson(out, { weights: weights.from, engine: engine.description, tokens, text, stopped });
    return;
  }
  out.write(stream === undefined ? `${tokens.join(",")}\n` : "\n");
  if (stopped === "context") out.note(`stopped: the model reads at most ${context} tokens\n`);
}

/** Ends the command where no token can be drawn: minus infinity alone says that one never comes. */
function requireNumbers(logits: HostTensor, name: string, position: number): void {
  const wrong = lastRow(logits).find((logit) => Number.isNaN(logit) || logit === Infinity);
  if (wrong === undefined) return;
  stop(
    "E821",
    `\`${name}\` has ${wrong} after ${plural(position, "token")}: no token can be drawn from it`,
    "a training that failed leaves such weights; `lmg run --tokens …` shows what comes out of them",
  );
}

function readSampling(options: RunOptions): Sampling {
  return {
    temperature: orStop(parseNumber("--temperature", options.temperature, 0, 100)),
    topK:
      options.topK === undefined ? Infinity : orStop(parseNumber("--top-k", options.topK, 1, 2 ** 31, true)),
    topP: orStop(parseNumber("--top-p", options.topP, 0, 1)),
  };
}
