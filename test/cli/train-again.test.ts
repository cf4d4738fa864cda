import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { expect, test } from "vitest";
import { defaultFolder } from "../../src/cli/train/folder.ts";
import { inFolder, lmg, mistake, put, trainableModel } from "./harness.ts";

inFolder({
  "tiny.lmg": trainableModel("tiny", "batch 2", "steps 6", "seed 1", 'data "text.txt"'),
  "text.txt": "the quick brown fox jumps over the lazy dog. ".repeat(40),
});

async function done(...args: string[]): Promise<string> {
  const { code, text, notes } = await lmg(...args);
  if (code !== 0) throw new Error(notes);
  return text;
}

const checkpoint = (folder: string): Buffer => readFileSync(`${folder}/checkpoint.safetensors`);

test("trainings that differ by what --set says have folders of their own", async () => {
  await done("train", "tiny.lmg", "--steps", "1");
  await done("train", "tiny.lmg", "--steps", "1", "--set", "dim=4");
  await done("train", "tiny.lmg", "--steps", "1", "--set", "dim=4", "--set", "ctx=6");
  for (const folder of ["runs/tiny", "runs/tiny,dim=4", "runs/tiny,ctx=6,dim=4"])
    expect(existsSync(`${folder}/checkpoint.safetensors`), folder).toBe(true);
});

test("the order and the blanks of what was set make no other folder; what a path cannot hold is told by a hash", () => {
  expect(defaultFolder("m", ["b= 2", "a=1"])).toBe(defaultFolder("m", ["a =1", "b=2"]));
  expect(defaultFolder("m", ["a=1", "a=2"])).toBe("runs/m,a=2");
  const odd = ["a=../x", "a=.. x", "a=..\\x", `a=${"1".repeat(300)}`, `a=${"1".repeat(301)}`].map((set) =>
    defaultFolder("m", [set]),
  );
  expect(new Set(odd).size).toBe(5);
  for (const folder of odd) expect(folder).toMatch(/^runs\/m,a=[\w.=+-]{1,120},[0-9a-f]{8}$/);
});

test("`lmg train RUN` goes on with a run, wherever it is carried and asked for", async () => {
  const line = ["train", "tiny.lmg", "--set", "dim=4", "--lr", "0.01", "--seed", "3"];
  await done(...line, "-o", "whole");
  await done(...line, "--steps", "2", "-o", "part");
  put("tiny.lmg", "changed since");
  expect(await done("train", "part", "--steps", "4")).toContain("goes on after step 2\n");
  mkdirSync("elsewhere");
  renameSync("part", "elsewhere/moved");
  process.chdir("elsewhere");
  try {
    expect(await done("train", "moved", "--steps", "6")).toContain("goes on after step 4\n");
    expect(await done("train", "moved")).toContain("the run ended after step 6");
  } finally {
    process.chdir("..");
  }
  expect(JSON.parse(readFileSync("elsewhere/moved/run.json", "utf8"))).toMatchObject({ set: { dim: "4" } });
  expect(checkpoint("elsewhere/moved").equals(checkpoint("whole"))).toBe(true);
});

test("a folder without a run, or of one that does not say how it was begun, is refused", async () => {
  mkdirSync("empty");
  expect(await mistake("train", "empty")).toMatch(/^error\[E700\]: `empty` is a folder without run\.json/);
  put("old/run.json", '{"path":"model/m.lmg","model":"m","set":{}}');
  expect(await mistake("train", "old")).toMatch(
    /^error\[E853\]: `old\/run\.json` does not say how the run was begun/,
  );
});
