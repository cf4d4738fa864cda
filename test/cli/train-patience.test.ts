import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/checkpoint/npy.ts";
import { escapeText } from "../../src/report/escape.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import type { EvaluationLine } from "../../src/train/lines.ts";
import { inFolder, lmg, mistake, output, trainableModel } from "./harness.ts";

const STEPS = 14;
/** At this rate the loss soon grows again. */
const wild = ["batch 2", `steps ${STEPS}`, "seed 1"];

inFolder({
  "tiny.lmg": trainableModel("tiny", ...wild),
  "patient.lmg": trainableModel("patient", ...wild, "patience 3"),
  "hasty.lmg": trainableModel("hasty", ...wild, "patience 0"),
  "bare.lmg": trainableModel("bare", ...wild)
    .replace("unembed(wte)\n  output logits: f32[B, T, vocab]", "output h: f32[B, T, dim]")
    .replace("loss (logits, next)", "loss (h -> unembed(wte), next)"),
  "both.lmg": trainableModel("both", ...wild).replace(
    "unembed(wte)",
    "attention(2, causal: false)\n  unembed(wte)",
  ),
  "pixels.lmg": `model pixels {
  input x: f32[B, 6]
  fc: linear(3)
  output logits: f32[B, 3]
  train {
    target label: i32[B]
    loss (logits, label) -> cross_entropy
    optimizer adam(lr: 1e-2)
    batch 2
    steps 2
  }
}
`,
  "x.npy": writeNpy(hostTensor("f32", [8, 6], new Float64Array(48))),
  "label.npy": writeNpy(hostTensor("i32", [8], [0, 1, 2, 0, 1, 2, 0, 1])),
  "text.txt": "the quick brown fox jumps over the lazy dog. ".repeat(40),
});

const line = ["--data", "text.txt", "--lr", "3", "--evaluate-every", "1"];

async function train(...args: string[]): Promise<{ readonly text: string; readonly notes: string }> {
  const { code, text, notes } = await lmg("train", ...args);
  if (code !== 0) throw new Error(notes);
  return { text, notes };
}

type Line = Partial<EvaluationLine> & { readonly step: number; readonly loss?: number };

const lines = (run: string): readonly Line[] =>
  readFileSync(`${run}/metrics.jsonl`, "utf8")
    .trimEnd()
    .split("\n")
    .map((text) => JSON.parse(text) as Line);

/** All that a run measured, by step. */
const measured = (run: string) =>
  lines(run).map(({ step, loss, validation }) => [step, loss ?? validation!["loss"]]);

const same = (run: string, other: string, file: string): boolean =>
  readFileSync(`${run}/${file}`).equals(readFileSync(`${other}/${file}`));

describe("patience", () => {
  /** The step after which three evaluations in a row were no better than one before, by a run that has no patience to lose. */
  let end = 0;

  beforeAll(async () => {
    await train("tiny.lmg", ...line, "-o", "whole");
    const losses = lines("whole").flatMap(({ validation }) => validation?.["loss"] ?? []);
    const lasts = losses.map((_, index) => index).filter((index) => index >= 3);
    end =
      lasts.find((index) =>
        losses.slice(index - 2, index + 1).every((loss) => loss >= Math.min(...losses.slice(0, index - 2))),
      )! + 1;
    expect(end).toBeGreaterThan(3);
    expect(end).toBeLessThan(STEPS);
  });

  test("ends a training after so many evaluations without a smaller loss, and keeps the best", async () => {
    const { text } = await train("tiny.lmg", ...line, "-o", "early", "--patience", "3");
    expect(text).toContain(
      `ended after step ${end} of ${STEPS}: 3 evaluations made the validation loss no smaller; a larger --patience goes on from there\n`,
    );
    expect(text).toMatch(
      new RegExp(`at its best, after step ${end - 3}: loss [\\d.]+, in best.safetensors\nwrote early\n$`),
    );
    expect(measured("early")).toEqual(measured("whole").slice(0, 2 * end));
    await train("tiny.lmg", ...line, "-o", "until", "--steps", String(end - 3));
    const best = readFileSync("early/best.safetensors");
    expect(best.equals(readFileSync("until/model.safetensors"))).toBe(true);
    expect(readFileSync("early/report.html", "utf8")).toContain(
      "3 evaluations without a smaller validation loss",
    );
  });

  test("is the same of a run that was put down, and as a line of the section", async () => {
    await train("tiny.lmg", ...line, "-o", "parts", "--patience", "3", "--steps", String(end - 2));
    await train("tiny.lmg", ...line, "-o", "parts", "--patience", "3");
    expect((await train("patient.lmg", ...line, "-o", "said")).text).toContain(`ended after step ${end} of`);
    for (const run of ["parts", "said"]) expect(measured(run), run).toEqual(measured("early"));
    for (const file of ["checkpoint.safetensors", "best.safetensors"])
      expect(same("parts", "early", file), file).toBe(true);
  });

  test("that is over stays so; with more of it, or none, the run goes on to the bits of the whole", async () => {
    expect((await train("early")).text).toContain(`ended after step ${end} of ${STEPS}: 3 evaluations`);
    const { text, notes } = await train("early", "--patience", "off");
    expect(notes).toContain("patience was 3 and is none: the run does not end as it would have\n");
    expect(text).toContain(`goes on after step ${end}\n${STEPS} steps in`);
    expect(measured("early")).toEqual(measured("whole"));
    for (const file of ["model.safetensors", "best.safetensors"])
      expect(same("early", "whole", file), file).toBe(true);
  });
});

