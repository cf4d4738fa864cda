import { describe, expect, test } from "vitest";
import { inFolder, lmg, mistake, output, tinyModel } from "./harness.ts";

const wide = `model wide(hidden = 1000) {
  input x: f32[B, T, 8]
  up: linear(hidden)
  down: linear(8)
  output y: f32[B, T, 8]
}
`;

const trained = `model trained(hidden = 8) {
  input x: f32[B, 6]
  up: linear(hidden) -> relu
  down: linear(3)
  output logits: f32[B, 3]
  train {
    target y: i32[B]
    loss (logits, y) -> cross_entropy
    optimizer sgd(lr: 0.1)
  }
}
`;

inFolder({
  "trained.lmg": trained,
  "tiny.lmg": tinyModel,
  "wide.lmg": wide,
  "small.json": JSON.stringify({ maxStorageBufferBindingSize: 65536 }),
  "typo.json": JSON.stringify({ maxStorageBufferBindingSise: 1 }),
  "text.json": JSON.stringify({ maxBufferSize: "much" }),
});

describe("`fit` says before any device is asked", () => {
  test("that a model fits, with its dispatches and memory", async () => {
    const text = await output("fit", "tiny.lmg", "--dims", "B=2,T=3");
    expect(text).toMatch(
      /^tiny fits every WebGPU device with B=2, T=3\n {2}\d+ dispatches of \d+ kernels in a run\n {2}.+B of weights on the device, .+B for a run\n$/,
    );
  });

  // 1000 × 33 floats of 4 bytes are 132,000 bytes, 1000 × 16 are 64,000.
  test("which step of which line breaks which limit, and ends with 1", async () => {
    expect(await output("fit", "wide.lmg", "--limits", "small.json", "--dims", "T=16")).toContain(
      "wide fits",
    );
    const notes = await mistake("fit", "wide.lmg", "--limits", "small.json", "--dims", "T=33");
    expect(notes).toBe(
      "error[E833]: up (wide.lmg:3) needs to bind 132,000 bytes of slot 0; maxStorageBufferBindingSize is 65,536 (B=1, T=33)\n" +
        "error[E833]: down (wide.lmg:4) needs to bind 132,000 bytes of slot 0; maxStorageBufferBindingSize is 65,536 (B=1, T=33)\n" +
        "  help: that is more than fits the limits of small.json; smaller --dims may do",
    );
  });

  test("the same as JSON, which stands alone on standard output", async () => {
    const { code, text } = await lmg("fit", "wide.lmg", "--limits", "small.json", "--dims", "T=33", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(text)).toMatchObject({
      model: "wide",
      dims: { B: 1, T: 33 },
      problems: [
        { place: "up (wide.lmg:3)", limit: "maxStorageBufferBindingSize", needs: 132000, allows: 65536 },
        { place: "down (wide.lmg:4)", limit: "maxStorageBufferBindingSize" },
      ],
    });
  });

  test.each([
    [
      "none.json",
      "error[E834]: --limits expects default, adapter or a JSON file; there is no file `none.json`",
    ],
    [
      "typo.json",
      "error[E834]: typo.json: no limit that a model can break is called `maxStorageBufferBindingSise`\n" +
        "  help: did you mean maxStorageBufferBindingSize?",
    ],
    ["text.json", "error[E834]: text.json: maxBufferSize expects a whole number above 0, found `much`"],
  ])("what is wrong with the limits %s", async (file, message) => {
    expect(await mistake("fit", "tiny.lmg", "--limits", file)).toBe(message);
  });
});

test("`plan --target wgsl` lists dispatches, and what fusion saves", async () => {
  const text = await output("plan", "tiny.lmg", "--target", "wgsl", "--dims", "T=4");
  const totals = (name: string): number[] => {
    const line = new RegExp(`^${name}: (\\d+) dispatches of (\\d+) kernels, (\\S+) kB read`, "m").exec(text);
    return line!.slice(1).map(Number);
  };
  const [fused, unfused] = [totals("fused"), totals("unfused")];
  expect(text.match(/^ *\d+ {2}/gm)).toHaveLength(fused[0]!);
  expect(text).toMatch(/^ *1 {2}embedding +\S+ × \S+ .* wte \(tiny\.lmg:4\)$/m);
  expect(fused[0]).toBeLessThan(unfused[0]!);
  expect(fused[2]).toBeLessThan(unfused[2]!);
});

test("`plan --target wgsl --no-fuse` lists the dispatches without fusion; JSON has both", async () => {
  const text = await output("plan", "tiny.lmg", "--target", "wgsl", "--no-fuse");
  const json = await output("plan", "tiny.lmg", "--target", "wgsl", "--json");
  const { unfused } = JSON.parse(json) as { unfused: { dispatches: object[]; bytesMoved: number } };
  expect(text.match(/^ *\d+ {2}/gm)).toHaveLength(unfused.dispatches.length);
  expect(unfused.bytesMoved).toBeGreaterThan(0);
});

test("`fit --train` says what a training step takes, and which limit it breaks", async () => {
  // 6 · 8 + 8 + 8 · 3 + 3 parameters of 4 bytes, and a few numbers that are the same in every step.
  expect(await output("fit", "trained.lmg", "--train", "--dims", "B=32")).toMatch(
    /^\w+ fits every WebGPU device with B=32\n {2}\d+ dispatches of \d+ kernels in a run\n {2}3[3-9]\d B of state on the device, /,
  );
  // 3000 rows of 6 numbers are 72,000 bytes.
  const notes = await mistake("fit", "trained.lmg", "--train", "--limits", "small.json", "--dims", "B=3000");
  expect(notes).toContain("to bind 72,000 bytes");
  expect(notes).toContain("maxStorageBufferBindingSize is 65,536 (B=3000)");
});

describe("`fit --target wasm` says what memory a model takes of this machine", () => {
  const big = ["--set", "hidden=1000"];

  test("the weights that last, those that are brought there, and a run", async () => {
    const text = await output("fit", "wide.lmg", ...big, "--target", "wasm", "--dims", "T=33");
    expect(text).toMatch(
      /^wide as WebAssembly with B=1, T=33\n {2}.+B for its weights, .+B for a run\n {2}.+B more while the weights are brought there; at most .+B at once\n$/,
    );
    const { memory } = JSON.parse(
      (await lmg("fit", "wide.lmg", ...big, "--target", "ts", "--dims", "T=33", "--json")).text,
    ) as { memory: { residentBytes: number; loadBytes: number; runBytes: number } };
    // Two matrices of 8 × 1000 and their biases; a run keeps the wide tensor and gives the output.
    expect(memory.loadBytes).toBe(4 * (2 * 8000 + 1000 + 8));
    expect(memory.residentBytes).toBeGreaterThanOrEqual(memory.loadBytes);
    expect(memory.runBytes).toBeGreaterThanOrEqual(4 * 33 * 1008);
  });

  test("and refuses what addresses of 32 bits do not reach", async () => {
    const notes = await mistake("fit", "wide.lmg", "--set", "hidden=200000000", "--target", "wasm");
    expect(notes).toMatch(
      /^error\[E833\]: WebAssembly needs [\d,]+ bytes in one piece, and addresses 4,294,967,296/,
    );
  });

  test("limits are of a WebGPU device alone", async () => {
    expect(await mistake("fit", "wide.lmg", "--target", "ts", "--limits", "small.json")).toContain("E822");
  });
});
