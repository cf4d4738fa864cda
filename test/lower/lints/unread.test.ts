import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lower } from "../../../src/lower/lower.ts";
import { parse } from "../../../src/language/parse.ts";
import { stdSources } from "../../../src/std/std.generated.ts";
import type { LowerOptions } from "../../../src/lower/lower.ts";
import { fixedText } from "../../../src/support/fixes.ts";
import { lowerText } from "../support.ts";
import { codesIn, lintsIn } from "./support.ts";

const block = "block twice(n: int = 2) { input x: [.., D]; a: linear(n) -> b: linear(D) }\n";

/** A file with a model around a body and with parameters. */
const file = (parameters: string, body: string, more = ""): string =>
  `model m(${parameters}) {\n  input x: f32[B, T, 8]\n  ${body}\n  output y\n}\n${more}`;

test("each says what nobody reads, and how it is silenced", () => {
  const text =
    'use "./other.lmg"\nmodel m(dim = 8, depht = 4) {\n  input x: f32[B, T, dim]\n  input mask: bool[B, T]\n' +
    "  let hidden = 4 * dim\n  linear(dim)\n  output y\n}\nblock spare { input x: [.., D]; relu }\n";
  const resolveUse = (): { name: string; text: string } => ({ name: "other.lmg", text: block });
  expect(`\n${lintsIn(text, { resolveUse })}\n`).toMatchInlineSnapshot(`
    "
    model.lmg:1:1: warning[W312]: nothing of this file is called here
      1 | use "./other.lmg"
        | ^^^^^^^^^^^^^^^^^
      help: leave the line out; or say \`allow unread_use\`
    model.lmg:2:18: warning[W307]: nothing reads the parameter \`depht\` of \`m\`
      2 | model m(dim = 8, depht = 4) {
        |                  ^^^^^
      help: leave it out: whoever gives it expects that it changes something; or say \`allow unread_parameter\`
    model.lmg:4:9: warning[W309]: nothing reads the input \`mask\` of \`m\`
      4 |   input mask: bool[B, T]
        |         ^^^^
      help: leave it out: whoever runs the model has to give it; or say \`allow unread_input\`
    model.lmg:5:7: warning[W308]: nothing reads \`hidden\`
      5 |   let hidden = 4 * dim
        |       ^^^^^^
      help: leave the \`let\` out; or say \`allow unread_let\`
    model.lmg:9:7: warning[W311]: nothing in this file calls the block \`spare\`
      9 | block spare { input x: [.., D]; relu }
        |       ^^^^^
      help: leave it out, or put what other files use into a file without a model; or say \`allow unread_block\`
    "
  `);
});

describe("a parameter is read by", () => {
  test.each([
    ["a layer", "n = 8", "linear(n)"],
    ["the dims of an input", "n = 8", "input z: f32[B, n]\n  stream + (z -> unsqueeze(1))"],
    ["the dims of a type that is checked", "n = 8", "relu as z: f32[B, T, n]\n  stream + z"],
    ["a bound of a dim", "n = 8", "input z: f32[B, S <= n, 8]\n  (z -> mean(axis: 1, keep: true)) + stream"],
    ["the default of another one", "n = 8, k = 2 * n", "linear(k)"],
    ["an argument of its own name", "eps = 1e-6", "rmsnorm(eps)"],
    ["the place of a norm", "place = pre", "residual place ln: layernorm { linear(8) }"],
    ["a gain", "gain = 0.5", "residual branch gain { linear(8) }"],
    ["a condition", "flag = true", "if flag { relu }"],
    ["a branch that is not taken", "n = 4", "if 1 == 2 { linear(n) -> linear(8) }"],
    ["the message of an assertion", "n = 4", 'assert 1 == 1, "{n}"'],
    ["a count", "n = 4", "repeat n { relu }"],
    ["a `default`", "std = 0.02", "default linear(init: normal(std: std))\n  linear(8)"],
    [
      "the train section",
      "rate = 1e-3",
      "linear(8)\n  train { loss stream -> mean; optimizer sgd(lr: rate) }",
    ],
    ["a word's choice", "kind: first | last = first", "if kind == first { relu }"],
    ["a layer's place", "act: layer = relu", "stream -> act"],
  ])("%s", (_, parameters, body) => {
    expect(codesIn(file(parameters, body))).toEqual([]);
  });

  test.each([
    ["a label", "n = 8", "n: linear(8)"],
    ["the name of an argument", "eps = 1e-6", "rmsnorm(eps: 1e-5)"],
    ["what is bound again", "n = 8", "n = relu\n  stream -> tanh"],
    ["a key of a config", "n = 8", "config { n = hidden_size }\n  relu"],
  ])("not by %s", (_, parameters, body) => {
    expect(codesIn(file(parameters, body))).toContain("W307 1");
  });

  test("its block, wherever it stands, and told once of a file with several models", () => {
    const two = `model a { input x: f32[B, 8]; t: odd; output y }\nmodel b { input x: f32[B, 8]; t: odd; output y }\n`;
    const odd = "block odd(n: int = 2) { input x: [.., D]; relu }\n";
    expect(codesIn(`${two}${odd}`)).toEqual(["W307 3"]);
    expect(codesIn(`${two}${odd}`, { model: "b" })).toEqual(["W307 3"]);
  });

  test("a library's are the library's", () => {
    const resolveUse = (): { name: string; text: string } => ({
      name: "other.lmg",
      text: "block odd(n: int = 2) { input x: [.., D]; let k = 2; relu }\n",
    });
    expect(lintsIn(`use "./other.lmg"\n${file("", "t: odd")}`, { resolveUse })).toBe("");
  });
});

