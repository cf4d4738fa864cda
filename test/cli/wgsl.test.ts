/// <reference types="@webgpu/types" />
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { create } from "webgpu";
import { orThrow, Problem } from "../../src/checkpoint/problem.ts";
import { dawnAdapter } from "../../src/run/dawn.ts";
import { openDevice } from "../../src/run/device.ts";
import type { Engine } from "../../src/run/engine.ts";
import { openEngine } from "../../src/run/engines.ts";
import { randomWeights } from "../../src/run/weights.ts";
import { compile } from "../../src/compile.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { executionDevice } from "../webgpu/device.ts";
import { inFolder, lmg, mistake, output, tinyModel } from "./harness.ts";

const repository = process.cwd();
const llama = `${repository}/examples/llama.lmg`;
const whale = `${repository}/examples/weights/whale`;

/** Shaders compile ten times faster on SwiftShader with this: `test/webgpu/device.ts` says why. */
const dawn = ["--dawn", "disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension"];

const trained = `model copy(vocab = 8, dim = 8) {
  input tokens: i32[B, T <= 6]
  wte: embedding(vocab, dim)
  residual pre ln: layernorm { attn: attention(2, causal: true, rope: rope) -> dropout(0.1) }
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2)
    steps 4
  }
}
`;

inFolder({ "tiny.lmg": tinyModel, "copy.lmg": trained, "text.txt": "abcdefgh".repeat(60) });

let canRun = false;
beforeAll(async () => {
  const device = await executionDevice();
  canRun = device !== undefined;
  device?.destroy();
});

describe("`--target wgsl` where shaders can run", () => {
  test("the shipped model goes on with the same text as in TypeScript", async ({ skip }) => {
    if (!canRun) return skip();
    const args = ["run", llama, "--weights", whale, "--prompt", "The whale", "--generate", "12"];
    const typescript = await output(...args);
    expect(typescript).toHaveLength("The whale".length + 12 + 1);
    expect(await output(...args, "--target", "wgsl", ...dawn)).toBe(typescript);
  });

  test("`compare` runs both targets beside the interpreter and finds no difference", async ({ skip }) => {
    if (!canRun) return skip();
    const text = await output("compare", "tiny.lmg", "--random", "3", "--dims", "B=3,T=5", ...dawn);
    expect(text).toMatch(/^random weights of seed 3; \d+ results of steps, B=3, T=5\n/);
    // Steps that are observed, and the outputs where none is.
    expect(text).toMatch(/^ts +\S+e-\d+ .* none above 0\.0001 +\S+e-\d+$/m);
    expect(text).toMatch(/^wgsl +\S+e-\d+ .* none above 0\.0001 +\S+e-\d+$/m);
  });

  test("`bench` times runs beside those of the CPU, whose steps it knows", async ({ skip }) => {
    if (!canRun) return skip();
    const args = ["bench", "tiny.lmg", "--target", "wgsl", "--compare", "ts", "--rounds", "1", "--json"];
    const { targets } = JSON.parse(await output(...args, ...dawn)) as { targets: [object, object] };
    expect(targets).toMatchObject([
      { target: "wgsl", threads: 0, steps: [], ratio: { median: 1 } },
      { target: "ts", threads: 1 },
    ]);
    // The embedding, the norm before and after each layer, the two layers together, the unembedding.
    expect(targets[1]).toHaveProperty("steps.length", 6);
  });

  test("`train` moves the parameters as in TypeScript, and its checkpoint is the same kind of file", async ({
    skip,
  }) => {
    if (!canRun) return skip();
    const args = ["train", "copy.lmg", "--data", "text.txt", "--batch", "2", "--evaluate-every", "4"];
    const lossesOf = (folder: string): readonly number[] =>
      readFileSync(`${folder}/metrics.jsonl`, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { loss?: number; validation?: { loss: number } })
        .map(({ loss, validation }) => loss ?? validation!.loss);
    expect((await lmg(...args, "-o", "cpu")).code).toBe(0);
    const { text } = await lmg(...args, "-o", "device", "--target", "wgsl", ...dawn);
    expect(text).toMatch(/plan of \d+ steps on \S+/);
    const [found, wanted] = [lossesOf("device"), lossesOf("cpu")];
    expect(found.length).toBeGreaterThanOrEqual(5);
    expect(found.length).toBe(wanted.length);
    // Both are float32; Adam follows the sign of gradients that are near zero.
    found.forEach((loss, index) => expect(Math.abs(loss / wanted[index]! - 1)).toBeLessThan(1e-4));
    expect((await lmg(...args, "-o", "device", "--steps", "6")).text).toContain("goes on after step 4");
  });

  test("an input that does not fit is refused as in TypeScript", async ({ skip }) => {
    if (!canRun) return skip();
    expect(
      await mistake("run", "tiny.lmg", "--random", "1", "--tokens", "99", "--target", "wgsl", ...dawn),
    ).toMatch(/^error\[E814\]: token 99 at position 0 is not in the vocabulary/);
  });

  test("a feature that the adapter lacks is named", async ({ skip }) => {
    if (!canRun) return skip();
    const found = await openDevice(
      dawnAdapter([], () => Promise.resolve({ create })),
      ["no-such-feature"],
    );
    expect((found as Problem).message).toMatch(/^the WebGPU adapter .+ has no no-such-feature$/);
  });

  test("a device that is lost ends the command with its reason", async ({ skip }) => {
    if (!canRun) return skip();
    const devices: GPUDevice[] = [];
    const engine = orThrow(
      await openTiny((device) => {
        devices.push(device);
        return device;
      }),
    );
    devices[0]!.destroy();
    const found = await engine.run(new Map([["tokens", hostTensor("i32", [1, 2], [1, 2])]]));
    expect(found).toBeInstanceOf(Problem);
    expect((found as Problem).message).toMatch(/^the device was lost: /);
    engine.close();
  });

  test("a device that is out of memory ends the command with what it was for", async ({ skip }) => {
    if (!canRun) return skip();
    expect(await openTiny(withoutMemory)).toEqual(
      new Problem("E832", "loading the weights: the device is out of memory. no room"),
    );
  });
});

