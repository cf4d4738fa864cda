import { existsSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, lmg, mistake, put } from "./harness.ts";

inFolder({
  "tiny.lmg": `model tiny(vocab = 28, dim = 8, ctx = 8) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2)
    batch 2
    steps 3
    seed 1
  }
}
`,
  "text.txt": "the quick brown fox jumps over the lazy dog. ".repeat(40),
});

const into = (folder: string, ...more: string[]): string[] => [
  ...["train", "tiny.lmg", "--data", "text.txt", "--set", "vocab=28", "-o", folder],
  ...more,
];

async function done(...args: string[]): Promise<string> {
  const { code, text, notes } = await lmg(...args);
  if (code !== 0) throw new Error(notes);
  return text;
}

test("a run does not write over files that it did not make", async () => {
  for (const name of ["model.safetensors", "tokenizer.json", "report.html"]) {
    put(`published/${name}`, "mine");
    expect(await mistake(...into("published"))).toBe(
      `error[E858]: \`published\` holds no run, but has \`${name}\`, which a run would write over\n` +
        "  help: train into another folder with -o",
    );
    expect(readFileSync(`published/${name}`, "utf8")).toBe("mine");
    rmSync(`published/${name}`);
  }
  put("published/notes.txt", "mine");
  await done(...into("published"));
});

test("a run that has lost its checkpoint is not begun anew over what it left", async () => {
  await done(...into("lost"));
  const weights = readFileSync("lost/model.safetensors");
  rmSync("lost/checkpoint.safetensors");
  expect(await mistake(...into("lost"))).toBe(
    "error[E858]: `lost` holds a run without its checkpoint.safetensors, so it cannot go on\n" +
      "  help: put the file back, begin a new run in another folder with -o, or remove this one",
  );
  expect(readFileSync("lost/model.safetensors").equals(weights)).toBe(true);
  // As a run leaves it that was killed before its first checkpoint.
  rmSync("lost/metrics.jsonl");
  await done(...into("lost"));
});

test("a damaged checkpoint says what can be done", async () => {
  await done(...into("damaged"));
  put("damaged/checkpoint.safetensors", readFileSync("damaged/checkpoint.safetensors").subarray(0, 100));
  expect(await mistake(...into("damaged"))).toMatch(
    /^error\[E701\]: damaged\/checkpoint.safetensors: the file is truncated: .*\n {2}help: put a copy of it back; or begin a new run with -o in another folder, with --weights damaged\/model.safetensors from where this one was$/,
  );
});

test("weights that were moved away come back with the same command, also after the last step", async () => {
  await done(...into("moved"));
  const weights = readFileSync("moved/model.safetensors");
  rmSync("moved/model.safetensors");
  await done(...into("moved"));
  expect(readFileSync("moved/model.safetensors").equals(weights)).toBe(true);
});

test("a run that is over says nothing of how a shorter one would have ended", async () => {
  await done(...into("over"));
  const { text, notes } = await lmg(...into("over", "--steps", "2"));
  expect(text).toContain("the run ended after step 3; a larger --steps goes on from there\n");
  expect(notes).toBe("");
});

test("a lock that was left empty counts for the moment that writing one takes", async () => {
  put("empty/.lock", "");
  expect(await mistake(...into("empty"))).toContain("error[E857]: another process trains into `empty`");
  const aMinuteAgo = Date.now() / 1000 - 60;
  utimesSync("empty/.lock", aMinuteAgo, aMinuteAgo);
  await done(...into("empty"));
  expect(existsSync("empty/.lock")).toBe(false);
});

test("a path that leads nowhere is a mistake, whatever the system calls it", async () => {
  expect(await mistake(...into("text.txt"))).toBe(
    "error[E700]: cannot write `text.txt`: it is a file, and a run needs a folder",
  );
  expect(await mistake(...into("text.txt/run"))).toBe(
    "error[E700]: cannot write `text.txt/run`: a part of the path is not a folder",
  );
  symlinkSync("here", "there");
  symlinkSync("there", "here");
  expect(await mistake(...into("here"))).toBe(
    "error[E700]: cannot write `here`: its links lead back to itself",
  );
  expect(await mistake("run", "here", "--random", "0")).toBe(
    "error[E700]: cannot read `here`: its links lead back to itself",
  );
  const long = "x".repeat(300);
  expect(await mistake(...into("never", "--tokenizer", long))).toBe(
    `error[E700]: cannot read \`${long}\`: the path is too long`,
  );
  expect(existsSync("never")).toBe(false);
});
