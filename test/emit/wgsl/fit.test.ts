import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { checkFit, defaultLimits, dispatchReport } from "../../../src/emit/wgsl/fit.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { planOfPart, type Plan } from "../../../src/plan/plan.ts";
import { executionDevice } from "../../webgpu/device.ts";
import { trainingOf } from "../../train/small.ts";
import { instantiate } from "./module.ts";

const path = new URL("../../../examples/gpt2.lmg", import.meta.url);
const source = { name: "gpt2.lmg", text: readFileSync(path, "utf8") };
const gpt2 = compile(source).plan!;
type Buffers = Plan["buffers"];
const sizes = (B: number, T: number) => new Map(Object.entries({ B, T }));

describe("a plan is checked against limits before any device is asked", () => {
  test("GPT-2 fits into the limits of every device at 128 tokens, though its table is larger than a binding", () => {
    const table = 50257 * 768 * 4;
    expect(table).toBeGreaterThan(defaultLimits.maxStorageBufferBindingSize);
    expect(checkFit(gpt2, sizes(1, 128))).toEqual([]);
  });

  test("the step, the line and the limit are named when the logits grow too large", () => {
    const line = source.text.split("\n").findIndex((text) => text.includes("unembed")) + 1;
    expect(checkFit(gpt2, sizes(1, 1024))).toEqual([
      {
        place: `linear (gpt2.lmg:${line})`,
        limit: "maxStorageBufferBindingSize",
        needs: 1024 * 50257 * 4,
        allows: 128 * 2 ** 20,
        message: `linear (gpt2.lmg:${line}) needs to bind 205,852,672 bytes of logits; maxStorageBufferBindingSize is 134,217,728`,
      },
    ]);
  });

  test("16-bit storage halves what is bound", () => {
    expect(checkFit(gpt2, sizes(1, 1024), { f16: true })).toEqual([]);
  });

  test.each([
    ["maxComputeWorkgroupStorageSize", 4096],
    ["maxComputeInvocationsPerWorkgroup", 128],
    ["maxStorageBuffersPerShaderStage", 3],
    ["maxComputeWorkgroupsPerDimension", 30],
    ["maxBufferSize", 2 ** 20],
  ] as const)("a device with a lower %s is told apart", (limit, value) => {
    const problems = checkFit(gpt2, sizes(1, 128), { limits: { ...defaultLimits, [limit]: value } });
    expect(problems.length).toBeGreaterThan(0);
    expect(new Set(problems.map((problem) => problem.limit))).toEqual(new Set([limit]));
    expect(problems.every(({ needs, allows }) => needs > allows && allows === value)).toBe(true);
  });
});

test("the work grows with the depth of a model, not with its square", () => {
  const looks = (depth: number): number => {
    const { plan } = compile(source, { settings: { depth: String(depth) } });
    let count = 0;
    const get = (target: Buffers, key: PropertyKey): unknown => (count++, Reflect.get(target, key));
    const seen = { ...plan!, buffers: new Proxy<Buffers>(plan!.buffers, { get }) };
    checkFit(seen, sizes(1, 8));
    dispatchReport(seen, sizes(1, 8));
    return count;
  };
  const [one, two, four] = [2, 4, 8].map(looks) as [number, number, number];
  // As many buffers are looked at for each layer that is added, however many there were.
  expect((four - two) / (two - one)).toBeCloseTo(2, 1);
});

describe("what a run of GPT-2 costs", () => {
  const report = dispatchReport(gpt2, sizes(1, 128));

  test("a layer is seven dispatches: two norms with their adds, four products, attention", () => {
    const layer = report.dispatches.filter(({ place }) => /^h\.3\./.test(place)).map(({ kernel }) => kernel);
    expect(layer).toEqual([
      "add_layer_norm_keep_1",
      "linear_add",
      "attend_causal",
      "linear_add",
      "add_layer_norm_keep_1",
      "linear_add_gelu_tanh",
      "linear_add",
    ]);
  });

  test("without fusion each layer takes three more, and the last norm one", () => {
    const { plan } = compile(source, { fuse: false });
    const unfused = dispatchReport(plan!, sizes(1, 128));
    expect(unfused.dispatches.length - report.dispatches.length).toBe(12 * 3 + 1);
  });

  test("with halves the floats take half the bytes, and token numbers as many as before", () => {
    const halves = dispatchReport(gpt2, sizes(1, 128), { f16: true });
    const bytes = ({ dispatches }: typeof report) => dispatches.map(({ bytesRead }) => bytesRead);
    const tokens = 128 * 4;
    const expected = report.dispatches.map(({ kernel, bytesRead }) =>
      kernel.startsWith("embedding") ? tokens + (bytesRead - tokens) / 2 : bytesRead / 2,
    );
    expect(bytes(halves)).toEqual(expected);
  });

  test("the weights are on the device once", () => {
    // 124,439,808 parameters and one constant.
    expect(report.residentBytes).toBeGreaterThanOrEqual(124_439_808 * 4);
    expect(report.residentBytes).toBeLessThan(124_439_808 * 4 + 1024);
  });
});

