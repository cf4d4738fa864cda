import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { probeModel, type ProbedSubject } from "../../src/run/probe/probe.ts";
import { probedLoss } from "../../src/run/probe/loss.ts";
import { randomBatch } from "../../src/run/probe/batch.ts";
import type { ProbedEdge } from "../../src/run/probe/probed.ts";
import { completeDims, showDims } from "../../src/run/sizes.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { showScaled } from "../../src/support/text.ts";
import { constantDim } from "../../src/tensor/dim.ts";
import { sizeOf } from "../../src/tensor/host.ts";
import { seedOf } from "../../src/train/settings.ts";
import { optionsOf, sourceOf, type ModelText } from "../model.ts";

/** What is measured: a model, and the same with each word of a switch. */
export interface Probing {
  readonly of: ModelText;
  readonly switch: { readonly name: string; readonly words: readonly string[] } | undefined;
}

/** What was measured of the model with a word, or why it was not. */
export interface ProbedWord {
  readonly word: string;
  readonly input: string;
  readonly found:
    | { readonly form: string; readonly loss: number; readonly edges: readonly ProbedEdge[] }
    | { readonly refused: string };
}

/** Parameters of a model that is measured here: a second or two in float64 on one core. */
const MOST = 3_000_000;
/** Tokens of the text that it is measured on, where it reads one. */
const TOKENS = 32;

/** How many probes were asked for: one that is not the last one ends before its next word. */
let asked = 0;

export async function probeWords(
  { of, switch: choice }: Probing,
  tell: (word: ProbedWord) => void,
  breath: () => Promise<void>,
): Promise<void> {
  const number = ++asked;
  for (const word of choice?.words ?? [""]) {
    await breath();
    if (number !== asked) return;
    const settings = choice === undefined ? of.settings : { ...of.settings, [choice.name]: word };
    tell({ word, ...(await probeOne({ ...of, settings })) });
  }
}

async function probeOne(of: ModelText): Promise<Omit<ProbedWord, "word">> {
  const subject = subjectOf(of);
  if (typeof subject === "string") return { input: "", found: { refused: subject } };
  const { input, ...probed } = subject;
  const measured = await probeModel(probed);
  if (!("found" in measured)) return { input, found: { refused: measured[0]!.message } };
  const { form, loss, edges } = measured.found;
  return { input, found: { form, loss, edges } };
}

/** What `lmg probe` would measure, on a shorter text; or why it is left out. */
function subjectOf(of: ModelText): (ProbedSubject & { readonly input: string }) | string {
  const { file } = parse(sourceOf(of));
  const { model, diagnostics } = lower(file, { ...optionsOf(of), training: true });
  if (model === undefined) return diagnostics[0]?.message ?? "the text has no model";
  const found = probedLoss(model);
  if (found === undefined) return "none of its outputs is a float";
  const { graph } = found;
  const parameters = graph.parameters.reduce(
    (sum, { value }) => sum + sizeOf(value.type.shape.map((size) => constantDim(size)!)),
    0,
  );
  if (parameters > MOST)
    return `the model has ${showScaled(parameters)} parameters, and more than ${showScaled(MOST)} take long here: choose a smaller width or depth, or run \`lmg probe\``;
  const wanted = graph.symbols.filter(({ name }) => name === "T");
  const sizes = orThrow(
    completeDims(
      graph.symbols,
      new Map(wanted.map(({ name, max = TOKENS }) => [name, Math.min(max, TOKENS)])),
    ),
  );
  const seed = model.train === undefined ? 0 : seedOf(model.train, {});
  return { graph, batch: randomBatch(graph, sizes, seed), seed, input: `random, ${showDims(sizes)}` };
}
