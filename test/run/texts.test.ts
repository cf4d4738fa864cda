import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkpointFiles } from "../../src/checkpoint/files/folder.ts";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { publishedModel } from "../../src/cli/run/published.ts";
import { parse } from "../../src/language/parse.ts";
import { lower, type LoweredModel } from "../../src/lower/lower.ts";
import { openClassifier, type Classifier } from "../../src/run/texts/classifier.ts";
import { openEmbedder } from "../../src/run/texts/embedder.ts";
import { poolings } from "../../src/run/texts/pooling.ts";
import { configOf, type CheckpointFiles } from "../../src/run/texts/files.ts";
import { hiddenStates } from "../../src/run/texts/hidden.ts";
import { constantDim } from "../../src/tensor/dim.ts";
import { configOf as familyConfig, folderOf, goldenNames } from "../families/alone.ts";

/**
 * Tiny random checkpoints as sentence-transformers and transformers save them, and what these libraries make of texts in
 * float64 (`test/golden/texts.py`).
 */
const root = "test/golden/texts";
/** What float64 and one rounding to float32 leave of numbers about 1, and what float32 on the way does. */
const tolerances = { interpreter: 1e-6, wasm: 1e-5 };

interface Golden {
  readonly texts: readonly string[];
  readonly vectors: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly second: string;
  readonly logits: readonly (readonly number[])[];
  readonly pairs: readonly (readonly number[])[];
  readonly labels: readonly Readonly<Record<string, number>>[];
  readonly query: string;
  readonly passages: readonly string[];
  readonly scores: readonly number[];
  readonly order: readonly number[];
}

const goldenOf = (name: string): Golden =>
  JSON.parse(readFileSync(`${root}/${name}/golden.json`, "utf8")) as Golden;
const having = (member: keyof Golden): readonly string[] =>
  readdirSync(root).filter((name) => Object.hasOwn(goldenOf(name), member));

function modelOf(files: CheckpointFiles, folder = ""): LoweredModel {
  const { model, diagnostics } = lower(parse(publishedModel(files.nameOf(folder))!).file, {
    config: configOf(files, folder),
  });
  expect(diagnostics).toEqual([]);
  return model!;
}

/** The largest difference of rows, relative to the largest number that is expected; Infinity where they are not as many. */
function difference(found: readonly ArrayLike<number>[], expected: readonly ArrayLike<number>[]): number {
  const [a, b] = [found, expected].map((rows) => rows.flatMap((row) => Array.from(row)));
  if (a!.length !== b!.length || a!.length === 0) return Infinity;
  const worst = Math.max(...a!.map((value, at) => Math.abs(value - b![at]!)));
  return Number.isNaN(worst) ? Infinity : worst / Math.max(...b!.map(Math.abs));
}

const engines = [
  ["interpreted", { interpret: true }, tolerances.interpreter],
  ["as WebAssembly", { target: "wasm", threads: 1 }, tolerances.wasm],
] as const;

describe.each(having("vectors"))("the vectors of %s", (name) => {
  const { texts, vectors } = goldenOf(name);
  const files = checkpointFiles(`${root}/${name}`);
  const model = modelOf(files, name === "sentences_before_3" ? "0_Transformer" : "");

  test.each(engines)("are those of sentence-transformers, %s", async (_, options, tolerance) => {
    const embedder = orThrow(await openEmbedder(model, files, options));
    for (const [prompt, expected] of Object.entries(vectors)) {
      const asked = prompt === "" ? {} : { prompt };
      const { vectors: found } = orThrow(await embedder.embed(texts, { ...asked, batch: 3 }));
      const rows = texts.map((__, at) =>
        found.data.subarray(at * embedder.dimensions, (at + 1) * embedder.dimensions),
      );
      expect(difference(rows, expected), prompt).toBeLessThan(tolerance);
    }
    embedder.close();
  });

  test("do not depend on what is read beside a text", async () => {
    const embedder = orThrow(await openEmbedder(model, files, { target: "wasm", threads: 1 }));
    const together = orThrow(await embedder.embed(texts));
    for (const [at, text] of texts.entries()) {
      const { vectors: alone } = orThrow(await embedder.embed([text]));
      const row = together.vectors.data.subarray(at * embedder.dimensions, (at + 1) * embedder.dimensions);
      expect(difference([row], [alone.data])).toBeLessThan(tolerances.wasm);
    }
    embedder.close();
  });
});

/** Of two parts: no vector is of one text. */
const ofTwoParts = /^(bart|blenderbot|marian|mbart|mt5|mvp|pegasus|plbart|t5)/;

test.each(goldenNames)("%s has a vector of each token, as wide as its stream, or says why not", (name) => {
  const config = familyConfig(name);
  const { model } = lower(parse(publishedModel(folderOf(name))!).file, { config });
  const kept = hiddenStates(model!);
  if (ofTwoParts.test(name)) {
    expect(kept).toMatchObject({ code: "E813" });
    return;
  }
  const [output] = orThrow(kept).graph.outputs;
  const own = { ...config, ...(config["text_config"] as JsonObject | undefined) };
  const keys = ["word_embed_proj_dim", "hidden_size", "d_model", "dim", "n_embd"];
  const width = keys.map((key) => own[key]).find((size) => size !== undefined);
  expect(output!.value.type.shape).toHaveLength(3);
  expect(constantDim(output!.value.type.shape[2]!)).toBe(width);
});

test("every pooling is tried", () => {
  const read = JSON.parse(readFileSync(`${root}/every_pooling/1_Pooling/config.json`, "utf8")) as object;
  expect(read).toMatchObject({ pooling_mode: [...poolings], include_prompt: false });
});

const openedClassifier = async (name: string, options: object): Promise<Classifier> => {
  const files = checkpointFiles(`${root}/${name}`);
  return orThrow(await openClassifier(modelOf(files), files, options));
};

describe.each(having("logits"))("the classes of %s", (name) => {
  const { texts, second, logits, pairs, labels } = goldenOf(name);

  test.each(engines)(
    "are those of transformers, of texts and of pairs, %s",
    async (_, options, tolerance) => {
      const classifier = await openedClassifier(name, options);
      const found = orThrow(
        await classifier.classify(
          texts.map((text) => [text] as const),
          { batch: 3 },
        ),
      );
      expect(difference(found.logits, logits)).toBeLessThan(tolerance);
      const both = orThrow(await classifier.classify(texts.map((text) => [text, second] as const)));
      expect(difference(both.logits, pairs)).toBeLessThan(tolerance);
      for (const [at, scores] of found.scores.entries())
        for (const [id, label] of classifier.form.labels.entries())
          // The pipeline's are of float32, and were written with six digits.
          expect(scores[id]).toBeCloseTo(labels[at]![label]!, 4);
      classifier.close();
    },
  );
});

describe.each(having("order"))("the ranks of %s", (name) => {
  const { query, passages, scores, order } = goldenOf(name);

  test.each(engines)("are those of CrossEncoder, %s", async (_, options, tolerance) => {
    const classifier = await openedClassifier(name, options);
    const { ranked } = orThrow(await classifier.rank(query, passages));
    expect(ranked.map(({ passage }) => passage)).toEqual(order);
    const found = ranked.toSorted((a, b) => a.passage - b.passage).map(({ score }) => score);
    expect(difference([found], [scores])).toBeLessThan(tolerance);
    classifier.close();
  });
});
