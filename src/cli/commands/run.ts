import { join } from "node:path";
import { stopTokens } from "../../checkpoint/config.ts";
import { quotePath, type Problem } from "../../checkpoint/problem.ts";
import { targets } from "../../emit/targets.ts";
import { Refusal } from "../../incremental/refusal.ts";
import { laterEngine, type Engine } from "../../run/engine.ts";
import { openEngine } from "../../run/engines.ts";
import { interpreterEngine } from "../../run/interpreter-engine.ts";
import { outputOf, type RunnableModel } from "../../run/model.ts";
import { TextDecoder, textDecoder } from "../../run/text-decoder.ts";
import { emptyPrompt, encodePrompt } from "../../run/tokenizer.ts";
import type { Rows } from "../../run/tokens.ts";
import { plural } from "../../support/text.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { parseNumber, parseTokens } from "../arguments.ts";
import type { Command } from "../command.ts";
import { loadModel } from "../load.ts";
import { keepMemorySmall } from "../memory.ts";
import type { Out } from "../out.ts";
import { readSource, stdinOption } from "../places.ts";
import { noteStored, packChosen, type PackedModel } from "../run/quantized.ts";
import { runBatch } from "../run/batch.ts";
import { readInputs } from "../run/input-files.ts";
import { requireWhole, withMaskInput } from "../run/masked.ts";
import { showLoading } from "../run/loading.ts";
import { runOptions, type RunOptions } from "../run/options.ts";
import { readChatTemplate, runChat } from "../run/chat.ts";
import { runGeneration, runOnce } from "../run/session.ts";
import { withTrainedRun } from "../run/trained.ts";
import { readIfThere, readTokenizer } from "../run/tokenizer-files.ts";
import { checkpointConfig, checkpointFolder, openChosenWeights } from "../run/chosen.ts";
import { modelOrRunArgument, modelOptions, passOptions } from "../source.ts";
import { orStop, stop } from "../stop.ts";
import {
  dawnOption,
  defaultTarget,
  engineOptionsOf,
  requireTaken,
  switchOptions,
  threadsOption,
} from "../targets.ts";

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    stdinOption,
    ...runOptions,
    ...switchOptions,
    threadsOption,
    dawnOption,
    ...passOptions,
  ],
  examples: [
    ['lmg run FOLDER --prompt "Once upon a time"', "the likeliest next tokens, of a published checkpoint"],
    [
      "lmg run llama.lmg --weights FOLDER --prompt Hello --generate 50 --temperature 0.8 --seed 1",
      "a sampled text",
    ],
    [
      'lmg run FOLDER --prompt "Once upon a time" --prompt Hello --generate 50',
      "two texts side by side, each as if it were alone",
    ],
    [
      "lmg run gpt2.lmg --weights FOLDER --tokens 1,2,3 --logits logits.npy",
      "logits of ids, saved for NumPy",
    ],
    ["lmg run gpt2.lmg --weights FOLDER --prompt Hello --target wgsl", "on the GPU, through WebGPU"],
    ["lmg run FOLDER --chat --temperature 0.7", "talk with it in the terminal"],
    ["lmg run digits.lmg --random 0 --input image=digit.npy", "any model, any input"],
    ["lmg run runs/digits --input image=digit.npy", "a model that `lmg train` trained"],
  ],
  run,
};

/** Loads model, weights and input, runs them, and says what came out. Also what `lmg demo` does. */
export async function run([given]: readonly string[], asked: RunOptions, out: Out): Promise<void> {
  const { model: chosenModel, options } = withTrainedRun(given!, asked);
  const source = await readSource(chosenModel, options, out);
  requireTaken(options, [options.target ?? defaultTarget]);
  const folder = checkpointFolder(options);
  const config = checkpointConfig(options);
  const target = options.target ?? defaultTarget;
  const chosen = targets[target].target(options);
  const found = await loadModel(source, options, out, { config, target: chosen });
  const loaded = withMaskInput(found, options, chosen);
  const { model } = loaded;
  const weights = openChosenWeights(model, options, out);
  try {
    const tokenizer = findChosenTokenizer(folder, options);
    const template = options.chat === true ? readChatTemplate(folder) : undefined;
    const inputs = readInputs(model.graph, options.input ?? [], out, options.output);
    if (loaded !== found) requireWhole(inputs);
    const prompt = readPrompt(options, tokenizer);
    if (options.prompt !== undefined)
      for (const row of prompt ?? [])
        for (const remark of tokenizer?.remarks?.(row) ?? []) out.note(`${remark}\n`);
    const read = { graph: model.graph, inputs, tokenizer, output: options.output?.[0] };
    const packed = packChosen(loaded, weights, options, chosen);
    noteStored(packed, options, out);
    keepMemorySmall();
    const isBatch = options.generate !== undefined && (prompt?.length ?? 0) > 1;
    const decoder = isBatch ? undefined : chosenDecoder(read, packed, options, { prompt: prompt?.[0], out });
    const open = () => openChosenEngine(packed, options, out);
    const steps = (): string => `plan of ${plural(packed.plan.steps.length, "step")}`;
    const isLater = isBatch || decoder !== undefined;
    const engine = isLater ? laterEngine(steps, open) : orStop(await open());
    try {
      const runnable = { ...read, engine, decoder };
      const session = { model: runnable, weights, out, options };
      const stops = stopTokens(readGenerationConfig(folder), config?.config);
      if (template !== undefined) await runChat(session, template, stops);
      else if (options.generate === undefined) await runOnce(session, prompt);
      else if (isBatch) await runBatch(session, packed, prompt!, stops);
      else await runGeneration(session, prompt, stops);
    } finally {
      decoder?.close();
      engine.close();
    }
  } finally {
    weights.close();
  }
}

