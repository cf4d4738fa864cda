import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { emitWgsl } from "../../../src/emit/wgsl/emit.ts";
import { randomParameters } from "../../../src/ir/initialize.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { executionDevice, validationDevice } from "../../webgpu/device.ts";
import { B, f32, graphOf, i32 } from "./graphs.ts";
import { importText, instantiate } from "./module.ts";

const text = `model tiny(dim = 8) {
  input ids: i32[B, T <= 4]
  wte: embedding(5, dim)
  residual pre ln: layernorm { fc: linear(dim) -> gelu }
  output y: f32[B, T, dim]
}
`;
const { plan, graph } = compile({ name: "tiny.lmg", text });
const parameters = randomParameters(graph!, 1);
const ids = (shape: readonly number[], ...data: number[]) => ({ ids: { shape, data } });
const module = await instantiate(plan!);
const device = await validationDevice();
const model = await module.createModel(device, parameters);

/** The device that executes, or the one that only validates: errors are the same. */
const fresh = async () => (await executionDevice()) ?? (await validationDevice());

describe("inputs that do not fit", () => {
  test.each([
    ["a missing input", {}, "the input ids [B, T] is missing"],
    [
      "an unknown input",
      { ...ids([1, 1], 0), x: ids([1, 1], 0).ids },
      "there is no input x; the inputs are ids",
    ],
    ["an empty batch", ids([0, 2]), "the input ids is empty or has no whole shape: [0, 2]"],
    ["another rank", ids([2], 0, 1), "the input ids is [B, T], got [2]"],
    ["too long a text", ids([1, 5], 0, 0, 0, 0, 0), "T is at most 4, got 5"],
    ["too few elements", ids([1, 2], 0), "the input ids has 1 elements, its shape says 2"],
    ["a fraction", ids([1, 1], 0.5), "the input ids takes whole numbers, got 0.5 at 0"],
    ["an id past the table", ids([1, 2], 0, 5), "the id 5 of ids is not in a table of 5 rows (0 to 4)"],
    ["a negative id", ids([1, 1], -1), "the id -1 of ids is not in a table of 5 rows (0 to 4)"],
  ])("%s", async (_, inputs, message) => {
    await expect(model.run(inputs as never)).rejects.toThrow(new module.InputError(message));
  });

  test("elements that are no numbers, by their place; bools are true and false, or 1 and 0", async () => {
    const text = "model kinds {\n  input x: f32[B]\n  input b: bool[B]\n  y = x * b\n  output y\n}";
    const kinds = await instantiate(compile({ name: "kinds.lmg", text }).plan!);
    const executing = await fresh();
    const { run } = await kinds.createModel(executing, {});
    const given = (x: unknown, b: unknown) =>
      ({ x: { data: x, shape: [2] }, b: { data: b, shape: [2] } }) as never;
    for (const value of ["1", null, undefined, true])
      await expect(run(given([1, value], [1, 0]))).rejects.toThrow(
        new kinds.InputError(`the input x takes numbers, got ${String(value)} at 1`),
      );
    for (const value of ["1", null, undefined, NaN, 2])
      await expect(run(given([1, 2], [1, value]))).rejects.toThrow(
        new kinds.InputError(`the input b takes true and false, got ${String(value)} at 1`),
      );
    for (const b of [[true, false], Uint8Array.of(1, 0)]) {
      const { y } = await run(given([1.5, 2], b));
      if ((await executionDevice()) !== undefined) expect([...(y!.data as Float32Array)]).toEqual([1.5, 0]);
    }
  });

  test("sizes for which there is no memory, with the sizes", async () => {
    const run = model.run(ids([2 ** 40, 1], 0));
    await expect(run).rejects.toThrow(
      new module.InputError(
        "there is no memory for a run with B=1099511627776, T=1: it needs 4398046511104 bytes in one piece",
      ),
    );
  });

  test("a class past the logits; the one that a loss leaves out is none", async () => {
    const loss = graphOf("cross_entropy", { logits: f32(B, 3), targets: i32(B) }, { ignore: -100 });
    const { createModel, InputError } = await instantiate(planGraph(loss));
    const run = async (...targets: number[]) =>
      (await createModel(device, {})).run({
        logits: { shape: [2, 3], data: new Float32Array(6) },
        targets: { shape: [2], data: targets },
      });
    const message = "the id 3 of targets is not in a table of 3 rows (0 to 2)";
    await expect(run(0, 3)).rejects.toThrow(new InputError(message));
    expect(Object.keys(await run(2, -100))).toEqual(["out0"]);
  });

  test("a run after a refused one is well", async () => {
    await expect(model.run(ids([1, 1], 9))).rejects.toThrow("the id 9");
    expect((await model.run(ids([2, 2], 0, 1, 2, 3))).y!.shape).toEqual([2, 2, 8]);
  });
});

