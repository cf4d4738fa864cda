import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formOf } from "../../src/ir/alike.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { rollGraph, type RollOptions } from "../../src/ir/roll/roll.ts";
import { isLoop, type Loop, type RolledPart } from "../../src/ir/roll/rolled.ts";
import { publishedModel } from "../../src/cli/run/published.ts";
import { configOf, folderOf, goldenNames } from "../families/alone.ts";
import { graphOf } from "../lower/support.ts";
import { unrolled } from "./unroll.ts";

const windows: RollOptions = {
  isVariable: (node, attribute) => node.op === "attend" && attribute === "window",
};

/** What a graph computes of which parameters: all but what its values are called and where its nodes stand. */
function meaningOf(graph: Graph) {
  const names = new Map(graph.parameters.map(({ value, name }) => [value, name]));
  const form = formOf(graph.nodes, (value) => names.has(value));
  const made = new Map(
    graph.nodes.flatMap(({ results }, node) => results.map((value, at) => [value, `${node}.${at}`] as const)),
  );
  return {
    key: form.key,
    parameters: form.parameters.map((value) => names.get(value)),
    inputs: form.inputs.map((value) => graph.inputs.findIndex((input) => input.value === value)),
    outputs: graph.outputs.map(({ value }) => made.get(value)),
  };
}

function expectSame(graph: Graph, options: RollOptions = {}): void {
  expect(meaningOf(unrolled(graph, rollGraph(graph, options)))).toEqual(meaningOf(graph));
}

/** `h × 4: 1 class, chained`, and the loops in it. */
function show(parts: readonly RolledPart[], indent = ""): string[] {
  return parts
    .filter(isLoop)
    .flatMap((loop) => [
      indent + head(loop),
      ...loop.classes.flatMap((each) => show(each.parts, `${indent}  `)),
    ]);
}

const head = ({ label, shared, checkpoint, classes, iterations, chain }: Loop): string =>
  [
    `${shared ? "shared" : label} × ${iterations.length}: ${classes.map(({ nodes }) => nodes.length).join(" + ")} nodes`,
    chain === undefined ? "calls" : `carries ${chain.lanes.length}, reads ${chain.invariants.length}`,
    ...(checkpoint ? ["checkpoint"] : []),
    ...classes.flatMap(({ variations }) =>
      variations.map(
        ({ attribute, values }) =>
          `${attribute} ${values.map((value) => (value === undefined ? "none" : JSON.stringify(value))).join(" ")}`,
      ),
    ),
  ].join(", ");

const loopsOf = (graph: Graph, options: RollOptions = {}): string[] => show(rollGraph(graph, options).parts);

const small: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gemma2: {
    vocab: "96",
    dim: "32",
    hidden: "48",
    depth: "4",
    heads: "4",
    kv_heads: "2",
    head_dim: "8",
    window: "4",
  },
};

const exampleFiles = readdirSync("examples").filter((file) => file.endsWith(".lmg"));

const example = (name: string): Graph =>
  graphOf(readFileSync(`examples/${name}.lmg`, "utf8"), { settings: small[name] ?? {} });

const published = (name: string): Graph =>
  graphOf(publishedModel(folderOf(name))!.text, { config: configOf(name), outputs: ["logits"] });

describe("rolled up and run again", () => {
  test.each(exampleFiles)("examples/%s is the same graph", (file) => {
    const graph = example(file.replace(".lmg", ""));
    expectSame(graph);
  });

  test.each(goldenNames)("the model of the checkpoint %s is the same graph", (name) => {
    expectSame(published(name), windows);
  });

  test.each(["pre", "post", "out", "sandwich", "none"])(
    "a model with the norms %s is the same graph",
    (placement) => {
      expectSame(graphOf(readFileSync("examples/placement.lmg", "utf8"), { settings: { placement } }));
    },
  );
});

