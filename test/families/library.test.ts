import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { publishedModel } from "../../src/cli/run/published.ts";
import { sizedModel } from "../../src/cli/new/sized.ts";
import { knownFamilies } from "../../src/families/families.ts";
import type { Edge } from "../../src/ir/graph.ts";
import { printGraph } from "../../src/ir/print.ts";
import { format } from "../../src/language/format.ts";
import { parse } from "../../src/language/parse.ts";
import { lower, type LoweredModel } from "../../src/lower/lower.ts";
import type { Source } from "../../src/support/source.ts";
import { casesOf, configOf, folderOf, goldenNames, lowered, opened, worstDifference } from "./alone.ts";
import { tolerances } from "./support.ts";

/**
 * Tiny random checkpoints of the families in `src/families`, each named by its folder alone, and what transformers computes from
 * them in float64 (`test/golden/README.md`).
 */
describe.each(goldenNames)("the checkpoint of %s alone", (name) => {
  test("gives transformers' logits in the interpreter", async () => {
    expect(casesOf(name).length).toBeGreaterThan(1);
    expect(await worstDifference(name, "interpreter")).toBeLessThan(tolerances.interpreter);
  });

  test("gives transformers' logits as WebAssembly", async () => {
    expect(await worstDifference(name, "wasm")).toBeLessThan(tolerances.plan);
  });
});

const respelled = goldenNames.filter((name) => existsSync(`${folderOf(name)}/config.v4.json`));

describe(`spelled as published files are (${goldenNames.length - respelled.length} others are spelled as ever)`, () => {
  test.each(respelled)("the config of %s makes the same model", (name) => {
    expect(printGraph(opened(name, "config.v4.json").graph)).toBe(printGraph(opened(name).graph));
  });
});

/** The texts in which one word puts the norm of one edge elsewhere. */
const placements = (text: string): readonly string[] =>
  [...text.matchAll(/residual (pre|out|post|place) /g)].flatMap(({ 0: found, 1: word, index }) =>
    ["pre", "post"]
      .filter((other) => other !== word)
      .map((other) => `${text.slice(0, index)}residual ${other} ${text.slice(index + found.length)}`),
  );

/** What `lmg new` writes for a golden's checkpoint. */
function written(name: string): Source {
  const config = configOf(name);
  const made = sizedModel(publishedModel(folderOf(name))!, "mine", { config, configName: "config.json" });
  return { name: "mine.lmg", text: "text" in made ? made.text : "" };
}

const textOf = ({ graph }: LoweredModel): string => printGraph(graph).replace(/^graph \w+/, "graph");

test.each(goldenNames)("what `lmg new` writes for %s is formatted, and by itself its model", (name) => {
  const source = written(name);
  expect(format(source).text).toBe(source.text);
  expect(textOf(lowered(source))).toBe(textOf(opened(name)));
});

test.each(goldenNames)(
  "what `lmg new` writes for %s checks without warnings, by itself and with its config",
  (name) => {
    const { file, diagnostics } = parse(written(name));
    expect([...diagnostics, ...lower(file, { lint: true }).diagnostics]).toEqual([]);
    expect(lower(file, { lint: true, config: configOf(name) }).diagnostics).toEqual([]);
  },
);

test("what `lmg new` writes keeps how kinds of layers follow from others where a config says the same", () => {
  // The layers of Qwen's checkpoint have windows as `max_window_layers` says, Cohere's not as its pattern does.
  expect(written("qwen2").text).toContain("i < first_windowed");
  expect(written("cohere2").text).toContain("allow unread_parameter");
});

/** Goldens whose norms stand on no edge: two branches read each, or the stream goes on from it. */
const normsOffEdges = ["bloom_from_norm", "cohere2", "falcon", "falcon_multi_query"];

/** What it writes with the norm of one edge elsewhere, by one word. */
function movedByOneWord(name: string): string | undefined {
  const source = written(name);
  const { edges } = opened(name).graph;
  return placements(source.text).find((text) => {
    const { model } = lower(parse({ ...source, text }).file, { outputs: ["logits"] });
    expect(model?.graph.edges.length).toBe(edges.length);
    return JSON.stringify(model?.graph.edges.map(placesOf)) !== JSON.stringify(edges.map(placesOf));
  });
}

describe(`a norm moves by one word in what \`lmg new\` writes, but for ${normsOffEdges.join(", ")}`, () => {
  test.each(goldenNames.filter((name) => !normsOffEdges.includes(name)))("for %s", (name) => {
    expect(movedByOneWord(name)).toBeDefined();
  });

  test("whose norms stand on no edge", () => {
    for (const name of normsOffEdges) expect([name, movedByOneWord(name)]).toEqual([name, undefined]);
  });
});

/** Where the norms of an edge stand. */
const placesOf = ({ norms }: Edge): readonly string[] => norms.map(({ position }) => position);

test("every family has a golden", () => {
  const examples = readdirSync("test/golden/hf").map((each) => {
    const text = readFileSync(`test/golden/hf/${each}/config.json`, "utf8");
    return (JSON.parse(text) as { model_type: string }).model_type;
  });
  const tested = new Set([...examples, ...goldenNames.flatMap(typesOf)]);
  expect(knownFamilies().filter((family) => !tested.has(family))).toEqual([]);
});

/** Of a model of several parts, the text model's. */
function typesOf(name: string): readonly unknown[] {
  const { model_type: type, text_config: part } = configOf(name);
  return [type, (part as { model_type?: string } | undefined)?.model_type];
}

/**
 * The most lines of a plain family: a decoder or an encoder of attention and feed-forward blocks (dense or of experts) with norms
 * placed among them.
 */
const MOST_LINES = 25;

/** The families that are not plain, and why. */
const notPlain: Readonly<Record<string, string>> = {
  albert: "layers that share weights by groups, three repeats within each other",
  bart: "an encoder and a decoder",
  lfm2: "convolutions between layers of attention",
  lfm2_moe: "convolutions between layers of attention",
  llama4: "attention in chunks, queries that grow, layers of four kinds",
  marian: "an encoder and a decoder",
  mbart: "an encoder and a decoder",
  pegasus: "an encoder and a decoder",
  qwen3_next: "a recurrence between layers of attention",
  roberta_prelayernorm: "RoBERTa under a name as long as two of its lines are",
  rwkv: "a recurrence of its own",
  t5: "an encoder and a decoder",
};

test("a plain family has at most 25 lines, and those that have more are not plain", () => {
  const files = readdirSync("src/families").filter((each) => each.endsWith(".lmg"));
  const long = files.filter(
    (file) => readFileSync(`src/families/${file}`, "utf8").trimEnd().split("\n").length > MOST_LINES,
  );
  expect(long).toEqual(Object.keys(notPlain).map((name) => `${name}.lmg`));
});

test("every file of a family is formatted", () => {
  for (const file of readdirSync("src/families").filter((each) => each.endsWith(".lmg"))) {
    const source = { name: file, text: readFileSync(`src/families/${file}`, "utf8") };
    expect(format(source).text, file).toBe(source.text);
  }
});
