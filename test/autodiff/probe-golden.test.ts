import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { probeEdges } from "../../src/autodiff/probe.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { runEmitted } from "../emit/instantiate.ts";

interface Golden {
  readonly sizes: Readonly<Record<string, number>>;
  readonly B: number;
  readonly T: number;
  readonly cases: readonly {
    readonly name: string;
    readonly loss: number;
    readonly activations: readonly number[];
    readonly largest: readonly number[];
    readonly gradients: readonly number[];
    /** The sizes of the lanes at each edge whose stream has some. */
    readonly lanes: readonly (readonly number[])[];
    /** Gradients with the branches cut, and with what a softmax reads held fixed. */
    readonly carried: readonly number[];
    readonly held: readonly number[];
  }[];
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const golden = JSON.parse(read("test/golden/torch/probe.json")) as Golden;

/** As in test/golden/probe.py. */
const MODULUS = 2 ** 31 - 1;

/** Numbers in (0, 1) that follow from a name. */
function draw(name: string, count: number): readonly number[] {
  let x = 1;
  for (const letter of Buffer.from(name)) x = (31 * x + letter) % MODULUS;
  return Array.from({ length: count }, () => (x = (16807 * x) % MODULUS) / MODULUS);
}

function parameter(name: string, shape: readonly number[]): HostTensor {
  const u = draw(
    name,
    shape.reduce((x, y) => x * y, 1),
  ).map((value) => value - 0.5);
  const valueOf = (value: number): number => {
    if (shape.length === 2) return value * (12 / shape[1]!) ** 0.5;
    return name.endsWith("weight") ? 1 + 0.4 * value : 0.4 * value;
  };
  return hostTensor("f32", shape, u.map(valueOf));
}

/** Float64 on both sides; `exp` is right to 4e-11, and three layers of attention pass that on. */
const TOLERANCE = 1e-9;

test.each(golden.cases)("$name: sizes and gradients at every edge are PyTorch's", async (wanted) => {
  const { sizes, B, T } = golden;
  const settings = Object.fromEntries(Object.entries(sizes).map(([name, value]) => [name, String(value)]));
  const { file } = parse({ name: "depth.lmg", text: read("examples/depth.lmg") });
  const { model } = lower(file, { settings: { ...settings, variant: wanted.name }, training: true });
  const { graph, edges } = probeEdges(model!.train!.graph, { paths: true });
  const ids = (name: string): HostTensor =>
    hostTensor(
      "i32",
      [B, T],
      draw(name, B * T).map((u) => Math.trunc(u * sizes["vocab"]!)),
    );
  const results = await runEmitted(
    runPasses(graph),
    {
      inputs: { tokens: ids("tokens"), next: ids("next") },
      parameters: Object.fromEntries(
        graph.parameters.map(({ name, value }) => [
          name,
          parameter(
            name,
            value.type.shape.map(({ key }) => Number(key)),
          ),
        ]),
      ),
    },
    "f64",
  );
  const valueOf = (name: string): number => results[name]!.data[0]!;
  // What a cut lets nothing through is zero on both sides.
  const expectClose = (found: number, expected: number): void => {
    expect(Math.abs(found - expected)).toBeLessThanOrEqual(TOLERANCE * Math.abs(expected));
  };
  expectClose(valueOf("loss"), wanted.loss);
  expect(edges.length).toBe(wanted.activations.length);
  edges.forEach(({ activation, largest, gradient, paths }, index) => {
    expectClose(valueOf(activation), wanted.activations[index]!);
    expectClose(valueOf(largest), wanted.largest[index]!);
    expectClose(valueOf(gradient), wanted.gradients[index]!);
    expectClose(valueOf(paths!.carried), wanted.carried[index]!);
    expectClose(valueOf(paths!.held), wanted.held[index]!);
  });
  const lanes = edges.flatMap((edge): readonly number[][] =>
    edge.lanes === undefined ? [] : [Array.from<number>(results[edge.lanes]!.data)],
  );
  expect(lanes.length).toBe(wanted.lanes.length);
  lanes.forEach((sizes, at) => sizes.forEach((size, lane) => expectClose(size, wanted.lanes[at]![lane]!)));
});