describe("samples", () => {
  test("are what `lmg generate` writes with the weights of that moment, and change no bit", async () => {
    const short = ["--data", "text.txt", "--evaluate-every", "1", "--steps", "3"];
    await train("tiny.lmg", ...short, "-o", "silent");
    const { notes } = await train(
      "tiny.lmg",
      ...short,
      "-o",
      "told",
      "--sample",
      "the ",
      "--sample-every",
      "2",
    );
    expect(measured("told")).toEqual(measured("silent"));
    expect(same("told", "silent", "model.safetensors")).toBe(true);
    const samples = lines("told").flatMap(({ step, sample }) =>
      sample === undefined ? [] : [{ step, ...sample }],
    );
    expect(samples.map(({ step, prompt }) => [step, prompt])).toEqual([
      [2, "the "],
      [3, "the "],
    ]);
    const last = samples[1]!.text;
    expect(last).toHaveLength(100);
    const generated = ["--prompt", "the ", "--tokens", "100", "--seed", "1"];
    expect(await output("generate", "told", ...generated)).toBe(`the ${last}\n`);
    expect(notes).toContain(`\nstep 3: validation loss `);
    expect(notes).toContain(`\n  the ${last}\n`);
    const report = readFileSync("told/report.html", "utf8");
    for (const { text } of samples)
      expect(report).toContain(`<pre><code>the ${escapeText(text)}</code></pre>`);
    expect(report).toContain("<summary>1 text before</summary>");
    expect(readFileSync("silent/report.html", "utf8")).not.toContain("What the model wrote");
    expect(await train("told")).toMatchObject({ notes: expect.not.stringContaining("validation") as string });
  });

  test("of a model that cannot be read a few positions at a time are written too", async () => {
    await train("both.lmg", "--data", "text.txt", "--steps", "1", "--sample", "fox", "-o", "both");
    const generated = ["--prompt", "fox", "--tokens", "100", "--seed", "1"];
    const { text } = await lmg("generate", "both", ...generated);
    expect(text).toBe(`fox${lines("both").at(-1)!.sample!.text}\n`);
  });
});

test("what has no evaluations, or writes no texts, is refused before a folder is made", async () => {
  const text = ["--data", "text.txt"];
  const refused = async (...args: string[]) =>
    (await mistake("train", ...args, "-o", "refused")).replace(/^vocab = .*\n/, "");
  const none =
    "there is no validation part\n  help: leave it out, or keep a part of the data with --validation";
  expect(await refused("tiny.lmg", ...text, "--validation", "0", "--sample", "the")).toBe(
    `error[E804]: --sample writes a text at evaluations, and ${none}`,
  );
  expect(await refused("patient.lmg", ...text, "--validation", "0")).toBe(
    `error[E804]: patience compares losses at evaluations, and ${none}`,
  );
  expect(await refused("tiny.lmg", ...text, "--patience", "0")).toContain(
    "--patience expects a whole number",
  );
  expect(await refused("hasty.lmg", ...text)).toContain("error[E568]");
  expect(await refused("tiny.lmg", ...text, "--sample-every", "2")).toBe(
    "error[E804]: --sample-every is for the texts of --sample, and none is asked for\n  help: give a prompt with --sample",
  );
  expect(await refused("tiny.lmg", ...text, "--sample", "")).toContain(
    "error[E818]: the prompt has no tokens",
  );
  expect(await refused("tiny.lmg", ...text, "--sample", "THE")).toContain("`T`");
  expect(await refused("bare.lmg", ...text, "--sample", "the")).toBe(
    "error[E821]: `h` is not over the vocabulary: no token can be drawn from it",
  );
  const arrays = ["--data", "x=x.npy", "--data", "label=label.npy", "--validation", "2"];
  expect(await refused("pixels.lmg", ...arrays, "--sample", "the")).toBe(
    "error[E818]: there is no tokenizer for the prompt: the model trains on arrays\n  help: texts are sampled where --data is a text",
  );
  expect(() => readFileSync("refused/run.json")).toThrow();
});