test.each([
  ["a layer's place", "let f = gelu\n  stream -> f"],
  ["another `let`", "let n = 4\n  let k = 2 * n\n  linear(k) -> linear(8)"],
  ["a branch that is not taken", "let n = 4\n  if 1 == 2 { linear(n) -> linear(8) }"],
])("a `let` is read by %s", (_, body) => {
  expect(codesIn(file("", body))).toEqual([]);
});

test("a `let` in braces, and one that another name stands for", () => {
  expect(codesIn(file("", "repeat 2 as [i] {\n    let k = 3\n    relu\n  }"))).toEqual(["W308 4"]);
  expect(codesIn(file("", "let k = 3\n  k: linear(8)"))).toEqual(["W308 3"]);
});

test.each([
  ["in the same braces", "let k = 2\n  let k = 8\n  linear(k)", ["W308 3"]],
  ["in a repeat", "let k = 2\n  repeat 2 {\n    let k = 8\n    linear(k)\n  }", ["W308 3"]],
  ["twice", "let k = 2\n  let k = 3\n  residual { let k = 8\n  linear(k) }", ["W308 3", "W308 4"]],
])("a `let` is not read where another one of its name stands for it: %s", (_, body, codes) => {
  expect(codesIn(file("", body))).toEqual(codes);
});

test.each([
  ["the other one", "let k = 4\n  let k = 2 * k\n  linear(k)"],
  ["what stands before the other", "let k = 8\n  linear(k)\n  let k = 8\n  linear(k)"],
  [
    "what follows a branch that may be left out",
    "let k = 8\n  if 1 == 2 { let k = 4; linear(k) -> linear(8) }\n  linear(k)",
  ],
  ["the other branch", "let k = 8\n  if 1 == 2 { let k = 4; linear(k) -> linear(8) } else { linear(k) }"],
  ["the next iteration", "let k = 8\n  repeat 2 { linear(k) -> linear(8); let k = 4 }"],
])("a `let` that another one of its name follows is read by %s", (_, body) => {
  expect(codesIn(file("", body))).toEqual([]);
});

describe("an input is read by", () => {
  test.each([
    ["its name", "input z: f32[B, T, 8]\n  stream + z"],
    ["a dim that it binds", "input z: f32[S]\n  if 1 == 2 { relu as q: f32[S] }"],
    [
      "a loss",
      "input z: f32[B, T, 8]\n  linear(8)\n  train { loss (stream, z) -> mean_squared_error; optimizer sgd(lr: 1) }",
    ],
    ["an edge", "input z: f32[B, T, 8]\n  residual from z { relu }"],
    ["the output of its name", "input z: f32[B, T, 8]\n  output z"],
  ])("%s", (_, body) => {
    expect(codesIn(file("", body))).not.toContain("W309 3");
  });

  test("not by a dim that another input binds", () => {
    expect(codesIn(file("", "input z: f32[B, T]\n  relu as q: f32[B, T, 8]\n  stream + q"))).toEqual([
      "W309 3",
    ]);
  });

  test("the stream, if it is the first", () => {
    expect(codesIn(file("", "relu"))).toEqual([]);
    const unread = "model m {\n  input x: f32[B, 8]\n  input z: f32[B, 8]\n  z -> relu\n  output y\n}\n";
    expect(codesIn(unread)).toEqual(["W309 2"]);
    expect(codesIn(unread.replace("z -> relu", "if 1 == 2 { relu }\n  z -> relu"))).toEqual([]);
  });

  test("its block", () => {
    const odd = "block odd { input x: [.., D]; input z: [.., D] = 1; relu }\n";
    expect(codesIn(file("", "t: odd", odd))).toEqual(["W309 6"]);
  });
});

