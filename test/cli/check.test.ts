import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { inFolder, lmg, mistake, output } from "./harness.ts";

const layer = "residual pre ln: layernorm { mlp: ffn(16) }";

inFolder({
  "stack.lmg": `model stack(depth = 4) {
  input x: f32[B, 8]
  repeat depth as h { ${layer} }
  output y
}
model same(depth = 4) { input x: f32[B, 8]; i: stack(depth: depth); output y }
`,
  "quiet.lmg": `model quiet { allow no_final_norm; input x: f32[B, 8]; repeat 4 as h { ${layer} }; output y }`,
  "wrong.lmg": "model wrong { allow nothing; input x: f32[B, 8]; output y }",
});

test("a warning stands on standard error beside what the model is, and is no failure", async () => {
  const { code, text, notes } = await lmg("check", "stack.lmg", "--model", "stack");
  expect(code).toBe(0);
  expect(text).toContain("stack is well-formed");
  expect(notes).toContain("stack.lmg:3:23: warning[W301]: 4 edges add to this stream");
});

test("settings change what is found", async () => {
  expect(await output("check", "stack.lmg", "--model", "stack", "--set", "depth=3")).toContain("well-formed");
});

test("what a model calls is judged where it stands, and told once", async () => {
  const { notes } = await lmg("check", "stack.lmg");
  expect(notes.match(/W301/g)).toHaveLength(2);
  expect(notes).toContain("called here");
});

test("a file silences a warning; a name that is none is a mistake", async () => {
  expect(await output("check", "quiet.lmg")).toContain("well-formed");
  expect(await mistake("check", "wrong.lmg")).toContain("error[E532]: there is no lint called `nothing`");
});

test("other commands do not lint", async () => {
  expect(await output("edges", "stack.lmg", "--model", "stack")).toContain("4 residual edges");
});

test.each(["webgpu/block.lmg", "train/digits.lmg"])(
  "the model of the benchmarks in %s is well-formed",
  async (name) => {
    const path = fileURLToPath(new URL(`../bench/${name}`, import.meta.url));
    // The benchmarks are a package of their own, whose models use the examples.
    expect(await output("check", path, "--allow-outside")).toContain("is well-formed");
  },
);
