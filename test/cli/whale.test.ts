import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { lmg, inFolder, output } from "./harness.ts";

const repository = process.cwd();
const model = `${repository}/examples/llama.lmg`;
const weights = `${repository}/examples/weights/whale`;

/** What PyTorch computes from the same float16 weights in float64 (`examples/weights/check_whale.py`). */
const golden = JSON.parse(readFileSync(`${weights}/golden.json`, "utf8")) as {
  logits: { text: string; shape: number[]; values: number[][]; f32_maxdiff: number };
  greedy: { prompt: string; greedy_text: string; greedy_min_margin: number }[];
  validation_loss: number;
};

inFolder({});

test.each([
  // PyTorch's own float32 differs by 1.1e-5 of logits up to 20; another order of additions may differ as much again.
  ["the emitted plan", [], 1e-4],
  // The golden values have 7 digits.
  ["the interpreter", ["--interpret"], 2e-5],
] as const)("the logits of the trained model are PyTorch's, by %s", async (_, more, tolerance) => {
  const { text, shape, values } = golden.logits;
  await output("run", model, "--weights", weights, "--prompt", text, "--logits", "logits.npy", ...more);
  const logits = expectValue(readNpy(readFileSync("logits.npy"), "logits.npy"));
  expect(logits.shape).toStrictEqual([1, ...shape]);
  const expected = values.flat();
  expect(expected).toHaveLength(shape[0]! * shape[1]!);
  const difference = Math.max(...expected.map((value, i) => Math.abs(value - logits.data[i]!)));
  expect(difference).toBeLessThan(tolerance);
});

test("the loss that the training ended with is PyTorch's, and what the page says", () => {
  const training = JSON.parse(readFileSync(`${weights}/training.json`, "utf8")) as {
    validation_loss: number;
  };
  // Weights rounded to halves, which have 11 bits; the losses have 4 digits.
  expect(Math.abs(training.validation_loss - golden.validation_loss)).toBeLessThan(1e-3);
  const page = readFileSync(`${weights}/../README.md`, "utf8");
  expect(page).toContain(`by lmg at the end of the run | ${training.validation_loss} |`);
  expect(page).toContain(`(\`check_whale.py\`) | ${golden.validation_loss} |`);
});

test.each(
  golden.greedy.map(
    ({ prompt, greedy_text, greedy_min_margin }) => [prompt, greedy_text, greedy_min_margin] as const,
  ),
)("the text that goes on from %j is PyTorch's", async (prompt, text, margin) => {
  // Logits that differ by less than this could swap: the golden file was made with margins far above float32's error.
  expect(margin).toBeGreaterThan(1e-3);
  const printed = await output(
    "run",
    model,
    "--weights",
    weights,
    "--prompt",
    prompt,
    "--generate",
    String(text.length),
  );
  expect(printed).toBe(`${prompt}${text}\n`);
});

test("`demo` says what it compiled and goes on from a prompt", async () => {
  const { code, text, notes } = await lmg("demo", "--prompt", "Call me ", "--generate", "5");
  expect(code).toBe(0);
  expect(notes).toMatch(/^\n5 characters in \d+\.\d s\n$/);
  expect(text).toBe(
    [
      "examples/llama.lmg, sizes and weights from examples/weights/whale: 674,304 parameters",
      "  8 of 8 residual edges share a kernel with the norms beside them",
      "  fusion: 67 steps → 43, 24.2 MB of activations moved → 17.0 MB (T = 256)",
      "lmg trained it on one novel; it writes, a character at a time:",
      "",
      "Call me from ",
      "",
    ].join("\n"),
  );
});