describe("the loops of", () => {
  test.each([
    ["gpt2", ["h × 12: 21 nodes, carries 1, reads 0"]],
    ["gemma2", ["model.layers × 4: 26 nodes, carries 1, reads 0, window 4 none 4 none"]],
    // Levels of the first half are read by the second: no chain, and each pair reads values of its own.
    ["unet", ["blocks × 12: 25 + 30 + 33 + 33 + 33 + 33 + 33 + 33 nodes, calls"]],
  ])("examples/%s.lmg", (name, loops) => {
    expect(loopsOf(example(name), windows)).toEqual(loops);
  });

  test.each([
    ["deepseek_v2", ["model.layers × 2: 36 + 70 nodes, carries 1, reads 0"]],
    [
      "marian",
      [
        "model.encoder.layers × 2: 21 nodes, carries 1, reads 1",
        "model.decoder.layers × 2: 36 nodes, carries 1, reads 2",
      ],
    ],
    [
      "albert",
      [
        "albert.encoder.albert_layer_groups × 2: 84 nodes, carries 1, reads 1",
        "  shared × 2: 42 nodes, carries 1, reads 1",
        "    albert.encoder.albert_layer_groups.0.albert_layers × 2: 21 nodes, carries 1, reads 1",
      ],
    ],
  ])("the checkpoint %s", (name, loops) => {
    expect(loopsOf(published(name), windows)).toEqual(loops);
  });

  test("a first iteration that reads one value where others read two is like them", () => {
    const text = (body: string): string =>
      `model m { input x: f32[B, 8]; residual from x as x0; repeat 3 as h { ${body} }; output y }`;
    expect(loopsOf(graphOf(text("stream * x0 -> fc: linear(8)")))).toEqual([
      "h × 3: 2 nodes, carries 1, reads 1",
    ]);
    expect(loopsOf(graphOf(text("stream * x -> fc: linear(8)")))).toEqual([
      "h × 3: 2 nodes, carries 1, reads 1",
    ]);
  });
});

/** Lines of a body that read the stream, what came before it, and what iterations hand on. */
const line = fc.constantFrom(
  "residual pre norm: rmsnorm { mlp: ffn(16) }",
  "residual post ln: layernorm { fc: linear(8) -> tanh }",
  "residual from x0, skip a: scale([1], init: 0), branch b: scale([1], init: 1)",
  "residual { attn: attention(2, causal: true, window: 3 if i % 2 == 0 else none) }",
  "residual { attn: attention(2, causal: true, scale: 0.5 + i) }",
  "if i == 0 { first: linear(8) } else { other: linear(8) -> tanh }",
  "if i > 1 { residual { late: linear(8) } }",
  "r = r + (stream -> side: linear(8))",
  "(stream + r) -> mixed: rmsnorm",
  "if i == 0 { v = stream -> tanh } else { stream + v }",
  "stream * x0",
  "(stream, m) -> add",
  "repeat 3 shared { same_fc: linear(8) -> tanh }",
  "repeat 2 as inner { residual { fc: linear(8) } }",
  "parallel { repeat 3 as experts { fc: linear(8) } }",
  "stream -> tanh as level",
);

const unique = (lines: readonly string[]): string =>
  lines
    .map((text, at) =>
      text
        .replace(/(\w+): (?=\w+[({]|\w+ |\w+$)/g, (found, name: string) =>
          ["window", "causal", "scale", "init"].includes(name) ? found : `${name}_${at}: `,
        )
        .replace(" as inner", ` as inner_${at}`)
        .replace(" as experts", ` as experts_${at}`),
    )
    .join("\n    ");

const modelText = fc
  .record({
    body: fc.array(line, { minLength: 1, maxLength: 5 }),
    depth: fc.integer({ min: 1, max: 5 }),
    how: fc.constantFrom("as h[i]", "as outer.h[i]", "as [i]"),
    tail: fc.constantFrom("", "stream + r", "stream * x0", "residual from h[0].level"),
  })
  .map(({ body, depth, how, tail }) => {
    const lines = tail.includes("level") ? [...body, "stream -> tanh as level"] : body;
    return `model m {
  input x: f32[B, T, 8]
  embed: linear(8) as x0
  m = embed_2: linear(8)
  r = x0 -> tanh
  v = x0
  repeat ${depth} ${how === "as h[i]" || !tail.includes("level") ? how : "as h[i]"} {
    ${unique(lines)}
  }
  ${tail}
  head: linear(8)
  output y
}`;
  });

test("random models are the same graphs, rolled up and run again", () => {
  let [loops, chained, varied] = [0, 0, 0];
  fc.assert(
    fc.property(modelText, (text) => {
      const graph = graphOf(text);
      expectSame(graph, windows);
      const rolled = rollGraph(graph, windows).parts.filter(isLoop);
      loops += rolled.length;
      chained += rolled.filter(({ chain }) => chain !== undefined).length;
      varied += rolled.filter(({ classes }) =>
        classes.some(({ variations }) => variations.length > 0),
      ).length;
    }),
    { numRuns: 80, seed: 14 },
  );
  // What is drawn must be what this is about.
  expect(Math.min(loops - 60, chained - 15, varied - 3)).toBeGreaterThan(0);
});
