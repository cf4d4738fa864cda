import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { RandomStream } from "../../src/tensor/random.ts";
import { folderWithCommand } from "./bundled.ts";

// `LMG_KILLS=20 npx vitest run test/cli/study-killed.test.ts` kills it twenty times.
const KILLS = Number(process.env["LMG_KILLS"] ?? 2);

const model = `model tiny(kind: pre | post = pre, vocab, dim = 8, ctx = 8) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  residual kind ln: layernorm { mlp: linear(2 * dim) -> relu -> proj: linear(dim) }
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2)
    batch 4
    steps 80
  }
}
`;

const RUNS = 4;
const STEPS = 80;

const at = folderWithCommand({
  "tiny.lmg": model,
  "text.txt": readFileSync(new URL("../../src/README.md", import.meta.url), "utf8").slice(0, 4000),
});

function start(study: string, jobs: number) {
  const grid = ["--set", "kind=pre,post", "--lr", "1e-3,1e-2"];
  const line = ["lmg.mjs", "study", "tiny.lmg", ...grid, "--data", "text.txt", "-o", study];
  const child = spawn(process.execPath, [...line, "--jobs", String(jobs), "--checkpoint-every", "9"], {
    cwd: at(),
    env: { ...process.env, FORCE_COLOR: "0" },
  });
  const out = { text: "", notes: "" };
  child.stdout.on("data", (text: Buffer) => (out.text += text.toString()));
  child.stderr.on("data", (text: Buffer) => (out.notes += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, out, ended };
}

const runsOf = (study: string): readonly string[] =>
  existsSync(at(study, "runs")) ? readdirSync(at(study, "runs")).sort() : [];

const stepsIn = (study: string): number =>
  runsOf(study).reduce((sum, run) => {
    const path = at(study, "runs", run, "metrics.jsonl");
    return sum + (existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0);
  }, 0);

/** Every file of a study whose bits must not depend on how it was made; metrics without what the clock says. */
function bitsOf(study: string): Readonly<Record<string, string>> {
  const files = [
    ...["result.json", "checkpoint.safetensors", "model.safetensors"],
    ...["telemetry.f32", "telemetry.json"],
  ];
  const own = runsOf(study).flatMap((run) => [
    ...files.map((file): [string, string] => [
      `${run}/${file}`,
      readFileSync(at(study, "runs", run, file)).toString("base64"),
    ]),
    [
      `${run}/metrics.jsonl`,
      readFileSync(at(study, "runs", run, "metrics.jsonl"), "utf8").replace(
        /,"[a-z_]*second[a-z]*":[^,}]*/g,
        "",
      ),
    ] as [string, string],
  ]);
  const summaries = ["summary.csv", "summary.json"].map((file): [string, string] => [
    file,
    readFileSync(at(study, file), "utf8"),
  ]);
  return Object.fromEntries([...own, ...summaries]);
}

/** The runs that a process said it had made. */
const madeIn = ({ notes }: { readonly notes: string }): readonly string[] =>
  [...notes.matchAll(/^\d+ of \d+ {2}([^:]+):/gm)].map(([, name]) => name!);

test(`a study that is killed ${KILLS} times ends with the bits of one that was not, which two started at once made`, async () => {
  // Two processes, one of them with two workers: each run is made by one of them, and both end with the table of all.
  const both = [start("whole", 1), start("whole", 2)];
  for (const { ended, out } of both) expect(await ended, out.notes).toBe(0);
  expect(both.flatMap(({ out }) => madeIn(out)).sort()).toEqual(runsOf("whole"));
  expect(runsOf("whole")).toHaveLength(RUNS);
  for (const { out } of both) expect(out.text).toContain(`${RUNS} of ${RUNS} runs of ${STEPS} steps`);

  const random = new RandomStream(1, "moments");
  const share = (RUNS * STEPS) / (KILLS + 1);
  for (let kill = 0; kill < KILLS; kill++) {
    // Workers end with the study that is killed; the one process of a study without them ends at once.
    const { child, out, ended } = start("killed", kill === 1 ? 2 : 1);
    const state = { over: false };
    void ended.then(() => (state.over = true));
    const moment = Math.round(share * (kill + random.uniform()));
    while (stepsIn("killed") < moment && !state.over) await setTimeout(5);
    expect(state.over, out.notes).toBe(false);
    child.kill("SIGKILL");
    await ended;
  }
  const last = start("killed", 1);
  expect(await last.ended, last.out.notes).toBe(0);
  expect(bitsOf("killed")).toEqual(bitsOf("whole"));
}, 120_000);

test("workers have a core each: they run in one thread, as nothing else is said", async () => {
  const { ended, out } = start("threads", 2);
  expect(await ended, out.notes).toBe(0);
  for (const run of runsOf("threads"))
    expect(readFileSync(at("threads", "runs", run, "run.json"), "utf8")).toContain(" --threads 1");
});