describe("weights that do not fit", () => {
  test("all problems are listed before anything reaches the device", async () => {
    const { "fc.weight": weight, ...others } = parameters;
    const wrong = {
      ...others,
      "fc.wieght": weight!,
      "ln.bias": { ...parameters["ln.bias"]!, shape: [4, 2] },
    };
    await expect(module.createModel(device, wrong)).rejects.toThrow(
      new module.WeightsError([
        "wrong shape: ln.bias is [4, 2], the model has [8]",
        "missing: fc.weight [8, 8]; did you mean fc.wieght?",
        "surplus: fc.wieght, which the model does not have; did you mean fc.weight?",
      ]),
    );
  });
});

describe("devices that cannot", () => {
  test("a device without a needed feature is named", async () => {
    const half = await instantiate(plan!, { f16: true });
    await expect(half.createModel(device, parameters)).rejects.toThrow(
      "the device was not requested with the feature shader-f16",
    );
  });

  test("a refused shader comes with its line and the step that runs it", async () => {
    const broken = emitWgsl(plan!, { types: false }).files[0]!.text.replace(
      "var sum0 = vec4f();",
      "var sum0 = vec4f(oops);",
    );
    expect(broken).toContain("oops");
    const { createModel } = await importText(broken);
    await expect(createModel(device, parameters)).rejects.toThrow(
      /^the device refuses the kernel linear_add_gelu_add, which fc \(tiny\.lmg:4\) runs:\n {2}line \d+:\d+: unresolved value 'oops'\n {4}var sum0 = vec4f\(oops\);/,
    );
  });

  test("a lost device says so, at the run and when a model is made", async () => {
    const doomed = await fresh();
    const alive = await module.createModel(doomed, parameters);
    doomed.destroy();
    await expect(alive.run(ids([1, 1], 0))).rejects.toThrow(/^the device was lost: /);
    await expect(module.createModel(doomed, parameters)).rejects.toThrow(/^the device was lost: /);
  });

  test("a destroyed model says so, also to the run that is under way, and leaves other models of the device alone", async () => {
    const [one, other] = [
      await module.createModel(device, parameters),
      await module.createModel(device, parameters),
    ];
    const under = one.run(ids([1, 1], 0));
    one.destroy();
    one.destroy();
    await expect(under).rejects.toThrow(new module.DeviceError("the model was destroyed"));
    await expect(one.run(ids([1, 1], 0))).rejects.toThrow(new module.DeviceError("the model was destroyed"));
    expect((await other.run(ids([1, 2], 0, 1))).y!.shape).toEqual([1, 2, 8]);
    other.destroy();
  });

  test("more workgroups than the device runs are refused before they are sent, with the step", async () => {
    const limited = new Proxy(device, {
      get: (target, key) => {
        if (key === "limits")
          return {
            maxComputeWorkgroupsPerDimension: 1,
            maxBufferSize: 1e9,
            maxStorageBufferBindingSize: 1e9,
          };
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    const small = await module.createModel(limited, parameters);
    await expect(small.run(ids([2, 4], 0, 0, 0, 0, 0, 0, 0, 0))).rejects.toThrow(
      "ln (tiny.lmg:4) needs 8 × 1 × 1 workgroups; the device allows 1 along an axis",
    );
  });

  test("a buffer that is larger than the device allows is named with its size", async () => {
    const limited = new Proxy(device, {
      get: (target, key) => {
        if (key === "limits") return { maxBufferSize: 128, maxStorageBufferBindingSize: 128 };
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    await expect(module.createModel(limited, parameters)).rejects.toThrow(
      "wte.weight needs 160 bytes, the device allows buffers of 128",
    );
  });
});
