import { describe, expect, test } from "vitest";
import { signatureHelp } from "../../src/editor/calls.ts";
import { complete } from "../../src/editor/complete.ts";
import { marked, modelOf } from "./marked.ts";

const labels = (text: string): readonly string[] => {
  const { analysis, offset } = marked(text);
  return complete(analysis, offset).map(({ label }) => label);
};

describe("by its place a text is gone on with", () => {
  test.each([
    ["a definition at the top", "mo|", ["model"]],
    ["a statement", modelOf("  resid|"), ["residual"]],
    ["a layer behind an arrow", modelOf("  x -> layern|"), ["layernorm"]],
    ["a layer behind a label", modelOf("  a: unemb|"), ["unembed"]],
    ["a norm in a clause", modelOf("  residual pre ln: rmsn|orm"), ["rmsnorm", "rmsnorm_of_groups"]],
    ["a parameter of the callee", modelOf("  a: linear(4, bi|)"), ["bias"]],
    ["a word of a parameter", modelOf("  a: linear(4, layout: in|)"), ["in_out"]],
    ["a truth", modelOf("  a: linear(4, bias: f|)"), ["false"]],
    ["an initializer", modelOf("  a: linear(4, init: orth|)"), ["orthogonal"]],
    ["a size in a type", "model m(dim = 8) { input x: f32[B, di|] }", ["dim", "div"]],
    ["a type", "model m(dim = 8) { input x: f3| }", ["f32"]],
    ["a kind", "model m(act: la|) { input x: f32[B] }", ["layer", "label"]],
    ["a setting", modelOf("  train {\n    opti|\n  }"), ["optimizer"]],
    ["an optimizer", modelOf("  train {\n    optimizer adamw|\n  }"), ["adamw"]],
    ["a parameter in a config section", modelOf("  config {\n    dep|\n  }"), ["depth"]],
  ])("%s", (_, text, expected) => {
    expect(labels(text)).toEqual(expect.arrayContaining(expected));
    expect(labels(text).every((label) => label.startsWith(expected[0]!.slice(0, 2)))).toBe(true);
  });

  test("nothing in comments, in texts, and behind a number", () => {
    for (const text of ["  // re|", '  assert true, "re|"', "  let a = 3|"])
      expect(labels(modelOf(text))).toEqual([]);
  });
});

test("names are offered where they can be read: bound before, in braces that are open", () => {
  const text = modelOf(
    "  let early = 3\n  repeat 2 { let inner = 4\n linear(inner) }\n  a: linear(|)\n  let late = 5",
  );
  const found = labels(text);
  for (const name of ["early", "dim", "depth", "x", "B"]) expect(found).toContain(name);
  for (const name of ["inner", "late"]) expect(found).not.toContain(name);
});

test("an argument that is given is not offered again; blocks of the file are layers too", () => {
  const { analysis, offset } = marked(modelOf("  a: linear(4, bias: false, |)"));
  const parameters = complete(analysis, offset).filter(({ kind }) => kind === "parameter");
  expect(parameters.map(({ insert }) => insert)).toEqual(["layout: ", "init: "]);
  expect(
    labels(`${modelOf("  x -> twi|")}block twice(by = 2) { input x: [.., D]; linear(by * D) }\n`),
  ).toEqual(["twice"]);
  expect(
    labels(modelOf("  residual pre ln: |"))
      .slice(1, 5)
      .every((label) => /norm|dyt/.test(label)),
  ).toBe(true);
});

test("a parameter of a library's block takes its words", () => {
  const known = modelOf("  residual { attn: attention(2) }\n  a: attention(heads: 2, | )");
  expect(labels(known)).toContain("causal");
});

test("signature help names the argument that is being written, by place or by name", () => {
  const help = (text: string) => {
    const { analysis, offset } = marked(modelOf(text));
    const found = signatureHelp(analysis, offset);
    return (
      found && [found.label, found.active === undefined ? undefined : found.parameters[found.active]!.label]
    );
  };
  const label = "linear(n, bias = true, layout = out_in, init = none)";
  expect(help("  a: linear(|)")).toEqual([label, "n"]);
  expect(help("  a: linear(4, |)")).toEqual([label, "bias = true"]);
  expect(help("  a: linear(4, init: normal(std: |))")).toEqual(["normal(mean, std)", "std"]);
  expect(help("  a: linear(4, layout: |)")).toEqual([label, "layout = out_in"]);
  expect(help("  let a = (1 + |)")).toBeUndefined();
});