async function openChosenEngine(
  { graph, plan, weights }: PackedModel,
  options: RunOptions,
  out: Out,
): Promise<Engine | Problem> {
  if (options.interpret === true) return interpreterEngine(graph, weights);
  const engineOptions = { ...engineOptionsOf(options), ...showLoading(out) };
  return openEngine(options.target ?? defaultTarget, plan, weights, engineOptions);
}

/** What goes on with a text a token at a time, where a target can; else it is said why each token runs all of it. */
function chosenDecoder(
  model: Omit<RunnableModel, "engine">,
  { weights, packing }: PackedModel,
  options: RunOptions,
  { prompt, out }: { readonly prompt: readonly number[] | undefined; readonly out: Out },
): TextDecoder | undefined {
  const { generate, chat, interpret, target = defaultTarget } = options;
  const isWanted =
    (generate !== undefined || chat === true) && interpret !== true && (model.inputs?.size ?? 0) === 0;
  if (!isWanted) return undefined;
  const decoder = textDecoder(model.graph, weights, outputOf(model), {
    target,
    ...engineOptionsOf(options),
    ...showLoading(out),
    fuse: options.fuse ?? true,
    packing,
    snapshots: options.chat === true,
    ...limitOf(prompt, options),
  });
  if (decoder instanceof TextDecoder) return decoder;
  if (decoder instanceof Refusal) out.note(`each token runs the whole text again: ${decoder.message}\n`);
  return undefined;
}

/** The most positions that a text is asked to have; a conversation goes on as long as it likes. */
function limitOf(
  prompt: readonly number[] | undefined,
  { generate, chat }: RunOptions,
): { readonly limit?: number } {
  if (prompt === undefined || generate === undefined || chat === true) return {};
  return { limit: prompt.length + orStop(parseNumber("--generate", generate, 1, 1_000_000, true)) };
}

const readGenerationConfig = (folder: string | undefined) =>
  folder === undefined ? undefined : readIfThere(join(folder, "generation_config.json"));

function findChosenTokenizer(folder: string | undefined, options: RunOptions): Tokenizer | undefined {
  const where = options.tokenizer ?? folder;
  const wanted =
    options.prompt !== undefined ||
    options.tokens !== undefined ||
    options.slide === true ||
    options.chat === true;
  const found = where === undefined || !wanted ? undefined : readTokenizer(where);
  if (wanted && found === undefined && options.tokenizer !== undefined)
    stop("E741", `${quotePath(options.tokenizer)} has no tokenizer.json`);
  return found;
}

/** The rows of ids that `--tokens` or `--prompt` give; undefined without either. */
function readPrompt(
  { tokens, prompt, slide, generate }: RunOptions,
  tokenizer: Tokenizer | undefined,
): Rows | undefined {
  if (tokens !== undefined && prompt !== undefined) stop("E803", "--tokens and --prompt exclude each other");
  if (tokens !== undefined) return orStop(parseTokens(tokens, generate !== undefined));
  if (prompt === undefined) return slide === true ? [emptyPrompt(tokenizer)] : undefined;
  if (tokenizer === undefined)
    return stop(
      "E818",
      "there is no tokenizer for --prompt",
      slide === true
        ? "name a tokenizer.json with --tokenizer; without --prompt, the text begins with token 0"
        : "give ids with --tokens, or a tokenizer.json with --tokenizer",
    );
  const help = slide === true ? "without --prompt, the text begins with a new line" : undefined;
  if (prompt.length > 1 && generate === undefined)
    stop(
      "E820",
      "several prompts are read side by side where texts go on",
      "say how far with --generate COUNT",
    );
  return prompt.map((text) => orStop(encodePrompt(tokenizer, text, help)));
}
