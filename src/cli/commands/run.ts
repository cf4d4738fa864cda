import { dirname, join } from "node:path";
import { stopTokens } from "../../checkpoint/config.ts";
import { kindOfPath, writeAtomically } from "../../checkpoint/files.ts";
import { writeNpy } from "../../checkpoint/npy.ts";
import type { Graph } from "../../ir/graph.ts";
import { isFloat } from "../../tensor/dtype.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { RandomStream } from "../../tensor/random.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { parseNumber, parseTokens } from "../arguments.ts";
import type { Command, OptionSpec } from "../command.ts";
import { loadModel } from "../load.ts";
import { modelArgument, modelOptions, passOptions, type ModelOptions } from "../source.ts";
import type { Out } from "../out.ts";
import { interpreterEngine, planEngine, type Engine } from "../run/engine.ts";
import { generate } from "../run/generate.ts";
import { contextOf, readInputs, requireInputs, tokenInput, tokenTensor } from "../run/inputs.ts";
import { nextTokens, showCandidates, TextStream } from "../run/report.ts";
import type { Sampling } from "../run/sampling.ts";
import { findTokenizer, readIfThere } from "../run/tokenizer-files.ts";
import { summarize } from "../run/values.ts";
import { openWeights, randomWeights, type Weights } from "../run/weights.ts";
import { orStop, stop, Stop } from "../stop.ts";

export interface RunOptions extends ModelOptions {
  readonly weights?: string;
  readonly random?: string;
  readonly prefix?: string;
  readonly ignore?: readonly string[];
  readonly tokens?: string;
  readonly prompt?: string;
  readonly tokenizer?: string;
  readonly input?: readonly string[];
  readonly interpret?: true;
  readonly output?: string;
  readonly logits?: string;
  readonly top: string;
  readonly generate?: string;
  readonly temperature: string;
  readonly topK?: string;
  readonly topP: string;
  readonly seed: string;
  readonly json?: true;
}

const runOptions: readonly OptionSpec[] = [
  {
    flags: "--weights <path>",
    description: "a checkpoint: its folder (with its config.json), or a .safetensors file",
  },
  { flags: "--random <seed>", description: "random weights instead" },
  { flags: "--prefix <text>", description: "what the checkpoint's names have in front, to be taken off" },
  { flags: "--ignore <pattern>", description: "surplus tensors to pass over, with `*`", repeated: true },
  { flags: "--tokens <ids>", description: "token ids: 1,2,3 or several rows as 1,2,3;4,5,6" },
  { flags: "--prompt <text>", description: "a text, with the tokenizer of the checkpoint's folder" },
  { flags: "--tokenizer <path>", description: "another folder or file for the tokenizer" },
  {
    flags: "--input <name=file>",
    description: "an array: .npy, .npz:array or .safetensors:tensor",
    repeated: true,
  },
  { flags: "--interpret", description: "interpret the graph in float64 instead of running the emitted plan" },
  {
    flags: "--output <name>",
    description: "the output to save and to take tokens from; the first of rank 3 if not given",
  },
  { flags: "--logits <file.npy>", description: "save that output" },
  { flags: "--top <count>", description: "how many of the likeliest next tokens to print", default: "5" },
  { flags: "--generate <count>", description: "add tokens to the prompt" },
  { flags: "--temperature <t>", description: "0 takes the likeliest token always", default: "0" },
  { flags: "--top-k <k>", description: "draw from the k likeliest tokens only" },
  {
    flags: "--top-p <p>",
    description: "draw from the fewest tokens that reach this probability",
    default: "1",
  },
  { flags: "--seed <number>", description: "of the draws", default: "0" },
  { flags: "--json", description: "as JSON" },
];

export const command: Command = {
  arguments: [modelArgument],
  options: [...modelOptions, ...runOptions, ...passOptions],
  examples: [
    ['lmg run examples/llama.lmg --weights FOLDER --prompt "Once upon a time"', "the likeliest next tokens"],
    [
      "lmg run llama.lmg --weights FOLDER --prompt Hello --generate 50 --temperature 0.8 --seed 1",
      "a sampled text",
    ],
    [
      "lmg run gpt2.lmg --weights FOLDER --tokens 1,2,3 --logits logits.npy",
      "logits of ids, saved for NumPy",
    ],
    ["lmg run digits.lmg --random 0 --input image=digit.npy", "any model, any input"],
  ],
  run,
};

/** Loads model, weights and input, runs them, and says what came out. Also what `lmg demo` does. */
export async function run([path]: readonly string[], options: RunOptions, out: Out): Promise<void> {
  const folder = checkpointFolder(options);
  const config =
    options.config === undefined && folder !== undefined
      ? readIfThere(join(folder, "config.json"))
      : undefined;
  const { model, graph, plan } = await loadModel(path!, options, out, config === undefined ? {} : { config });
  const weights = openChosen(model.graph, options);
  try {
    const tokenizer = findChosenTokenizer(folder, options);
    const inputs = readInputs(model.graph, options.input ?? []);
    const prompt = readPrompt(options, tokenizer);
    const engine =
      options.interpret === true ? interpreterEngine(graph, weights) : await planEngine(plan, weights);
    const session = { graph: model.graph, engine, inputs, tokenizer, weights, out, options };
    if (options.generate === undefined) await runOnce(session, prompt);
    else await runGeneration(session, prompt, stopTokens(readGenerationConfig(folder), config));
  } finally {
    weights.close();
  }
}

