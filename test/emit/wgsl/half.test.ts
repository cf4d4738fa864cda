import { describe, expect, test } from "vitest";
import { emitWgsl } from "../../../src/emit/wgsl/emit.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { roundTo } from "../../../src/tensor/dtype.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import { helpers } from "../../../src/emit/wgsl/helpers.ts";
import { layoutCode } from "../../../src/support/text.ts";
import { executionDevice, validationDevice } from "../../webgpu/device.ts";
import { cases } from "./cases.ts";
import { B, f32, graphOf, T } from "./graphs.ts";
import { importText, instantiate } from "./module.ts";
import { largest } from "./near.ts";

const device = await executionDevice();
const validator = await validationDevice(["shader-f16"]);

const uses = ["storage", "arithmetic"] as const;
type Use = (typeof uses)[number];

/** The shaders of a module's text. */
const kernelTable = /const kernels = \{\n[\s\S]*?\n\};\n/;

/**
 * No adapter in software has shader-f16, so the same shaders run with f32 in the place of f16, rounded to a half wherever
 * a value becomes one: when it is stored, and after the products that are multiplied in halves. What a chain computes in
 * between is not rounded here.
 */
function emulated(graph: Graph, f16: Use): string {
  const plan = planGraph(graph);
  const [halves, floats] = [{ f16 }, {}].map(
    (options) => emitWgsl(plan, { ...options, types: false }).files[0]!.text,
  ) as [string, string];
  const rounding = `${layoutCode(helpers.round_f16.code)}
fn round4(x: vec4f) -> vec4f { return vec4f(round_f16(x.x), round_f16(x.y), round_f16(x.z), round_f16(x.w)); }
@compute`;
  const shaders = kernelTable
    .exec(halves)![0]
    .replaceAll("enable f16;\n", "")
    .replaceAll(/vec4f\((.+ \* \w+)\);/g, "round4($1);")
    .replaceAll(/\bf16\(/g, "round_f16(")
    .replaceAll("array<f16", "array<f32")
    .replaceAll("vec4<f16>", "vec4<f32>")
    .replaceAll("vec4h(", "vec4f(")
    .replaceAll(/\b([\d.]+)h\b/g, "$1")
    .replaceAll("@compute", () => rounding);
  return floats.replace(kernelTable, () => shaders);
}

const halved = (tensors: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      tensor.data instanceof Float64Array
        ? { ...tensor, data: tensor.data.map((x) => roundTo("f16", x)) }
        : tensor,
    ]),
  );

/** A half has 11 bits: rounding to the nearest is off by 2^-11 of a number at most. */
const HALF = 2 ** -11;

const wide = graphOf("linear", { x: f32(B, 768), weight: f32(65, 768), bias: f32(65) }, { layout: "out_in" });

const graphs: readonly (readonly [about: string, graph: Graph])[] = [
  ["a product of 768 terms by tiles", wide],
  ["a product of pairs of matrices", graphOf("matmul", { a: f32(B, T, 65), b: f32(B, 65, 17) }, {})],
  ["attention", cases.attend[1]!.graph],
  ["a chain", cases.elementwise.find(({ about }) => about === "a chain")!.graph],
  ["a layer norm", cases.layer_norm[3]!.graph],
];

describe("shaders with halves are valid, and ask for what they use", () => {
  test.each(uses)("%s, every kernel", async (f16) => {
    for (const { graph, ids = 3 } of Object.values(cases).map((list) => list.at(-1)!)) {
      const module = await instantiate(planGraph(graph), { f16 });
      expect(module.requiredFeatures).toEqual(["shader-f16"]);
      const model = await module.createModel(validator, randomParameters(graph, 1));
      const inputs = randomInputs(graph, { B: 2, T: 3, S: 4 }, 2);
      for (const tensor of Object.values(inputs))
        if (tensor.data instanceof Int32Array) tensor.data.forEach((id, i) => (tensor.data[i] = id % ids));
      await model.run(inputs);
      model.destroy();
    }
  });
});