describe("a block", () => {
  test("is called by another block, held by a parameter or a `let`, or its name is unread", () => {
    expect(codesIn(file("", "t: twice", block))).toEqual([]);
    expect(codesIn(file("f: layer = twice", "f", block))).toEqual([]);
    expect(codesIn(file("", "let f = twice(n: 3)\n  f", block))).toEqual([]);
    const outer = `block outer { input x: [.., D]; t: twice }\n`;
    expect(codesIn(file("", "t: outer", block + outer))).toEqual([]);
    expect(codesIn(file("", "relu", block + outer))).toEqual(["W311 7"]);
  });

  test("of a file without a model is others' to call", () => {
    const { diagnostics } = lower(parse({ name: "blocks.lmg", text: block }).file, { lint: true });
    expect(diagnostics.map(({ code }) => code)).not.toContain("W311");
  });
});

test("a file that is used for one of its blocks is not told, nor one whose own `use` fails", () => {
  const resolveUse = (path: string): { name: string; text: string } | undefined =>
    path === "./other.lmg"
      ? { name: path, text: `${block}block more { input x: [.., D]; relu }\n` }
      : undefined;
  expect(lintsIn(`use "./other.lmg"\n${file("", "t: more")}`, { resolveUse })).toBe("");
  expect(codesIn(`use "./other.lmg"\n${file("", "relu")}`, { resolveUse })).toEqual(["W312 1"]);
});

test.each([
  ["unread_parameter", file("n = 1", "allow unread_parameter; relu")],
  ["unread_let", file("", "allow unread_let; let k = 3; relu")],
  ["unread_input", file("", "allow unread_input; input z: f32[B]; relu")],
  ["unread_block, in itself", file("", "relu", "block odd { allow unread_block; input x: [.., D]; relu }\n")],
  [
    "unread_parameter, in a block that nothing calls",
    file("", "relu", "block odd(n: int) { allow unread_block, unread_parameter; input x: [.., D]; relu }\n"),
  ],
  ["unread_use, in any definition", `use "./other.lmg"\n${file("", "allow unread_use; relu")}`],
])("`allow` silences %s", (_, text) => {
  const resolveUse = (): { name: string; text: string } => ({ name: "other.lmg", text: block });
  expect(lintsIn(text, { resolveUse })).toBe("");
  const without = text.replace(/allow [a-z_, ]*;/, "").replace("  relu", "  relu ");
  expect(codesIn(without, { resolveUse })).not.toEqual([]);
});

test("an `allow` in one model does not reach into another one", () => {
  const other = "model other(n = 1) { input x: f32[B]; relu; output y }\n";
  expect(codesIn(file("n = 1", "allow unread_parameter; relu", other))).toEqual(["W307 6"]);
});

test.each(stdSources.map(({ name, text }) => [name, text] as const))(
  "std/%s has nothing unread",
  (name, text) => {
    const model = "model m { input x: f32[B, T, 8]; relu; output y }\n";
    expect(codesIn(`${model}${text}`).filter((code) => !code.startsWith("W311"))).toEqual([]);
    expect(name).toMatch(/\.lmg$/);
  },
);

test.each(readdirSync("examples").filter((name) => name.endsWith(".lmg")))("%s warns of nothing", (name) => {
  const text = readFileSync(`examples/${name}`, "utf8");
  const { file: tree } = parse({ name, text });
  for (const { kind, name: model } of tree.definitions)
    if (kind === "model") expect(lintsIn(text, { model: model.text })).toBe("");
});

