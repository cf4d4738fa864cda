import { describe, expect, test } from "vitest";
import type { EmittedTensors } from "../../src/emit/emitted.ts";
import type { Decoding } from "../../src/incremental/program.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { planProgram } from "../../src/plan/build.ts";
import { planOfPart, type ProgramPlan } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import type { DecodingPart, PartsModel } from "../../src/session/model.ts";
import { constantDim, symbolsOf } from "../../src/tensor/dim.ts";
import { chunks, difference, Reference, type Chunk, type Sizes, type Tensors } from "./decoded.ts";
import { derived, exampleGraph, graphOf } from "./models.ts";
import { runners, wasm } from "./runners.ts";

/** Rounding of f32 through a few layers, of logits near 1. */
const TOLERANCE = 1e-5;

const t = (body: string, more = ""): string =>
  `model m(dim = 8) {\n  input tokens: i32[B, T]\n${more}\n  e: embedding(23, dim)\n${body}\n  output y: f32[B, T, dim]\n}`;

const models: Readonly<Record<string, Graph>> = {
  "grouped heads with rope": exampleGraph("llama", {
    vocab: 23,
    dim: 16,
    hidden: 24,
    depth: 2,
    heads: 4,
    kv_heads: 2,
  }),
  "learned positions": exampleGraph("gpt2", { vocab: 23, dim: 16, depth: 2, heads: 4, ctx: 40 }),
  "a window": graphOf(t("residual { attn: attention(2, rope: rope, window: 3) }")),
  "a sink": graphOf(
    t(
      "nothing = 0 * (stream -> slice(0, end: 1, axis: 1))\nkeys = (nothing, stream) -> concat(1) -> heads(2)\n(stream -> heads(2), keys, keys) -> attend(causal: true) -> merge_heads",
    ),
  ),
  "a shift, a running sum and the first row": graphOf(
    t(
      "x = stream ; nothing = 0 * (x -> slice(0, end: 1, axis: 1))\n(nothing, x) -> concat(1) -> slice(0, end: T, axis: 1)\nstream + (x -> cumsum(axis: 1)) * 0.125 + (x -> slice(0, end: 1, axis: 1))",
    ),
  ),
  "a memory that is encoded first": graphOf(
    t(
      "residual { attn: attention(2) }\nresidual { (stream, memory) -> x: cross_attention(2) }",
      "input source: f32[B, S, 6]\nmemory = source -> enc: linear(6) -> gelu",
    ),
  ),
};

/** An emitted model, with what its text has so far. */
class Emitted {
  readonly #decoding: Decoding;
  readonly #model: PartsModel;
  past = 0;

  private constructor(decoding: Decoding, model: PartsModel) {
    this.#decoding = decoding;
    this.#model = model;
  }

  static async open(runs: string, decoding: Decoding, weights: Tensors, dims: Sizes): Promise<Emitted> {
    return new Emitted(decoding, await (await runners[runs]!.parts(decoding, weights))(dims));
  }

  async run(part: DecodingPart, inputs: Tensors, dims: Sizes = {}): Promise<EmittedTensors> {
    const graph = this.#decoding.program.parts[part]!;
    const given = graph.inputs.map(({ name }) => [name, inputs[name]!] as const);
    return this.#model.run(part, Object.fromEntries(given), dims);
  }

