import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { inFolder, lmg } from "./harness.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

inFolder({});

test("the shipped classifier learns the shipped digits", async () => {
  const data = ["image", "label"].flatMap((name) => [
    "--data",
    `${name}=${example(`data/digits-${name}s.idx.gz`)}`,
  ]);
  const line = ["train", example("digits.lmg"), ...data, "--validation", "2000", "-o", "run"];
  const { code, text, notes } = await lmg(...line);
  expect(code, notes).toBe(0);
  expect(text).toContain("8,000 rows for training, 2,000 for validation");
  const [, accuracy] = /validation at the end: loss [\d.]+, accuracy ([\d.]+)/.exec(text) ?? [];
  // Ten seeds ended at 0.971 to 0.986: below 0.97 something is wrong, however the functions of this machine round.
  expect(Number(accuracy)).toBeGreaterThan(0.97);
});
