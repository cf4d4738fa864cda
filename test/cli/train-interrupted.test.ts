import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { RandomStream } from "../../src/tensor/random.ts";
import { folderWithCommand } from "./bundled.ts";

const model = `model tiny(vocab, dim = 16, ctx = 16) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  residual pre ln: layernorm { mlp: linear(4 * dim) -> gelu -> dropout(0.1) -> proj: linear(dim) }
  ln_f: layernorm
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2)
    schedule cosine(warmup: 10)
    clip 1.0
    batch 8
    steps 160
    seed 3
    data "text.txt"
  }
}
`;

const STEPS = 160;
const CHECKPOINT_EVERY = 7;
const EVALUATE_EVERY = 20;

const at = folderWithCommand({
  "tiny.lmg": model,
  "text.txt": readFileSync(new URL("../../src/README.md", import.meta.url), "utf8").slice(0, 4000),
});

function start(run: string, every = CHECKPOINT_EVERY, before: readonly string[] = []) {
  const line = ["lmg.mjs", "train", "tiny.lmg", "-o", run, "--checkpoint-every", String(every)];
  const [command, ...args] = [
    ...before,
    process.execPath,
    ...line,
    "--evaluate-every",
    String(EVALUATE_EVERY),
  ] as const;
  const child = spawn(command, args, { cwd: at(), env: { ...process.env, FORCE_COLOR: "0" } });
  const out = { text: "", notes: "" };
  child.stdout.on("data", (text: Buffer) => (out.text += text.toString()));
  child.stderr.on("data", (text: Buffer) => (out.notes += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, out, ended };
}

const read = (run: string, name: string): Buffer => readFileSync(at(run, name));

const linesOf = (run: string): readonly Record<string, unknown>[] =>
  read(run, "metrics.jsonl")
    .toString()
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const stepsIn = (run: string): number =>
  existsSync(at(run, "metrics.jsonl")) ? Math.max(0, ...linesOf(run).map(({ step }) => step as number)) : 0;

/** The metrics without what the clock says. */
const withoutTimes = (run: string) =>
  linesOf(run).map((line) =>
    Object.fromEntries(Object.entries(line).filter(([name]) => !/second/.test(name))),
  );

/** Waits until the run has written so many steps; false if it ended before. */
async function reaches(run: string, steps: number, ended: Promise<unknown>): Promise<boolean> {
  const state = { over: false };
  void ended.then(() => (state.over = true));
  while (!state.over) {
    if (stepsIn(run) >= steps) return true;
    await setTimeout(5);
  }
  return false;
}

const goesOnAfter = ({ text }: { readonly text: string }): number =>
  Number(/goes on after step (\d+)/.exec(text)?.[1] ?? 0);

test("a run that is killed ten times ends with the bits of one that was not", async () => {
  const whole = start("whole");
  expect(await whole.ended, whole.out.notes).toBe(0);
  expect(stepsIn("whole")).toBe(STEPS);

  const random = new RandomStream(1, "moments");
  let reached = 0;
  for (let kill = 0; kill < 10; kill++) {
    const { child, out, ended } = start("killed");
    const moment = Math.min(STEPS - 1, reached + 1 + random.below(2 * CHECKPOINT_EVERY));
    expect(await reaches("killed", moment, ended), out.notes).toBe(true);
    await setTimeout(20 * random.uniform());
    child.kill("SIGKILL");
    expect(await ended, out.notes).toBe(null);
    // No more is lost than the steps since the last checkpoint, the one that was being made among them.
    const from = goesOnAfter(out);
    expect(from).toBeGreaterThan(reached - CHECKPOINT_EVERY - 1);
    // An evaluation that is the best so far is followed by a checkpoint too.
    expect(from % CHECKPOINT_EVERY === 0 || from % EVALUATE_EVERY === 0, String(from)).toBe(true);
    reached = stepsIn("killed");
  }
  const last = start("killed");
  expect(await last.ended, last.out.notes).toBe(0);
  expect(goesOnAfter(last.out)).toBeGreaterThan(reached - CHECKPOINT_EVERY - 1);

  for (const file of ["checkpoint.safetensors", "model.safetensors", "best.safetensors", "tokenizer.json"])
    expect(read("killed", file).equals(read("whole", file)), file).toBe(true);
  expect(withoutTimes("killed")).toEqual(withoutTimes("whole"));
  expect(readdirSync(at("killed")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s ends a run with a checkpoint of the step it was at",
  async (signal) => {
    const { child, out, ended } = start(signal, 1000);
    expect(await reaches(signal, 20, ended), out.notes).toBe(true);
    child.kill(signal);
    expect(await ended, out.notes).toBe(1);
    const steps = stepsIn(signal);
    expect(steps).toBeLessThan(STEPS);
    expect(out.notes).toContain(
      `error[E855]: interrupted after step ${steps} of ${STEPS}; the checkpoint in ${signal} has it\n` +
        "  help: the same command goes on from there\n",
    );
    expect(read(signal, "report.html").toString()).toContain(`interrupted after step ${steps}`);
    const second = start(signal, 1000);
    expect(await second.ended, second.out.notes).toBe(0);
    expect(goesOnAfter(second.out)).toBe(steps);
    expect(read(signal, "checkpoint.safetensors").equals(read("whole", "checkpoint.safetensors"))).toBe(true);
  },
);

test.each(["stdout", "stderr"] as const)(
  "a run that nobody reads any more on %s ends as after Ctrl-C",
  async (stream) => {
    const { child, out, ended } = start(stream, 1000);
    // As `head` does that has its lines.
    child[stream].destroy();
    expect(await ended, out.notes).toBe(1);
    const steps = stepsIn(stream);
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThan(STEPS);
    expect(read(stream, "report.html").toString()).toContain(`interrupted after step ${steps}`);
    const second = start(stream, 1000);
    expect(await second.ended, second.out.notes).toBe(0);
    expect(goesOnAfter(second.out)).toBe(steps);
    expect(read(stream, "checkpoint.safetensors").equals(read("whole", "checkpoint.safetensors"))).toBe(true);
  },
);

test("a checkpoint that cannot be written ends the run, and the one before stays", async () => {
  // Files of this shell's programs end at 8 blocks: less than a checkpoint has.
  const { out, ended } = start("full", 1000, ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh"]);
  expect(await ended, out.notes).toBe(1);
  expect(out.notes).toMatch(
    /error\[E700\]: cannot write `full\/[a-z.]+`: it would be larger than the system allows\n$/,
  );
  expect(readdirSync(at("full")).filter((name) => /tmp$|safetensors$/.test(name))).toEqual([]);
});
