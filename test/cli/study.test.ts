import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { TextOut } from "../../src/cli/out.ts";
import { Programs } from "../../src/cli/study/programs.ts";
import { trainDefaults, type TrainOptions } from "../../src/cli/train/options.ts";
import type { PlannedRun } from "../../src/study/grid.ts";
import type { Summary } from "../../src/study/summary.ts";
import { beginningOf } from "../../src/train/trainer.ts";
import { inFolder, lmg, mistake, output, put } from "./harness.ts";

const model = `model tiny(kind: pre | post = pre, vocab, dim = 8, depth = 1, ctx = 8) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  repeat depth as h {
    residual kind ln: layernorm { mlp: linear(2 * dim) -> relu -> proj: linear(dim) }
  }
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2)
    batch 4
    steps 12
  }
}
`;

inFolder({
  "tiny.lmg": model,
  "text.txt": readFileSync(new URL("../../src/README.md", import.meta.url), "utf8").slice(0, 3000),
});

const line = ["study", "tiny.lmg", "--data", "text.txt", "-o", "s", "--jobs", "1"] as const;

test("a study grows by its line, and its folder has tables, a report and runs that every command reads", async () => {
  const dry = await lmg(...line, "--set", "kind=pre,post", "--set", "depth=1", "--dry-run");
  expect(dry.text).toMatch(/^2 runs, 0 made; about .* with 1 worker, [\d.]+ [kM]B in s\n$/);
  expect(existsSync("s")).toBe(false);

  const first = await lmg(...line, "--set", "kind=pre,post", "--set", "depth=1");
  expect(first.code, first.notes).toBe(0);
  expect(first.text).toContain("2 of 2 runs of 12 steps");
  const more = await lmg(...line, "--set", "kind=pre", "--set", "depth=2");
  expect(more.notes).toContain("s: 3 runs, 2 made; 1 worker");
  const summary = JSON.parse(await output("study", "s", "--json")) as Summary;
  expect(summary.rows.map(({ set, made }) => [set["kind"], set["depth"], made])).toEqual([
    ["pre", "1", 1],
    ["post", "1", 1],
    ["pre", "2", 1],
  ]);
  expect(readFileSync("s/summary.csv", "utf8").split("\n")).toHaveLength(5);

  const report = readFileSync("s/report.html", "utf8");
  for (const part of [
    "Loss over the learning rate",
    "Loss over size",
    "Size of the stream after few steps",
    "line 5",
  ])
    expect(report, part).toContain(part);
  const titles = [...readFileSync("s/heat.svg", "utf8").matchAll(/font-weight="600"[^>]*>([^<]*)</g)];
  expect(titles.map(([, title]) => title)).toEqual([expect.stringMatching(/^pre, rate /)]);
  // A study of 90 runs has as many heat maps as placements, and its report 2 MB at most.
  expect(statSync("s/report.html").size).toBeLessThan(300_000);

  const runs = JSON.parse(await output("runs", "s", "--json")) as readonly { readonly steps: number }[];
  expect(runs.map(({ steps }) => steps)).toEqual([12, 12, 12]);
  expect((await lmg("runs", "s", "-o", "curves.html")).notes).toBe("wrote curves.html: 3 runs\n");
  expect(readFileSync("curves.html", "utf8")).toContain("curve pre-d");
  expect(await output("export", "s", "--to", "csv", "-o", "csv")).toBe("wrote 3 runs to csv\n");

  const other = await mistake(...line, "--set", "kind=pre", "--set", "depth=1", "--steps", "5");
  expect(other).toContain(
    "error[E868]: `s` holds another study: its steps is 12, here 5\n  help: name another folder with -o, or remove this one",
  );

  // A text that makes the same placements is one model; another would be taken for more seeds of it.
  put("same.lmg", model.replace("pre | post", "pre | post | out"));
  const grown = await lmg(
    "study",
    "same.lmg",
    ...line.slice(2),
    "--set",
    "kind=pre,post",
    "--set",
    "depth=1",
  );
  expect(grown.code, grown.notes).toBe(0);
  put("wide.lmg", model.replace("linear(2 * dim)", "linear(3 * dim)"));
  const wide = await mistake("study", "wide.lmg", ...line.slice(2), "--set", "kind=pre", "--set", "depth=2");
  expect(wide).toContain(
    "error[E868]: `s` holds another study: its runs of pre, depth 2 are of another text of the model\n  help: name another folder",
  );
});

test("a placement is compiled once for all its rates and seeds, and each run has the bits of that training alone", async () => {
  const grid = ["--set", "kind=pre", "--set", "depth=1", "--lr", "1e-3,1e-2", "--seeds", "2"];
  const study = await lmg("study", "tiny.lmg", "--data", "text.txt", "-o", "t", "--jobs", "1", ...grid);
  expect(study.code, study.notes).toBe(0);
  for (const name of readdirSync("t/runs")) {
    const { rate, seed } = JSON.parse(readFileSync(`t/runs/${name}/result.json`, "utf8")) as PlannedRun;
    const one = ["--set", "kind=pre", "--set", "depth=1", "--lr", String(rate), "--seed", String(seed)];
    const more = ["--evaluate-every", "12", "--telemetry", "10"];
    await lmg("train", "tiny.lmg", "--data", "text.txt", "-o", `alone/${name}`, ...one, ...more);
    for (const file of ["model.safetensors", "telemetry.f32"])
      expect(readFileSync(`t/runs/${name}/${file}`).equals(readFileSync(`alone/${name}/${file}`)), name).toBe(
        true,
      );
  }
});

test("what has no room is compiled for its run alone, and what is kept has one engine", async () => {
  const options = { ...trainDefaults, data: ["text.txt"], telemetry: "off" } as unknown as TrainOptions;
  const cell = (kind: string, rate: number): PlannedRun => ({ set: { kind }, rate, seed: 1, name: "" });
  const out = new TextOut();
  const programOf = (programs: Programs, run: PlannedRun) => programs.of(run, out).read.training.program;

  const roomy = new Programs("tiny.lmg", options);
  const program = programOf(roomy, cell("pre", 1e-3));
  const steps = program.plan.parts.reduce((sum, part) => sum + part.steps.length, 0);
  expect(programOf(roomy, cell("pre", 1e-2))).toBe(program);
  const { read, makeEngine } = roomy.of(cell("pre", 1e-2), out);
  const [first, second] = [beginningOf(read.training), { ...beginningOf(read.training) }];
  const engine = await makeEngine(program, first.state);
  engine.close();
  expect((await makeEngine(program, second.state)).run).toBe(engine.run);
  roomy.close();

  const tight = new Programs("tiny.lmg", options, steps);
  const kept = programOf(tight, cell("pre", 1e-3));
  const passing = programOf(tight, cell("post", 1e-3));
  expect(programOf(tight, cell("post", 1e-2))).not.toBe(passing);
  expect(programOf(tight, cell("pre", 1e-2))).toBe(kept);
  tight.close();
});
