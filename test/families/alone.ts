import { readdirSync } from "node:fs";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { openNamed } from "../../src/cli/run/chosen.ts";
import { publishedModel } from "../../src/cli/run/published.ts";
import { compile } from "../../src/compile.ts";
import { parse } from "../../src/language/parse.ts";
import { lower, type LoweredModel, type LowerOptions } from "../../src/lower/lower.ts";
import type { Engine } from "../../src/run/engine.ts";
import { openEngine } from "../../src/run/engines.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { showDiagnostic, type Diagnostic } from "../../src/support/diagnostic.ts";
import type { Source } from "../../src/support/source.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { relativeDifference } from "./difference.ts";

/* Checkpoints of `test/golden/families`, each opened by its folder alone, as `lmg run FOLDER` does. */

const root = "test/golden/families";

export const goldenNames: readonly string[] = readdirSync(root);

export const folderOf = (name: string): string => `${root}/${name}`;

export const configOf = (name: string, file = "config.json"): JsonObject =>
  orThrow(readJsonFile(`${folderOf(name)}/${file}`));

/** The model of its logits as it is lowered, before any pass; a mistake is thrown with all that is said of it. */
export function lowered(source: Source, options: LowerOptions = {}): LoweredModel {
  const { file, diagnostics: syntax } = parse(source);
  const { model, diagnostics } = lower(file, { ...options, outputs: ["logits"] });
  return orMistakes(model, [...syntax, ...diagnostics]);
}

function orMistakes<T>(made: T | undefined, diagnostics: readonly Diagnostic[]): T {
  if (made === undefined || diagnostics.length > 0)
    throw new Error(diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n"));
  return made;
}

/** The model of a golden's family, with its config. */
export const opened = (name: string, file = "config.json"): LoweredModel =>
  lowered(publishedModel(folderOf(name))!, { config: configOf(name, file) });

/** The interpreter, or the module of WebAssembly, with the weights of a golden. */
export async function engineOf(name: string, on: "interpreter" | "wasm"): Promise<Engine> {
  const weightsOf = ({ graph, notNeeded }: LoweredModel) =>
    orThrow(matchWeights(graph, openNamed({ weights: folderOf(name) }), { notNeeded }));
  if (on === "interpreter") {
    const model = opened(name);
    return orThrow(interpreterEngine(model.graph, weightsOf(model)));
  }
  const options = { config: configOf(name), outputs: ["logits"] };
  const { model, plan, diagnostics } = compile(publishedModel(folderOf(name))!, options);
  const weights = weightsOf(orMistakes(model, diagnostics));
  return orThrow(await openEngine("wasm", orMistakes(plan, diagnostics), weights, { threads: 1 }));
}

export interface Case {
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly logits: HostTensor;
  /** Of the rows of logits, where they have one. */
  readonly mask: HostTensor | undefined;
}

export const casesOf = (name: string): readonly Case[] => casesIn(folderOf(name));

/** The cases of a golden's folder. Its inputs have the model's names, but that a decoder's ids are its `tokens`. */
export function casesIn(folder: string): readonly Case[] {
  const { tensors, close } = orThrow(openCheckpoint(`${folder}/golden.safetensors`));
  const cases = new Map<string, Map<string, HostTensor>>();
  for (const [full, stored] of tensors) {
    const [label, part] = full.split("/") as [string, string];
    if (!cases.has(label)) cases.set(label, new Map());
    cases.get(label)!.set(part, orThrow(toHostTensor(stored.read(), full)));
  }
  close();
  return [...cases.values()].map((parts) => {
    const { logits, attention_mask: mask, input_ids: ids, ...more } = Object.fromEntries(parts);
    const inputs = new Map(Object.entries(more));
    inputs.set(mask === undefined ? "tokens" : "input_ids", ids!);
    if (mask !== undefined) inputs.set("attention_mask", { ...mask, dtype: "bool" });
    // What a decoder writes is another text than the one that is masked.
    return { inputs, logits: logits!, mask: "decoder_input_ids" in more ? undefined : mask };
  });
}

/** The largest difference from transformers' logits of all cases, relative to the largest logit. */
export async function worstDifference(name: string, on: "interpreter" | "wasm"): Promise<number> {
  const engine = await engineOf(name, on);
  let worst = 0;
  for (const { inputs, logits, mask } of casesOf(name)) {
    const results = orThrow(await engine.run(inputs));
    worst = Math.max(worst, relativeDifference(results.get("logits")!, logits, mask));
  }
  engine.close();
  return worst;
}
