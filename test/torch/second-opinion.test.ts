import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { compareStories, Comparison, type Story } from "./second-opinion.ts";

const whale = "examples/weights/whale";
const { logits, greedy } = JSON.parse(readFileSync(`${whale}/golden.json`, "utf8")) as {
  logits: { text: string; shape: number[]; values: number[][] };
  greedy: { prompt: string; greedy_text: string; greedy_min_margin: number }[];
};
const { model } = JSON.parse(readFileSync(`${whale}/tokenizer.json`, "utf8")) as {
  model: { vocab: Record<string, number> };
};
const idsOf = (text: string): number[] => Array.from(text, (letter) => model.vocab[letter]!);

const folder = mkdtempSync(join(tmpdir(), "lmg-opinion-"));
afterAll(() => rmSync(folder, { recursive: true }));
cpSync(whale, folder, { recursive: true });

/** What is said of the shipped model beside these stories, and how many of the comparisons differ. */
async function opinionOf(...cases: readonly Story[]) {
  writeFileSync(join(folder, "golden.json"), JSON.stringify({ cases }));
  const lines: string[] = [];
  const comparison = new Comparison((line) => lines.push(line));
  await compareStories(folder, false, comparison);
  return { lines, compared: comparison.compared, different: comparison.different };
}

const { prompt, greedy_text, greedy_min_margin } = greedy[0]!;
const text: Story = {
  prompt,
  tokens: idsOf(prompt),
  greedy_min_margin,
  // The script generates 64 tokens.
  greedy_text: prompt + greedy_text.slice(0, 64),
};
const numbers: Story = {
  prompt: logits.text,
  tokens: idsOf(logits.text),
  logits_shape: logits.shape,
  logits: logits.values.flat(),
};

test("the second opinion finds that the shipped model agrees with PyTorch", async () => {
  const { lines, compared, different } = await opinionOf(text, numbers);
  expect(different, lines.join("\n")).toBe(0);
  // A text, and the logits by the interpreter twice and by the plan.
  expect(compared).toBe(4);
});

test("the second opinion tells another text and another number", async () => {
  const { lines, different } = await opinionOf(
    { ...text, greedy_text: "Call me Ahab" },
    { ...numbers, logits: numbers.logits!.with(0, numbers.logits![0]! + 1e-3) },
  );
  expect(different).toBe(4);
  expect(lines.filter((line) => line.startsWith("DIFFERS")).length).toBe(4);
  expect(lines.join("\n")).toContain('expected "Call me Ahab"');
});
