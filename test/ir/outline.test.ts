import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph, Value } from "../../src/ir/graph.ts";
import { isSection, outlineOf, pathOf, placeOf, sectionsOf, type Section } from "../../src/ir/outline.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { graphOf as lowerGraph } from "../lower/support.ts";
import { leastProcessorTime } from "../support/processor-time.ts";
import { graphOf, twoLayers } from "./graphs.ts";

const example = (name: string, settings: Readonly<Record<string, number>>): Graph =>
  lowerGraph(readFileSync(new URL(`../../examples/${name}.lmg`, import.meta.url), "utf8"), { settings });

/** A line a section: its label and the ops of its own nodes; of a repeat one iteration of those that are alike. */
function show(section: Section, depth = 0): string[] {
  const lines: string[] = [];
  const indent = "  ".repeat(depth);
  for (const part of section.parts) {
    if (!isSection(part)) continue;
    const { repeat } = part;
    if (repeat === undefined) lines.push(indent + headOf(part), ...show(part, depth + 1));
    else {
      const marks = [repeat.checkpoint ? " checkpoint" : "", repeat.library ? " library" : ""].join("");
      lines.push(`${indent}${part.label} × ${repeat.iterations.length}${marks}`);
      for (const [first, ...rest] of repeat.alike) {
        const numbers = [first!, ...rest].map(({ index }) => index).join(", ");
        lines.push(`${indent}  [${numbers}]${ownOps(first!)}`, ...show(first!, depth + 2));
      }
    }
  }
  return lines;
}

const headOf = (section: Section): string => `${section.label}${ownOps(section)}`;

const ownOps = ({ parts }: Section): string => {
  const ops = parts.flatMap((part) => (isSection(part) ? [] : [part.op]));
  return ops.length === 0 ? "" : `: ${ops.join(" ")}`;
};

function treeOf(graph: Graph): string {
  const root = outlineOf(graph);
  return `\n${[`graph${ownOps(root)}`, ...show(root)].join("\n")}\n`;
}

/** The repeat of a label, wherever it stands. */
function repeatIn(section: Section, label: string): NonNullable<Section["repeat"]> {
  const found = search(section, label);
  if (found?.repeat === undefined) throw new Error(`no repeat ${label}`);
  return found.repeat;
}

const search = (section: Section, label: string): Section | undefined =>
  section.label === label && section.repeat !== undefined
    ? section
    : sectionsOf(section)
        .map((inner) => search(inner, label))
        .find((found) => found !== undefined);

