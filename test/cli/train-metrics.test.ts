import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MetricsFile } from "../../src/cli/train/metrics-file.ts";
import { bestOf, isEvaluation } from "../../src/train/lines.ts";
import { showDuration } from "../../src/cli/train/words.ts";
import { inFolder, put } from "./harness.ts";

inFolder({});

const step = (number: number) => ({ step: number, loss: 2, gradient_norm: 1, lr: 0.1, seconds: number });
const evaluation = (number: number, loss: number) => ({
  step: number,
  validation: { loss },
  batches: null,
  seconds: number,
});

const content = (): string => readFileSync("metrics.jsonl", "utf8");

test("lines after the step that a run goes on from are cut, and a last one that is not whole", () => {
  const lines = [step(1), step(2), evaluation(2, 3), step(3)].map((line) => `${JSON.stringify(line)}\n`);
  put("metrics.jsonl", `${lines.join("")}{"step":4,"lo`);
  const whole = new MetricsFile("metrics.jsonl", 9);
  expect(whole.lines.map((line) => line.step)).toEqual([1, 2, 2, 3]);
  whole.close();
  const part = new MetricsFile("metrics.jsonl", 2);
  expect(content()).toBe(lines.slice(0, 3).join(""));
  part.add(step(3));
  part.close();
  expect(content()).toBe(lines.join(""));
});

test("a loss of NaN is null in the file, NaN for those who read it, and no best one", () => {
  const file = new MetricsFile("metrics.jsonl", 0);
  for (const [index, loss] of [NaN, 3, 2, 2, NaN].entries()) file.add(evaluation(index + 1, loss));
  file.close();
  expect(content()).toContain('{"step":1,"validation":{"loss":null},"batches":null,"seconds":1}\n');
  const { lines } = new MetricsFile("metrics.jsonl", 5);
  expect(lines[0]).toEqual(evaluation(1, NaN));
  expect(bestOf(lines.filter(isEvaluation))?.step).toBe(3);
});

test("durations are short to read", () => {
  expect([0.04, 9.9, 9.96, 59.4, 61, 3599.6, 7380].map(showDuration)).toEqual([
    "0.0 s",
    "9.9 s",
    "10 s",
    "59 s",
    "1 min 01 s",
    "1 h 00 min",
    "2 h 03 min",
  ]);
});