describe.skipIf(device === undefined)("shaders with halves compute what the op means", () => {
  describe.each(uses)("%s", (f16) => {
    test.each(graphs)("%s", async (_, graph) => {
      const parameters = halved(randomParameters(graph, 1));
      const model = await (await importText(emulated(graph, f16))).createModel(device!, parameters);
      for (const sizes of [
        { B: 1, T: 1 },
        { B: 9, T: 5 },
      ]) {
        const inputs = halved(randomInputs(graph, sizes, 2));
        const expected = interpret(graph, { inputs, parameters });
        const found = await model.run(inputs);
        for (const [name, { data }] of Object.entries(expected)) {
          // Stored halves are exact products of what they were made of in f32, rounded once; in arithmetic each product
          // is rounded first, and errors of both signs mostly cancel.
          const error = largest(found[name]!.data, data);
          expect(error).toBeLessThanOrEqual(f16 === "storage" ? HALF : 2 * HALF);
          expect(Array.from(found[name]!.data).every((x) => roundTo("f16", x) === x)).toBe(true);
        }
      }
      model.destroy();
    });
  });
});

describe("what halves cost, in numbers", () => {
  const random = new RandomStream(1, "halves");
  const half = (): number => roundTo("f16", random.normal());
  const pairs = Array.from({ length: 768 }, () => [half(), half()] as const);
  const exact = pairs.reduce((sum, [a, b]) => sum + a * b, 0);
  const size = Math.sqrt(pairs.reduce((sum, [a, b]) => sum + (a * b) ** 2, 0));
  const errorOf = (product: (a: number, b: number) => number): number =>
    Math.abs(pairs.reduce((sum, [a, b]) => Math.fround(sum + product(a, b)), 0) - exact) / size;

  test("products of halves are exact in f32, so that only the sum rounds", () => {
    for (const [a, b] of pairs) expect(Math.fround(a * b)).toBe(a * b);
    expect(errorOf((a, b) => a * b)).toBeLessThan(2 ** -21);
  });

  test("products that are halves themselves put more error into a sum than f32 does, less than storing it as a half", () => {
    const error = errorOf((a, b) => roundTo("f16", a * b));
    expect(error).toBeGreaterThan(errorOf((a, b) => a * b));
    expect(error).toBeLessThan(HALF);
  });
});

describe("what is computed in halves is told by the text", () => {
  const textOf = (graph: Graph, f16?: Use): string =>
    kernelTable.exec(emitWgsl(planGraph(graph), { ...(f16 && { f16 }), types: false }).files[0]!.text)![0];

  test("tiles are halves in both; only arithmetic multiplies them", () => {
    expect(textOf(wide)).toContain("x_tile: array<f32, 1024>");
    expect(textOf(wide, "storage")).toContain("x_tile: array<f16, 1024>");
    expect(textOf(wide, "storage")).toContain("sum0 += f32(x_tile[local.y * 16u + k]) * w_row;");
    expect(textOf(wide, "arithmetic")).toContain("sum0 += vec4f(x_tile[local.y * 16u + k] * w_row);");
  });

  test("chains add and multiply in halves; gelu, quotients and squares are f32", () => {
    const input = (index: number) => ({ kind: "input" as const, index });
    const step = (index: number) => ({ kind: "step" as const, index });
    const chain = graphOf(
      "elementwise",
      { inputs: [f32(65), f32(65)] },
      {
        program: {
          steps: [
            { op: "add", args: [input(0), input(1)] },
            { op: "mul", args: [step(0), { kind: "number", value: 0.5 }] },
            { op: "gelu", args: [step(1)] },
            { op: "div", args: [step(2), input(1)] },
          ],
        },
      },
    );
    expect(textOf(chain, "arithmetic")).toContain(
      "out[i] = f16(gelu(f32((x0[i] + input1) * 0.5h)) / f32(input1));",
    );
    expect(textOf(chain, "storage")).not.toContain("0.5h");
    const sum = graphOf("add", { x: f32(65), y: f32(65) }, {});
    expect(textOf(sum, "arithmetic")).toContain("out[i] = x0[i] + x1[i];");
  });

  test("a number that no half is near is not made one", () => {
    const program = {
      steps: [{ op: "mul" as const, args: [input0, { kind: "number" as const, value: 1e-6 }] }],
    };
    const tiny = graphOf("elementwise", { inputs: [f32(65)] }, { program });
    expect(textOf(tiny, "arithmetic")).toContain("out[i] = f16(f32(x[i]) * 0.000001);");
  });
});

const input0 = { kind: "input", index: 0 } as const;