describe("the tree of", () => {
  test("GPT-2: twelve layers that compute the same", () => {
    const graph = example("gpt2", { depth: 12, dim: 48 });
    expect(treeOf(graph)).toMatchInlineSnapshot(`
      "
      graph: iota residual linear
      wte: embedding
      wpe: embedding
      h × 12
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]: residual residual
          ln_1: layer_norm
          attn: slice slice slice reshape permute reshape permute reshape permute attend permute reshape
            c_attn: linear
            c_proj: linear
          ln_2: layer_norm
          mlp: gelu_tanh
            c_fc: linear
            c_proj: linear
      ln_f: layer_norm
      "
    `);
  });

  test("GPT-2 after all passes: the last layer is another one, as it fuses with the final norm", () => {
    const fused = runPasses(example("gpt2", { depth: 4, dim: 48 }));
    expect(repeatIn(outlineOf(fused), "h").alike.map((group) => group.map(({ index }) => index))).toEqual([
      [0, 1, 2],
      [3],
    ]);
  });

  test("an encoder and a decoder: a repeat in each block", () => {
    expect(
      treeOf(
        lowerGraph(`
model pair(dim = 8) {
  input source: f32[B, S, dim]
  input target: f32[B, T, dim]
  source -> encoder: stack(3) as memory
  (target, memory) -> decoder: reading(2)
  output y: f32[B, T, dim]
}
block stack(depth: int) {
  input x: [B, T, D]
  repeat depth as layer { residual pre norm: rmsnorm { fc: linear(D) -> relu } }
}
block reading(depth: int) {
  input x: [B, T, D]
  input memory: [B, S, D]
  repeat depth as layer { residual { (stream, memory) -> cross: crossing } }
  norm: rmsnorm
}
block crossing {
  input x: [B, T, D]
  input memory: [B, S, D]
  (x -> q: linear(D) -> heads(2), memory -> k: linear(D) -> heads(2), memory -> v: linear(D) -> heads(2)) -> attend -> merge_heads
}
`),
      ),
    ).toMatchInlineSnapshot(`
      "
      graph
      encoder
        layer × 3
          [0, 1, 2]: relu residual
            norm: rms_norm
            fc: linear
      decoder
        layer × 2
          [0, 1]: residual
            cross: reshape permute reshape permute reshape permute attend permute reshape
              q: linear
              k: linear
              v: linear
        norm: rms_norm
      "
    `);
  });

  test("Gemma 2: layers with and without a window take turns", () => {
    expect(
      treeOf(
        example("gemma2", { depth: 5, dim: 32, heads: 2, kv_heads: 1, head_dim: 8, hidden: 16, vocab: 11 }),
      ),
    ).toMatchInlineSnapshot(`
      "
      graph: full mul linear
      model
        embed_tokens: embedding
        norm: rms_norm
      model.layers × 5
        [0, 2, 4]: residual residual
          input_layernorm: rms_norm
          self_attn: reshape permute rope reshape permute rope reshape permute attend permute reshape
            q_proj: linear
            k_proj: linear
            v_proj: linear
            o_proj: linear
          post_attention_layernorm: rms_norm
          pre_feedforward_layernorm: rms_norm
          mlp: gelu_tanh mul
            gate_proj: linear
            up_proj: linear
            down_proj: linear
          post_feedforward_layernorm: rms_norm
        [1, 3]: residual residual
          input_layernorm: rms_norm
          self_attn: reshape permute rope reshape permute rope reshape permute attend permute reshape
            q_proj: linear
            k_proj: linear
            v_proj: linear
            o_proj: linear
          post_attention_layernorm: rms_norm
          pre_feedforward_layernorm: rms_norm
          mlp: gelu_tanh mul
            gate_proj: linear
            up_proj: linear
            down_proj: linear
          post_feedforward_layernorm: rms_norm
      softcap: full div tanh full mul
      "
    `);
  });

  test("repeats in repeats: alike are the outer ones too", () => {
    expect(
      treeOf(
        lowerGraph(`
model nested {
  input x: f32[B, 8]
  repeat 3 as stage {
    repeat 2 as block[i] { fc: linear(8, bias: i == 1) -> relu }
    repeat 2 as [j] { tanh }
    repeat 2 shared { square }
    repeat 3 shared { sin }
    down: linear(8)
  }
  repeat 2 checkpoint { cos }
  output y
}
`),
      ),
    ).toMatchInlineSnapshot(`
      "
      graph
      stage × 3
        [0, 1, 2]
          block × 2
            [0]: relu
              fc: linear
            [1]: relu
              fc: linear
          repeat × 2
            [0, 1]: tanh
          repeat × 2
            [0, 1]: square
          repeat × 3
            [0, 1, 2]: sin
          down: linear
      repeat × 2 checkpoint
        [0, 1]: cos
      "
    `);
  });

  test("layers that grow: none is like another one", () => {
    expect(
      treeOf(
        lowerGraph(`
model growing {
  input x: f32[B, 8]
  repeat 3 as level[i] { up: linear(8 * 2 ^ i); down: linear(8) }
  output y
}
`),
      ),
    ).toMatchInlineSnapshot(`
      "
      graph
      level × 3
        [0]
          up: linear
          down: linear
        [1]
          up: linear
          down: linear
        [2]
          up: linear
          down: linear
      "
    `);
  });

  test("a repeat of the library says that it is one", () => {
    const graph = lowerGraph("model m { input x: f32[4, 4]; mix: sinkhorn(rounds: 2); output y }");
    expect(treeOf(graph)).toMatchInlineSnapshot(`
      "
      graph
      repeat × 2 library
        [0, 1]
          mix: reduce_sum div reduce_sum div
      "
    `);
  });
});

describe("an iteration tells", () => {
  const namesOf = (graph: Graph, values: readonly Value[]): string[] => {
    const known = new Map<Value, string>([
      ...graph.inputs.map(({ name, value }) => [value, name] as const),
      ...graph.parameters.map(({ name, value }) => [value, name] as const),
      ...graph.nodes.flatMap((node) =>
        node.results.map((value) => [value, node.origin.label || node.op] as const),
      ),
    ]);
    return values.map((value) => known.get(value) ?? "?");
  };

  test("what it reads from outside, and what the next one reads of it", () => {
    const graph = lowerGraph(`
model m(dim = 8) {
  input x: f32[B, dim]
  input gate: f32[B, dim]
  first: linear(dim)
  repeat 3 as h { residual { fc: linear(dim, bias: false) -> tanh }; stream * gate }
  output y
}
`);
    const { iterations } = repeatIn(outlineOf(graph), "h");
    expect(
      iterations.map(({ index, parameters, inputs, carried }) => [
        index,
        namesOf(graph, parameters),
        namesOf(graph, inputs),
        namesOf(graph, carried),
      ]),
    ).toEqual([
      [0, ["h.0.fc.weight"], ["first", "gate"], ["h.0"]],
      [1, ["h.1.fc.weight"], ["h.0", "gate"], ["h.1"]],
      [2, ["h.2.fc.weight"], ["h.1", "gate"], []],
    ]);
  });

  test("its nodes, those of its layers among them, in the order of the graph", () => {
    const graph = graphOf(twoLayers);
    const { iterations } = repeatIn(outlineOf(graph), "h");
    expect(iterations.map(({ nodes }) => nodes.map(({ op }) => op))).toEqual([
      ["rms_norm", "linear"],
      ["add_norm", "linear", "residual"],
    ]);
    const all = outlineOf(graph).nodes;
    expect(all).toEqual(graph.nodes);
  });
});

