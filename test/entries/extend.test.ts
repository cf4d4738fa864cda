import { expect, test } from "vitest";
import { compile } from "lmg";
import { checkPasses, lower, parse, printGraph, runPasses, type Graph } from "lmg/ir";
import { irMatchers, nodesOf } from "lmg/testing";
import { readFileSync } from "node:fs";
import { foldScale, passesWithFoldScale } from "../../examples/extend/fold-scale.ts";
import { oddWidth } from "../../examples/extend/odd-width.ts";

expect.extend(irMatchers);

/** Attention whose model scales q itself, by `factor`. */
const attention = (q: string, more = ""): string => `model scaled(dim = 64, n_heads = 4) {
  input x: f32[B, T, dim]
  residual pre ln: layernorm {
    q = ${q}
    k = k_proj: linear(dim) -> heads(n_heads)
    v = v_proj: linear(dim) -> heads(n_heads)
    (q, k, v) -> attend(causal: true, scale: 1.0) -> merge_heads -> o_proj: linear(dim)
  }${more}
  output y
}`;
const scaled = attention("(q_proj: linear(dim)) * (dim / n_heads) ^ -0.5 -> heads(n_heads)");

const graphOf = (text: string): Graph => lower(parse({ name: "m.lmg", text }).file).model!.graph;

test("a pass of one's own runs among ours and is verified: the scale on q goes into attention, and q, k and v are one product", () => {
  const source = { name: "m.lmg", text: scaled };
  const before = compile(source);
  const after = compile(source, { passes: passesWithFoldScale });
  expect(before).toMatchIr(`
    linear_epilogue(x: %{{\\d+}}, weight: %q_proj.weight, extras: [%q_proj.bias], epilogue: { add(i0, i1); mul(t0, 0.25) })
    CHECK: fused k_proj v_proj
    CHECK: attend({{.*}}, scale: 1, layout: heads_last)`);
  expect(after).toMatchIr(`
    CHECK-NOT: mul
    CHECK: fused q_proj k_proj v_proj
    CHECK: attend({{.*}}, scale: 0.25, layout: heads_last) {{.*}}fused attend mul`);
  expect(after.remarks.map(({ pass, outcome }) => [pass, outcome])).toContainEqual([
    "fold-scale",
    { kind: "fused", into: "attend (scale 0.25)" },
  ]);
  expect(after.plan!.steps.length).toBe(before.plan!.steps.length - 1);
  expect(checkPasses(graphOf(scaled), { passes: passesWithFoldScale })).toBeUndefined();
});

test.each([
  ["a gain a channel", attention("(q_proj: linear(dim)) * (g: parameter([dim], init: 1)) -> heads(n_heads)")],
  ["something else reads it", attention("(q_proj: linear(dim)) * 0.5 -> heads(n_heads)\n    output q")],
  ["a bias stands between", attention("((q_proj: linear(dim)) * 0.5 + 1.0) -> heads(n_heads)")],
])("the scale stays where it is: %s", (_, text) => {
  const plain = runPasses(graphOf(text), {
    passes: passesWithFoldScale.filter((pass) => pass !== foldScale),
  });
  expect(nodesOf(plain, "attend")).toHaveLength(1);
  expect(printGraph(runPasses(graphOf(text), { passes: passesWithFoldScale }))).toBe(printGraph(plain));
});

test("a lint of one's own is told with its place, and its name silences it", () => {
  const source = { name: "gpt2.lmg", text: readFileSync("examples/gpt2.lmg", "utf8") };
  const { diagnostics } = compile(source, { lints: [oddWidth] });
  expect(diagnostics.map(({ code, message, help }) => ({ code, message, help }))).toMatchInlineSnapshot(`
    [
      {
        "code": "lab/odd-width",
        "help": "50264 is, and the rest may stay unused; or say \`allow odd_width\`",
        "message": "this product is 50257 wide, no multiple of 8",
      },
    ]
  `);
  const text = source.text.replace("output logits", "allow odd_width\n  output logits");
  expect(compile({ ...source, text }, { lints: [oddWidth] }).diagnostics).toEqual([]);
});