interface Session {
  readonly graph: Graph;
  readonly engine: Engine;
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly tokenizer: Tokenizer | undefined;
  readonly weights: Weights;
  readonly out: Out;
  readonly options: RunOptions;
}

const checkpointFolder = ({ weights }: RunOptions): string | undefined =>
  weights === undefined ? undefined : kindOfPath(weights) === "folder" ? weights : dirname(weights);

const readGenerationConfig = (folder: string | undefined) =>
  folder === undefined ? undefined : readIfThere(join(folder, "generation_config.json"));

function openChosen(graph: Graph, options: RunOptions): Weights {
  if (options.weights !== undefined) return openWeights(graph, options.weights, options);
  if (options.random !== undefined)
    return randomWeights(graph, orStop(parseNumber("--random", options.random, 0, 2 ** 32 - 1, true)));
  return stop(
    "E817",
    "there are no weights to run on",
    "name a checkpoint with --weights, or draw some with --random 0",
  );
}

function findChosenTokenizer(folder: string | undefined, options: RunOptions): Tokenizer | undefined {
  const where = options.tokenizer ?? folder;
  const wanted = options.prompt !== undefined || options.tokens !== undefined;
  return where === undefined || !wanted ? undefined : findTokenizer(where);
}

/** The rows of ids that `--tokens` or `--prompt` give; undefined without either. */
function readPrompt(
  { tokens, prompt }: RunOptions,
  tokenizer: Tokenizer | undefined,
): readonly (readonly number[])[] | undefined {
  if (tokens !== undefined && prompt !== undefined) stop("E803", "--tokens and --prompt exclude each other");
  if (tokens !== undefined) return orStop(parseTokens(tokens));
  if (prompt === undefined) return undefined;
  if (tokenizer === undefined)
    return stop(
      "E818",
      "there is no tokenizer for --prompt",
      "give ids with --tokens, or a tokenizer.json with --tokenizer",
    );
  const ids = orStop(tokenizer.encode(prompt));
  return ids.length > 0 ? [ids] : stop("E818", "the prompt has no tokens");
}

/** The arrays and the ids that a run gets; all that must be given are. */
function withTokens({ graph, inputs }: Session, rows: readonly (readonly number[])[] | undefined) {
  const given = new Map(inputs);
  if (rows !== undefined) {
    const input = tokenInput(graph);
    given.set(input.name, tokenTensor(graph, input, rows));
  }
  requireInputs(graph, given);
  return given;
}

/** The output that `--output` names; else the first that has a row for each position, as logits [B, T, V] do. */
function chosenOutput({ graph, options }: Session): string {
  const names = graph.outputs.map(({ name }) => name);
  if (options.output === undefined)
    return graph.outputs.find(({ value }) => value.type.shape.length >= 3)?.name ?? names[0]!;
  return names.includes(options.output)
    ? options.output
    : stop("E819", `the model has no output \`${options.output}\`; it has ${names.join(", ")}`);
}

async function runOnce(session: Session, rows: readonly (readonly number[])[] | undefined): Promise<void> {
  const { options, out, engine, weights, tokenizer } = session;
  const name = chosenOutput(session);
  const count = orStop(parseNumber("--top", options.top, 0, 1000, true));
  const outputs = await engine.run(withTokens(session, rows));
  const chosen = outputs.get(name)!;
  if (options.logits !== undefined) save(options.logits, chosen);
  const candidates = rows !== undefined && isFloat(chosen.dtype) ? nextTokens(chosen, count) : [];
  if (options.json === true) {
    out.write(`${JSON.stringify(jsonOf(session, outputs, rows, candidates), null, 2)}\n`);
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
  rows: readonly (readonly number[])[] | undefined,
  candidates: readonly { readonly id: number; readonly probability: number }[],
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
  const problem = writeAtomically(path, writeNpy(tensor));
  if (problem !== undefined) throw new Stop([problem]);
}

async function runGeneration(
  session: Session,
  rows: readonly (readonly number[])[] | undefined,
  stopIds: ReadonlySet<number>,
): Promise<void> {
  const { graph, options, out, engine, tokenizer, weights } = session;
  const [prompt, ...others] = rows ?? [];
  if (prompt === undefined || others.length > 0)
    return stop("E820", "--generate needs one prompt: --prompt TEXT or --tokens 1,2,3");
  const count = orStop(parseNumber("--generate", options.generate!, 1, 1_000_000, true));
  const seed = orStop(parseNumber("--seed", options.seed, 0, 2 ** 32 - 1, true));
  const name = chosenOutput(session);
  const context = contextOf(graph, tokenInput(graph));
  const sampling = readSampling(options);
  const written = options.json === true ? () => undefined : out.write;
  const stream = tokenizer === undefined ? undefined : new TextStream(tokenizer, prompt, written);
  const { tokens, stopped } = await generate(
    prompt,
    count,
    context,
    stopIds,
    sampling,
    new RandomStream(seed, "sample"),
    async (ids) => (await engine.run(withTokens(session, [ids]))).get(name)!,
    (ids) => stream?.show(ids),
  );
  if (options.json === true) {
    const text = tokenizer?.decode(tokens) ?? null;
    out.write(
      `${JSON.stringify({ weights: weights.from, engine: engine.description, tokens, text, stopped }, null, 2)}\n`,
    );
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