describe("iterations are not alike", () => {
  const groups = (body: string): number[][] =>
    repeatIn(
      outlineOf(lowerGraph(`model m { input x: f32[B, 8]\n repeat 3 as h[i] { ${body} }\n output y }`)),
      "h",
    ).alike.map((group) => group.map(({ index }) => index));

  test.each([
    ["an op differs", "if i == 1 { relu } else { tanh }", [[0, 2], [1]]],
    ["an attribute differs", "softmax(axis: 0 if i == 1 else 1)", [[0, 2], [1]]],
    ["a type differs", "a: linear(8 + i % 2); b: linear(8)", [[0, 2], [1]]],
    [
      "they read their own values in another way",
      "a = relu; b = tanh; if i == 1 { a - b } else { b - a }",
      [[0, 2], [1]],
    ],
    ["a weight is used twice", "a: linear(8); if i == 1 { same(a) } else { b: linear(8) }", [[0, 2], [1]]],
    ["but for names", "a: linear(8); residual { relu }", [[0, 1, 2]]],
  ])("if %s", (_, body, expected) => {
    expect(groups(body)).toEqual(expected);
  });
});

describe("the path of a node", () => {
  const iteration = (label: string, index: number) => ({ label, index });

  test.each([
    ["layers and blocks", "h.3.attn.c_attn", [iteration("h", 3)], "h[3] attn c_attn"],
    ["a label of several words", "model.layers.3.mlp", [iteration("model.layers", 3)], "model.layers[3] mlp"],
    ["a repeat in a block", "encoder.h.0.fc", [iteration("h", 0)], "encoder h[0] fc"],
    [
      "a repeat without a label",
      "layer.1.0.conv",
      [iteration("layer", 1), iteration("repeat", 0)],
      "layer[1] repeat[0] conv",
    ],
    ["shared iterations", "mlp.fc", [iteration("repeat", 1)], "repeat[1] mlp fc"],
    ["a number that is no iteration", "h.0.conv.1", [iteration("h", 0)], "h[0] conv 1"],
    ["a longer number", "h.10.fc", [iteration("h", 1)], "h[1] h 10 fc"],
    ["no label", "", [], ""],
  ])("%s", (_, label, scope, expected) => {
    const path = pathOf({ label, scope }).map((step) =>
      step.iteration === undefined ? step.label : `${step.label}[${step.iteration.index}]`,
    );
    expect(path.join(" ")).toBe(expected);
  });

  test("names the iteration around it, down to a depth", () => {
    const origin = {
      label: "encoder.h.3.moe.experts.1.w1",
      scope: [iteration("h", 3), iteration("experts", 1)],
    };
    expect([0, 1, 2].map((depth) => placeOf(origin, depth))).toEqual([
      "",
      "encoder.h[3]",
      "encoder.h[3].moe.experts[1]",
    ]);
    expect(placeOf(origin)).toBe("encoder.h[3].moe.experts[1]");
  });
});

test("the outline of a model of 1,000 layers costs what 100 layers cost, ten times", () => {
  const text = (depth: number): string => `model m(dim = 8) {
  input x: f32[B, T, dim]
  repeat ${depth} as h {
    residual pre ln_1: layernorm { attn: attention(2) }
    residual pre ln_2: layernorm { mlp: ffn(16) }
  }
  output y
}`;
  const [small, large] = [100, 1000].map((depth) => lowerGraph(text(depth)));
  const time = (graph: Graph): number =>
    leastProcessorTime(() => expect(repeatIn(outlineOf(graph), "h").alike).toHaveLength(1));
  time(small!);
  // Twice as much a node where caches are left behind; a quadratic walk would be at a hundred times.
  expect(time(large!) / time(small!)).toBeLessThan(30);
});