/** The tiny model with random weights on a device as `wrap` makes it. */
function openTiny(wrap: (device: GPUDevice) => GPUDevice): Promise<Engine | Problem> {
  const { model, plan } = compile({ name: "tiny.lmg", text: tinyModel });
  const load = () => Promise.resolve({ create: (options: string[]) => wrapped(create(options), wrap) });
  return openEngine("wgsl", plan!, randomWeights(model!.graph, 1), {
    adapter: dawnAdapter([dawn[1]!], load),
  });
}

/** A GPU that hands out devices as `wrap` makes them. */
function wrapped(gpu: GPU, wrap: (device: GPUDevice) => GPUDevice): GPU {
  return {
    requestAdapter: async () => {
      const adapter = (await gpu.requestAdapter())!;
      const requestDevice = async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> =>
        wrap(await adapter.requestDevice(descriptor));
      return { info: adapter.info, features: adapter.features, limits: adapter.limits, requestDevice };
    },
  } as unknown as GPU;
}

/** A device that reports every buffer as one for which there was no memory. */
function withoutMemory(device: GPUDevice): GPUDevice {
  const scopes: { readonly filter: GPUErrorFilter; isFull: boolean }[] = [];
  const changed: Partial<GPUDevice> = {
    createBuffer: (descriptor) => {
      for (const scope of scopes) scope.isFull = true;
      return device.createBuffer(descriptor);
    },
    pushErrorScope: (filter) => {
      scopes.push({ filter, isFull: false });
      device.pushErrorScope(filter);
      return undefined;
    },
    popErrorScope: async () => {
      const { filter, isFull } = scopes.pop()!;
      const error = await device.popErrorScope();
      return filter === "out-of-memory" && isFull ? { message: "no room" } : error;
    },
  };
  return new Proxy(device, {
    get: (target, key) => {
      const value: unknown = Reflect.get(Object.hasOwn(changed, key) ? changed : target, key);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

describe("`--target wgsl` where shaders cannot run", () => {
  test("the package is missing", async () => {
    const load = () => Promise.reject(new Error("Cannot find package 'webgpu'\nRequire stack: …"));
    expect(await openDevice(dawnAdapter([], load))).toEqual(
      new Problem(
        "E830",
        "`--target wgsl` runs through the package `webgpu`, which cannot be loaded: Cannot find package 'webgpu'",
        "install it with `npm install webgpu`, or run the module of `lmg compile --target wgsl` in a browser",
      ),
    );
  });

  test("the adapter gives no device", async () => {
    const adapter = {
      info: { description: "Old Card" },
      features: new Set(),
      limits: {},
      requestDevice: () => Promise.reject(new Error("out of handles")),
    };
    const gpu = { requestAdapter: () => Promise.resolve(adapter) } as unknown as GPU;
    const load = () => Promise.resolve({ create: () => gpu });
    expect(await openDevice(dawnAdapter([], load))).toEqual(
      new Problem("E831", "the WebGPU adapter Old Card gives no device: out of handles"),
    );
  });

  // Direct3D is on Windows only, and Metal on macOS only.
  const foreign = process.platform === "win32" ? "backend=metal" : "backend=d3d12";
  const run = ["run", "tiny.lmg", "--random", "1", "--tokens", "1,2", "--target", "wgsl"];

  test("there is no adapter", async () => {
    expect(await mistake(...run, "--dawn", foreign)).toBe(
      `error[E831]: this machine has no WebGPU adapter for ${foreign}\n` +
        "  help: `lmg compile --target wgsl` writes a module that runs in a browser; `--target ts` runs here",
    );
  });

  test.each([
    ["nonsense", "Flags expected argument format is <key>=<value>"],
    ["backend=foo", "unrecognised backend 'foo'"],
  ])("Dawn does not know the option %s", async (option, reason) => {
    expect(await mistake(...run, "--dawn", option)).toBe(`error[E831]: --dawn ${option}: ${reason}`);
  });

  test("weights that do not fit are refused before any device is asked", async () => {
    const notes = await mistake(
      "run",
      "tiny.lmg",
      "--weights",
      whale,
      "--tokens",
      "1",
      "--target",
      "wgsl",
      "--dawn",
      foreign,
      "--ignore-config",
      "*",
    );
    expect(notes).toMatch(/^error\[E7\d\d\]/m);
  });
});

test("`compile --target wgsl` writes a module with its shaders, typed or not", async () => {
  expect(await output("compile", "tiny.lmg", "--target", "wgsl", "-o", "typed")).toMatch(
    /^wrote typed\/tiny\.wgsl\.ts \(/,
  );
  const typed = readFileSync("typed/tiny.wgsl.ts", "utf8");
  expect(typed).toContain("@compute");
  expect(typed).toContain("export async function createModel(device: GPUDevice");
  await output("compile", "tiny.lmg", "--target", "wgsl-js", "-o", "plain");
  expect(readFileSync("plain/tiny.wgsl.js", "utf8")).toContain(
    "export async function createModel(device, source",
  );
});

test("no target writes over the module of another one", async () => {
  for (const target of ["ts", "js", "wgsl", "wgsl-js"])
    await output("compile", "tiny.lmg", "--target", target, "-o", "all");
  expect(readdirSync("all").sort()).toEqual(["tiny.js", "tiny.ts", "tiny.wgsl.js", "tiny.wgsl.ts"]);
});

describe("`compare`", () => {
  test("names the first step that differs by more than allowed, and by how much", async () => {
    const { code, text, notes } = await lmg(
      "compare",
      "tiny.lmg",
      "--random",
      "1",
      "--targets",
      "ts",
      "--tolerance",
      "1e-12",
    );
    expect(code).toBe(1);
    expect(text).toMatch(/^ts +\S+e-\d+ /m);
    expect(notes).toMatch(
      /^error\[E840\]: ts differs from the interpreter, first in .+ \(tiny\.lmg:\d+:\d+\): it has -?\d\S* instead of -?\d\S* at element \d+, \de-\d|\d\.\de-\d+ of the largest element\n$/,
    );
  });

  test("lists every step, and all of it as JSON", async () => {
    const args = ["compare", "tiny.lmg", "--random", "1", "--targets", "ts"];
    const text = await output(...args, "--steps");
    const [column] = JSON.parse(await output(...args, "--json")) as {
      steps: { step: string; relative: number }[];
      outputs: { output: string; relative: number }[];
    }[];
    expect(column!.outputs.map((each) => each.output)).toEqual(["logits"]);
    expect(column!.outputs[0]!.relative).toBeLessThan(1e-5);
    expect(text).toContain("\noutput logits, no step observed ");
    expect(column!.steps.length).toBeGreaterThan(5);
    for (const { step, relative } of column!.steps) {
      expect(text).toContain(`\n${step} `);
      expect(relative).toBeLessThan(1e-5);
    }
  });

  test.each([
    [
      ["--targets", "cuda"],
      "error[E841]: --targets expects wasm, ts, wgsl or several as wasm,ts,wgsl, found `cuda`",
    ],
    [
      ["--targets", "ts", "--tolerance", "x"],
      "error[E804]: --tolerance expects a number of at least 0, found `x`",
    ],
  ])("refuses %j", async (args, message) => {
    expect(await mistake("compare", "tiny.lmg", "--random", "1", ...args)).toBe(message);
  });
});

test("nothing is written where the folder cannot be", async () => {
  await mistake("compile", "tiny.lmg", "--target", "wgsl", "-o", "tiny.lmg/out");
  expect(existsSync("tiny.lmg/out")).toBe(false);
});
