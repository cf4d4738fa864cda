import { PassThrough } from "node:stream";
import { afterEach, expect, test, vi } from "vitest";
import { commandLine } from "../../src/cli/train/command-line.ts";
import { TextOut } from "../../src/cli/out.ts";
import { showProgress } from "../../src/cli/train/progress.ts";

afterEach(() => vi.useRealTimers());

test("where no terminal is, a line is written every ten seconds", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const out = new TextOut();
  const progress = showProgress(out, 100, 0);
  for (let step = 1; step <= 25; step++) {
    vi.advanceTimersByTime(1000);
    progress.step(step, `loss ${step}`);
  }
  progress.line("step 25: validation loss 3");
  progress.close();
  expect(out.notes).toBe("step 10 of 100: loss 10\nstep 20 of 100: loss 20\nstep 25: validation loss 3\n");
});

test("a terminal has a bar, and lines above it", () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120, rows: 40 });
  const out = Object.assign(new TextOut(), { terminal: stream as unknown as NodeJS.WriteStream });
  const progress = showProgress(out, 4, 1);
  progress.step(3, "loss 2.5");
  progress.line("step 3: validation loss 3");
  progress.close();
  progress.close();
  const text = (stream.read() as Buffer).toString();
  expect(text).toContain("step 3: validation loss 3\n");
  expect(text).toContain(`${"█".repeat(18)}${"░".repeat(6)} 3/4 loss 2.5`);
  expect(out.notes).toBe("");
});

test("a run's command is the line to type again", () => {
  const options = {
    tokenizer: "characters",
    checkpointEvery: "500",
    target: "wasm",
  } as const;
  const data = ["image=it's here.idx", "label=y.npy"];
  expect(commandLine("my model.lmg", { ...options, data, lr: "3e-4" })).toBe(
    "lmg train 'my model.lmg' --data 'image=it'\\''s here.idx' --data label=y.npy --lr 3e-4 --checkpoint-every 500",
  );
});