describe("what a training step costs", () => {
  const text = `model small {
    input x: f32[B, 40]
    up: linear(64) -> bn: batchnorm -> relu
    down: linear(3)
    output logits: f32[B, 3]
    train {
      target y: i32[B]
      loss (logits, y) -> cross_entropy
      optimizer adamw(lr: 1e-3)
      steps 1
    }
  }
`;
  const { program } = trainingOf(text);
  const update = planOfPart(program.plan, program.update.plan);
  const report = dispatchReport(update, new Map([["B", 32]]));

  test("a step of two stages is two dispatches, and its operations count once", () => {
    const stages = report.dispatches.filter(({ kernel }) => kernel.startsWith("batch_norm_grad"));
    expect(stages.map(({ kernel }) => kernel)).toEqual([
      "batch_norm_grad_weight",
      "batch_norm_grad_statistics_weight",
    ]);
    // 64 channels of 32 elements, 8 operations each; four vectors of 64 are read and two are written.
    expect(stages.map(({ flops }) => flops)).toEqual([8 * 32 * 64, 0]);
    expect(stages[1]).toMatchObject({ bytesRead: 4 * 4 * 64, bytesWritten: 2 * 4 * 64 });
  });

  test("the state is on the device once: parameters, running statistics, two moments", () => {
    const parameters = 40 * 64 + 64 + 2 * 64 + 64 * 3 + 3;
    expect(report.residentBytes).toBeGreaterThanOrEqual(4 * (3 * parameters + 2 * 64));
    expect(report.residentBytes).toBeLessThan(4 * (3 * parameters + 2 * 64) + 256);
  });

  test("it fits every device", () => {
    expect(checkFit(update, new Map([["B", 32]]))).toEqual([]);
  });
});

const device = await executionDevice();

describe.skipIf(device === undefined)("a matrix that is too large to bind is bound part by part", () => {
  test("a tied table of 140 MB looks up and projects as the interpreter does", async () => {
    const text = `model tied(dim = 700) { input ids: i32[B]; t: embedding(50001, dim); unembed(t); output y: f32[B, 50001] }`;
    const { plan, graph } = compile({ name: "tied.lmg", text: text.replaceAll("; ", "\n") });
    const parameters = randomParameters(graph!, 1);
    const ids = { dtype: "i32" as const, shape: [5], data: Int32Array.of(0, 49_999, 50_000, 7, 47_900) };
    expect(Object.keys(randomInputs(graph!, { B: 5 }, 1))).toEqual(["ids"]);
    const model = await (await instantiate(plan!)).createModel(device!, parameters);
    const found = (await model.run({ ids })).y!.data;
    model.destroy();
    const [table] = Object.values(parameters);
    const dot = (a: number, b: number): number => {
      let sum = 0;
      for (let i = 0; i < 700; i++)
        sum += Math.fround(table!.data[a * 700 + i]!) * Math.fround(table!.data[b * 700 + i]!);
      return sum;
    };
    // Columns at both sides of the border between the parts, which is a multiple of 64 rows.
    const border = Math.floor(defaultLimits.maxStorageBufferBindingSize / 2800 / 64) * 64;
    for (const [row, id] of ids.data.entries())
      for (const column of [0, 63, border - 1, border, border + 1, 50_000])
        expect(Math.abs(found[row * 50_001 + column]! - dot(id, column))).toBeLessThan(1e-4);
  });
});
