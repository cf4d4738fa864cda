import { readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, lmg, lmgReading, mistake, put } from "./harness.ts";

const right = `model m(dim = 8, depth = 2) {
  input x: f32[B, dim]
  repeat depth as h { residual pre ln: layernorm { up: linear(4 * dim) -> gelu -> down: linear(dim) } }
  norm: layernorm
  output y: f32[B, dim]
}
`;
const misspelt = right
  .replace("layernorm {", "layernrom {")
  .replace("gelu", "geluu")
  .replace("B, dim]\n}", "B, dmi]\n}");

inFolder({ "right.lmg": right });

const text = (path: string): string => readFileSync(path, "utf8");

test("mistakes with a fix are mended, those that a fix brings to light in their turn, and each is told", async () => {
  put("m.lmg", misspelt);
  const { code, text: said, notes } = await lmg("check", "m.lmg", "--fix");
  expect([code, notes]).toEqual([0, ""]);
  expect(said.split("\n").filter((line) => line.startsWith("mended "))).toEqual([
    "mended m.lmg:3:40: error[E202]: there is no layer called `layernrom`",
    "mended m.lmg:3:75: error[E202]: there is no layer called `geluu`",
    "mended m.lmg:5:20: error[E201]: there is no value called `dmi`",
  ]);
  expect(said).toContain("m.lmg: m is well-formed");
  expect(text("m.lmg")).toBe(right);
});

test("what has no fix is left and told, beside what is mended", async () => {
  put("m.lmg", misspelt.replace("input x: f32[B, dim]", "input x: f32[B, dim]\n  y = linear(-1)"));
  const { code, text: said, notes } = await lmg("check", "m.lmg", "--fix");
  expect(code).toBe(1);
  expect(said).toContain("mended m.lmg:4:40");
  expect(notes).toContain("m.lmg:3:");
  expect(text("m.lmg")).toContain("layernorm");
});

test("a file without a mistake is not written", async () => {
  const before = statSync("right.lmg").mtimeMs;
  expect((await lmg("check", "right.lmg", "--fix")).text).not.toContain("mended");
  expect(statSync("right.lmg").mtimeMs).toBe(before);
});

test("without --fix nothing is written", async () => {
  put("m.lmg", misspelt);
  await lmg("check", "m.lmg");
  expect(text("m.lmg")).toBe(misspelt);
});

test("programs are told as records", async () => {
  put("m.lmg", misspelt);
  const { text: said } = await lmg("check", "m.lmg", "--fix", "--json");
  const { mended, diagnostics } = JSON.parse(said) as {
    mended: { path: string; code: string }[];
    diagnostics: unknown[];
  };
  expect(mended.map(({ path, code }) => [path, code])).toEqual([
    ["m.lmg", "E202"],
    ["m.lmg", "E202"],
    ["m.lmg", "E201"],
  ]);
  expect(diagnostics).toEqual([]);
});

test("standard input is no file to replace", async () => {
  const { code, notes } = await lmgReading(misspelt, "check", "-", "--fix");
  expect(code).toBe(1);
  expect(notes).toContain("error[E826]: --fix replaces files");
});

test("a file that cannot be read is told once", async () => {
  expect((await mistake("check", "none.lmg", "--fix")).match(/error\[/g)).toHaveLength(1);
});
