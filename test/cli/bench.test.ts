import { describe, expect, test } from "vitest";
import { inFolder, lmg, mistake, output } from "./harness.ts";

const stack = `model stack(dim = 16) {
  input tokens: i32[B, T <= 6]
  wte: embedding(11, dim)
  repeat 3 as h {
    residual pre ln: layernorm { up: linear(2 * dim) -> relu; down: linear(dim) }
  }
  ln_f: layernorm
  output y: f32[B, T, dim]
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
    batch 5
  }
}
`;

inFolder({ "stack.lmg": stack, "trained.lmg": trained });

interface Found {
  readonly ceilings: readonly {
    readonly threads: number;
    readonly flops: number;
    readonly speeds: readonly { readonly bytes: number; readonly read: number; readonly copy: number }[];
  }[];
  readonly targets: readonly {
    readonly target: string;
    readonly threads: number;
    readonly run: Readonly<Record<string, number>>;
    readonly rate: number;
    readonly ratio: Readonly<Record<string, number>>;
    readonly steps: readonly Readonly<Record<string, string | number>>[];
  }[];
}

const found = async (...args: string[]): Promise<Found> =>
  JSON.parse(await output("bench", ...args, "--rounds", "2", "--json")) as Found;

describe("`bench` says of each step", () => {
  // 6 rows of 16 × 32 products and sums, and 32 more for the bias and 32 for relu, in each of 3 layers.
  const up = 3 * 6 * (2 * 16 * 32 + 32 + 32);
  // x, weight and bias are read, the result is written, 4 bytes each; where weights lie in panels, they may be padded.
  const upBytes = 3 * 4 * (6 * 16 + 16 * 32 + 32 + 6 * 32);

  test.each([
    ["ts", 1],
    ["wasm", 1],
    ["wasm", 3],
  ] as const)(
    "what it computes and moves, those of a repeat together: %s, threads: %i",
    async (target, threads) => {
      const given = target === "ts" ? [] : ["--threads", String(threads)];
      const { ceilings, targets } = await found("stack.lmg", "--target", target, ...given);
      expect(ceilings.map((each) => each.threads)).toEqual([threads]);
      expect(ceilings[0]!.flops).toBeGreaterThan(0);
      expect(ceilings[0]!.speeds.every(({ read, copy }) => read > 0 && copy > 0)).toBe(true);
      const [only] = targets;
      expect(only).toMatchObject({ target, threads, ratio: { median: 1, low: 1, high: 1 } });
      expect(only!.run.low).toBeGreaterThan(0);
      expect(only!.rate).toBeCloseTo(6 / only!.run.median!, 6);
      expect(only!.steps.find(({ label }) => label === "h.*.up")).toMatchObject({
        kernel: "linear + relu",
        count: 3,
        flops: up,
      });
      const { bytes } = only!.steps.find(({ label }) => label === "h.*.up")!;
      expect(bytes).toBeGreaterThanOrEqual(upBytes);
      if (target === "ts") expect(bytes).toBe(upBytes);
      const shares = only!.steps.map(({ share }) => share as number);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
    },
  );

  test("the same in every target that is compared, each held against the first", async () => {
    const { targets, ceilings } = await found(
      "stack.lmg",
      "--target",
      "wasm",
      "--compare",
      "ts,wasm",
      "--threads",
      "2",
    );
    expect(targets.map(({ target, threads }) => [target, threads])).toEqual([
      ["wasm", 2],
      ["ts", 1],
    ]);
    expect(ceilings.map(({ threads }) => threads)).toEqual([2, 1]);
    const [wasm, ts] = targets.map(({ steps }) => steps.map(({ label, flops }) => ({ label, flops })));
    expect(wasm).toEqual(ts);
  });

  test("of a training step, with the batch of the model", async () => {
    const { targets, ...head } = await found("trained.lmg", "--train", "--target", "wasm");
    expect(head).toMatchObject({ dims: { B: 5 }, unit: "row", units: 5 });
    expect(targets[0]!.steps.map(({ kernel }) => kernel)).toContain("linear_weight_grad");
  });
});

test("as tables: ceilings, steps, whole runs", async () => {
  const text = await output(
    "bench",
    "stack.lmg",
    "--target",
    "wasm",
    "--compare",
    "ts",
    "--threads",
    "1",
    "--rounds",
    "1",
  );
  const lines = text.split("\n").map((line) => line.replace(/\s+/g, " "));
  expect(lines[0]).toBe("stack; random weights of seed 0, B=1, T=6; 1 round");
  expect(lines).toContain("ceilings of 1 thread");
  expect(lines).toContain("wasm, 1 thread kernel time share GFLOP/s GB/s nearest ceiling");
  expect(lines.filter((line) => /^h\.\*\.up linear \+ relu × 3 [\d.]+ .?s \d+ % /.test(line))).toHaveLength(
    2,
  );
  expect(lines.find((line) => line.startsWith("ts, "))).toMatch(/^ts, 1 thread kernel/);
  expect(text).toMatch(/tokens a second {2}.*time/);
});

describe("what cannot be timed is told", () => {
  test("a target that there is not", async () => {
    expect(await mistake("bench", "stack.lmg", "--compare", "ts,metal")).toContain(
      "error[E841]: --compare expects",
    );
  });

  test.each([
    [["--rounds", "0"], "error[E804]: --rounds expects a whole number from 1 to 10000"],
    [["--dims", "T=7"], "error[E802]: T is at most 6"],
    [["--target", "ts", "--threads", "2"], "error[E822]: --threads is for"],
    [["--weights", "none.safetensors"], "none.safetensors"],
  ])("%j", async (args, message) => {
    expect(await mistake("bench", "stack.lmg", ...args)).toContain(message);
  });

  test("weights for a training, which begins with its own", async () => {
    expect(await mistake("bench", "trained.lmg", "--train", "--random", "0")).toContain("error[E804]");
  });

  test("a training of a model that says no loss, as JSON too", async () => {
    const { code, text } = await lmg("bench", "stack.lmg", "--train", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(text)).toMatchObject({ diagnostics: [{ code: "E850" }] });
  });
});
