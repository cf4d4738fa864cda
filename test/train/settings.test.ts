import { expect, test } from "vitest";
import { Problem } from "../../src/checkpoint/problem.ts";
import { parse } from "../../src/language/parse.ts";
import { lowerForTraining } from "../../src/train/program.ts";
import { settingsOf, type SettingOverrides } from "../../src/train/settings.ts";
import { classifier } from "./small.ts";

/** The settings of the classifier with these lines instead of its own, on data of ten batches. */
function settings(lines: readonly string[], overrides: SettingOverrides = {}) {
  const [model] = classifier.split("    optimizer");
  const text = `${model!}${lines.map((line) => `    ${line}\n`).join("")}  }\n}\n`;
  const { model: lowered } = lowerForTraining(parse({ name: "model.lmg", text }).file, {});
  return settingsOf(lowered!.train, { perEpoch: 10 }, overrides);
}

const steps = (lines: readonly string[], overrides: SettingOverrides = {}) => {
  const found = settings(["optimizer sgd(lr: 0.5)", ...lines], overrides);
  return found instanceof Problem ? found.code : found.steps;
};

test("steps come from epochs by the batches of the data, several of which may make a step", () => {
  expect(steps(["epochs 3"])).toBe(30);
  expect(steps(["epochs 3", "accumulate 4"])).toBe(6);
  expect(steps(["epochs 3", "accumulate 20"])).toBe(3);
  expect(steps(["steps 7"])).toBe(7);
});

test("what the caller says wins", () => {
  expect(steps(["steps 7"], { epochs: 2 })).toBe(20);
  expect(steps(["epochs 7"], { steps: 2 })).toBe(2);
  const lines = ["optimizer sgd(lr: 0.5)", "steps 7", "seed 3", "clip 2.0", "accumulate 2"];
  expect(settings(lines)).toMatchObject({ rate: 0.5, seed: 3, clip: 2, accumulate: 2 });
  expect(settings(lines, { rate: 1, seed: 0, clip: 4, accumulate: 1 })).toMatchObject({
    rate: 1,
    seed: 0,
    clip: 4,
    accumulate: 1,
  });
});

test("a length and an optimizer are needed", () => {
  expect(steps([])).toBe("E852");
  expect(settings(["steps 3"])).toMatchObject({ code: "E851" });
});