  async read({ part, count }: Chunk, inputs: Tensors): Promise<EmittedTensors> {
    const outputs = await this.run(part, inputs, { [this.#decoding.dims.past]: this.past });
    this.past += count;
    return outputs;
  }

  close(): void {
    this.#model.close();
  }
}

/** The sizes that are fixed with the memory of the states. */
function fixedSizes({ program }: Decoding, sizes: Sizes): Sizes {
  const states = Object.values(program.parts).flatMap((graph) => graph.states);
  const names = new Set(
    states.flatMap(({ value }) => value.type.shape.flatMap((size) => [...symbolsOf(size)])),
  );
  return Object.fromEntries(Object.entries(sizes).filter(([name]) => names.has(name)));
}

describe.each(Object.entries(models))("%s", (_, graph) => {
  const decoding = derived(graph, { target: wasm });
  const plan = planProgram(decoding.program);
  const sizes = { B: 2, T: 11, S: 5, C: 16 };
  const reference = new Reference(graph, "T", sizes);

  const ways: readonly (readonly [string, readonly Chunk[]])[] = [
    ["one position a run", chunks("all", 5, 1, 1, 1, 1, 1, 1)],
    [
      "chunks, and the newest row alone",
      [...chunks("append", 4), ...chunks("all", 3), ...chunks("append", 1, 3)],
    ],
  ];
  test.each(Object.keys(runners).flatMap((runs) => ways.map((way) => [runs, ...way] as const)))(
    "a module in %s reads it as the whole graph would: %s",
    async (name, _way, runs) => {
      const model = await Emitted.open(name, decoding, reference.parameters, fixedSizes(decoding, sizes));
      if (decoding.program.parts["encode"] !== undefined) await model.run("encode", reference.inputs);
      for (const chunk of runs) {
        const start = model.past;
        const outputs = await model.read(chunk, reference.text(start, chunk.count));
        for (const [name, found] of Object.entries(outputs)) {
          const expected = reference.expected(name, start, chunk);
          expect(
            difference(
              { ...expected, shape: [...found.shape], data: Float64Array.from(found.data) },
              expected,
            ),
          ).toBeLessThan(TOLERANCE);
        }
      }
      model.close();
    },
  );

  test("the plan holds, whatever is past", () => {
    for (const part of plan.parts)
      for (const P of [0, 1, 7])
        expect(verifyPlan(planOfPart(plan, part), new Map(Object.entries({ ...sizes, N: 3, P })))).toEqual(
          [],
        );
  });
});

/** Steps that make as many elements as positions so far, and are no state's own memory. */
function stepsOfThePast(decoding: Decoding, { shared, parts }: ProgramPlan, name: string): string[] {
  const { past, capacity } = decoding.dims;
  const part = parts.find((each) => each.name === name)!;
  return part.steps.flatMap((step) =>
    step.results.flatMap(({ buffer }) => {
      const { home, elements } = shared.buffers[buffer]!;
      const isLong = [...symbolsOf(elements)].some((symbol) => symbol === past || symbol === capacity);
      return home.kind === "state" || !isLong ? [] : [`${step.op} ${elements.key}`];
    }),
  );
}

describe("a step costs what is new", () => {
  test.each(["grouped heads with rope", "learned positions", "a sink", "a memory that is encoded first"])(
    "%s: caches are written where they lie, and not copied",
    (name) => {
      const decoding = derived(models[name]!);
      const plan = planProgram(decoding.program);
      const rows = [...decoding.states.values()].filter(({ kind }) => kind === "rows");
      for (const part of ["append", "step", "all"]) {
        const { steps } = plan.parts.find((each) => each.name === part)!;
        const inPlace = steps.filter(
          ({ op, results }) =>
            op === "write" && plan.shared.buffers[results[0]!.buffer]!.home.kind === "state",
        );
        expect(inPlace).toHaveLength(rows.length);
        // The numbers of the positions are all that is as long as the text.
        for (const step of stepsOfThePast(decoding, plan, part)) expect(step).toMatch(/^iota/);
      }
    },
  );

  test("what is kept of a window is a number of rows", () => {
    const decoding = derived(models["a window"]!);
    const { shared } = planProgram(decoding.program);
    expect(shared.state.map(({ type }) => constantDim(type.shape[1]!))).toEqual([3, 3]);
    expect(
      stepsOfThePast(decoding, planProgram(decoding.program), "step").filter(
        (step) => !step.startsWith("iota"),
      ),
    ).toEqual([]);
  });
});
