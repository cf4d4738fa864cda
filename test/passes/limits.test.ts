import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { portableTarget, type Limits, type Target } from "../../src/kernels/target.ts";
import { elementwiseChains } from "../../src/passes/elementwise-chains.ts";
import { fuseAddNorm } from "../../src/passes/fuse-add-norm.ts";
import { linearEpilogues } from "../../src/passes/linear-epilogues.ts";
import type { Pass } from "../../src/passes/pass.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { expectIr } from "../../src/testing/index.ts";
import { panels } from "../plan/targets.ts";
import { graphOf, nodesText, runChecked } from "./helpers.ts";

const withLimits = (limits: Partial<Limits>): Target => ({
  ...portableTarget,
  limits: { ...portableTarget.limits, ...limits },
});

/** The graph's text after a pass, and what the pass refused, for a target with these limits. */
function runFor(limits: Partial<Limits>, pass: Pass, body: string): { text: string; refused: string[] } {
  const { graph, remarks } = runChecked(graphOf(body), [pass], withLimits(limits));
  const refused = remarks.flatMap(({ outcome }) => (outcome.kind === "refused" ? [outcome.message] : []));
  return { text: nodesText(graph), refused };
}

describe("what one kernel takes in is the target's to say", () => {
  const chain = "%p = mul(%x, %f)\n %q = add(%p, %g)\n %y = mul(%q, %row)\n output y = %y";

  test("inputs of a chain", () => {
    expect(runFor({ inputs: 3 }, elementwiseChains, chain).text).toMatchInlineSnapshot(`
      "%p: f32[B, T, 4] = elementwise([%x, %f], program: { mul(i0, i1) })
      %y: f32[B, T, 4] = elementwise([%p, %g, %row], program: { add(i0, i1); mul(t0, i2) })
      output y = %y"
    `);
    expect(runFor({ inputs: 4 }, elementwiseChains, chain).text).toMatchInlineSnapshot(`
      "%y: f32[B, T, 4] = elementwise([%x, %f, %g, %row], program: { mul(i0, i1); add(t0, i2); mul(t1, i3) })
      output y = %y"
    `);
  });

  const product = `%p = linear(x: %x, weight: %a, bias: %bias)\n %q = mul(%p, %row)\n %y = add(%q, %f)
    output y = %y`;

  test("extras of an epilogue, the bias among them", () => {
    expect(runFor({ extras: 2 }, linearEpilogues, product).text).toMatchInlineSnapshot(`
      "%q: f32[B, T, 4] = linear_epilogue(x: %x, weight: %a, extras: [%bias, %row], epilogue: { add(i0, i1); mul(t0, i2) })
      %y: f32[B, T, 4] = add(%q, %f)
      output y = %y"
    `);
    expect(runFor({ extras: 3 }, linearEpilogues, product).text).toMatchInlineSnapshot(`
      "%y: f32[B, T, 4] = linear_epilogue(x: %x, weight: %a, extras: [%bias, %row, %f], epilogue: { add(i0, i1); mul(t0, i2); add(t1, i3) })
      output y = %y"
    `);
  });

  const sum = `%u = tanh(%f)\n %v = abs(%g)\n %w3 = square(%f)\n %uv = add(%u, %v)\n %b3 = add(%uv, %w3)
    %s = add(%x, %b3)\n %n = layer_norm(x: %s, eps: 0.00001)\n output n = %n`;

  test("branches of an edge, and the sentence that says why one more is added before", () => {
    expect(runFor({ branches: 2 }, fuseAddNorm, sum)).toMatchInlineSnapshot(`
      {
        "refused": [
          "a kernel adds at most 2 branches; the first ones are added before",
        ],
        "text": "%u: f32[B, T, 4] = tanh(%f)
      %v: f32[B, T, 4] = abs(%g)
      %w3: f32[B, T, 4] = square(%f)
      %uv: f32[B, T, 4] = add(%u, %v)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%uv, %w3], norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n",
      }
    `);
    expect(runFor({ branches: 5 }, fuseAddNorm, sum)).toMatchInlineSnapshot(`
      {
        "refused": [],
        "text": "%u: f32[B, T, 4] = tanh(%f)
      %v: f32[B, T, 4] = abs(%g)
      %w3: f32[B, T, 4] = square(%f)
      %n: f32[B, T, 4] = add_norm(source: %x, branches: [%u, %v, %w3], norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n",
      }
    `);
  });

  const inTurn = `%s = add(%x, %f)\n %t = add(%s, %g)\n %u = add(%t, %x)\n %n = layer_norm(x: %u, eps: 0.00001)
    output n = %n`;

  test("edges in a row", () => {
    expect(runFor({ branches: 2 }, fuseAddNorm, inTurn).text).toMatchInlineSnapshot(`
      "%s: f32[B, T, 4] = add(%x, %f)
      %n: f32[B, T, 4] = add_norm(source: %s, branches: [%g, %x], order: in_turn, norm: layer, eps: 1e-5, affines: [none], keep_sum: false)
      output n = %n"
    `);
  });
});

describe("compile takes a target", () => {
  const source = {
    name: "m.lmg",
    text: "model m(dim = 6) {\n input x: f32[B, dim]\n residual pre ln: layernorm { up: linear(dim); gelu; down: linear(dim) }\n output y\n}",
  };

  test("its limits go to the passes", () => {
    const { graph } = compile(source, { target: withLimits({ extras: 0 }) });
    expectIr(graph!).toMatchIr("linear(\nCHECK-NOT: linear_epilogue");
    expectIr(compile(source).graph!).toMatchIr("linear_epilogue");
  });

  test("its forms of operands go to the plan", () => {
    const { plan } = compile(source, { target: panels });
    expect(verifyPlan(plan!, new Map([["B", 2]]), panels)).toEqual([]);
    const unlike = verifyPlan(compile(source).plan!, new Map([["B", 2]]), panels);
    expect(unlike).toHaveLength(2);
    for (const problem of unlike) expect(problem).toContain("the operand weight is not in panels of 4");
  });
});