/** The text with the fixes of its warnings made, one after the other; undefined for the first that has none. */
function mended(text: string, options: LowerOptions = {}): string | undefined {
  const { diagnostics } = lowerText(text, { lint: true, ...options });
  const [first] = diagnostics;
  if (first === undefined) return text;
  const next = fixedText(first.labels[0]!.span.source, first);
  return next === undefined ? undefined : mended(next, options);
}

describe("what nobody reads is left out", () => {
  test.each([
    ["a parameter alone", file("n = 1", "relu"), file("", "relu")],
    ["with a comma behind it", file("n = 1,", "relu"), file("", "relu")],
    ["the first", file("n = 1, k = 8", "linear(k)"), file("k = 8", "linear(k)")],
    ["the last", file("k = 8, n = 1", "linear(k)"), file("k = 8", "linear(k)")],
    [
      "one with its line",
      file("\n  n: int = 1, // of old\n  k = 8, // width\n", "linear(k)"),
      file("\n  k = 8, // width\n", "linear(k)"),
    ],
    [
      "that of a block whose calls give others",
      file("", "t: odd(k: 8)", "block odd(k: int, n = 2) { input x: [.., D]; linear(k) }\n"),
      file("", "t: odd(k: 8)", "block odd(k: int) { input x: [.., D]; linear(k) }\n"),
    ],
    ["a `let` with its line", file("", "let k = 3\n  relu"), file("", "relu")],
    ["and its comment", file("", "let k = 3; // of old\n  relu"), file("", "relu")],
    ["before another statement", file("", "let k = 3; relu"), file("", "relu")],
    ["behind another", file("", "relu; let k = 3"), file("", "relu")],
    ["behind another, with a comment", file("", "relu; let k = 3 // so"), file("", "relu // so")],
    ["behind another, with its own semicolon", file("", "relu; let k = 3;"), file("", "relu;")],
    ["in braces", file("", "repeat 2 { relu; let k = 3 }"), file("", "repeat 2 { relu }")],
    ["over lines", file("", "let k = [\n    3,\n    4,\n  ]\n  relu"), file("", "relu")],
    ["one after the other", file("n = 2", "let k = n\n  let l = k\n  relu"), file("", "relu")],
    ["an input", file("", "input z: bool[B, S]\n  relu"), file("", "relu")],
    [
      "one that began the stream",
      "model m {\n  input x: f32[B, 8]\n  input z: f32[B, 8]\n  z -> relu\n  output y\n}\n",
      "model m {\n  input z: f32[B, 8]\n  z -> relu\n  output y\n}\n",
    ],
  ])("%s", (_, text, without) => {
    expect(mended(text)).toBe(without);
    expect(lintsIn(without)).toBe("");
  });

  test("a file that is used for nothing", () => {
    const resolveUse = (): { name: string; text: string } => ({ name: "other.lmg", text: block });
    expect(mended(`use "./other.lmg" // once\n${file("", "relu")}`, { resolveUse })).toBe(file("", "relu"));
  });

  test.each([
    ["a parameter that a config gives", file("n = 8", "config { n = hidden_size }\n  relu")],
    [
      "one that a call gives by name",
      file("", "t: odd(n: 3)", "block odd(n: int = 2) { input x: [.., D]; relu }\n"),
    ],
    [
      "or where the block is held",
      file("", "let f = odd\n  f(n: 3)", "block odd(n: int = 2) { input x: [.., D]; relu }\n"),
    ],
    ["or in its order", file("", "t: odd(3)", "block odd(n: int) { input x: [.., D]; relu }\n")],
    [
      "an input of a block that is called",
      file("", "t: odd", "block odd { input x: [.., D]; input z: [.., D] = 1; relu }\n"),
    ],
    [
      "the first, of whose dims another is made",
      "model m {\n  input x: f32[B, T, D]\n  input z: f32[B, 2 * D]\n  z -> relu\n  output y\n}\n",
    ],
    [
      "the first, which says how large a dim is",
      "model m {\n  input x: f32[B <= 4, 8]\n  input z: f32[B, 8]\n  z -> relu\n  output y\n}\n",
    ],
  ])("but not %s: more than its place changes", (_, text) => {
    expect(codesIn(text)).toHaveLength(1);
    expect(mended(text)).toBeUndefined();
  });
});
