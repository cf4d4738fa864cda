import { describe, expect, test } from "vitest";
import { codesIn, lintsIn, model } from "./support.ts";

const stack = (clauses: string, after = "head: linear(4)", repeat = "repeat depth as h"): string =>
  model(`  ${repeat} { residual ${clauses} { mlp: ffn(16) } }\n  ${after}\n  output y`);

describe("no_final_norm", () => {
  test("a stack with norms in its branches only, and none before the head", () => {
    expect(`\n${lintsIn(stack("pre ln: layernorm"))}\n`).toMatchInlineSnapshot(`
      "
      model.lmg:3:23: warning[W301]: 6 edges add to this stream, and no norm stands between them and the output \`y\`
        3 |   repeat depth as h { residual pre ln: layernorm { mlp: ffn(16) } }
          |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the last of them
        5 |   output y
          |   ^^^^^^^^ the output
        help: their sum grows with the depth: end the stack with a norm, \`norm: layernorm\`; or say \`allow no_final_norm\`
      "
    `);
  });

  test.each(["out ln: rmsnorm", "sandwich ln: layernorm", "placement ln: layernorm"])(
    "the same with %s",
    (norm) => {
      expect(codesIn(stack(norm))).toEqual(["W301 3"]);
    },
  );

  test.each([
    ["a norm behind the stack", stack("pre ln: layernorm", "ln_f: rmsnorm -> head: linear(4)")],
    [
      "a norm in a block behind the stack",
      model(
        "  repeat depth as h { residual pre ln: layernorm { mlp: ffn(16) } }\n  head: last\n  output y",
        "block last() { input x: [.., D]; relu -> norm: layernorm -> proj: linear(4) }",
      ),
    ],
    [
      "a norm of the stream in an edge behind the stack",
      model(
        "  repeat depth as h { residual pre ln: layernorm { mlp: ffn(16) } }\n  residual post ln_f: layernorm { l: linear(8) }\n  output y",
      ),
    ],
    ["post-norm", stack("post ln: layernorm")],
    ["three edges", stack("pre ln: layernorm", "head: linear(4)", "repeat 3 as h")],
    ["a learned gain that begins small", stack("pre ln: layernorm, branch g: scale([8], init: 1e-5)")],
    ["DyT, which is a block and ends the stack too", stack("pre ln: dyt", "ln_f: dyt -> head: linear(4)")],
    [
      "an output of what an inner layer makes beside one behind the norm",
      model(
        "  repeat depth as h { residual pre ln: layernorm { mlp: ffn(16) } }\n  stream as inner\n  ln_f: layernorm\n  output inner\n  output y",
      ),
    ],
  ])("nothing is said of %s", (_, text) => {
    expect(lintsIn(text)).toBe("");
  });

  test("DyT in the branches only is a stack without a final norm", () => {
    expect(codesIn(stack("pre ln: dyt"))).toEqual(["W301 3"]);
  });
});

describe("deep_post_norm", () => {
  const train = (schedule: string): string => `
  train {
    target t: f32[B, T, 8]
    loss (y, t) -> mean_squared_error
    optimizer adam(lr: 1e-3)
    ${schedule}
  }`;
  const deep = (clauses: string, schedule: string, count = "12"): string =>
    model(`  repeat ${count} as h { residual ${clauses} { mlp: ffn(16) } }\n  output y${train(schedule)}`);

  test("twelve edges, the published model that fails without warmup", () => {
    expect(`\n${lintsIn(deep("post ln: layernorm", ""))}\n`).toMatchInlineSnapshot(`
      "
      model.lmg:3:20: warning[W302]: 12 edges in a row have their norm behind the add, and \`train\` has no warmup
        3 |   repeat 12 as h { residual post ln: layernorm { mlp: ffn(16) } }
          |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the last of them
        help: gradients shrink towards the input of such a stack: \`schedule cosine(warmup: 1000)\`, or a gain on what the edges carry, \`skip (2 * depth) ^ 0.25\` (DeepNorm), or \`pre\` norms; or say \`allow deep_post_norm\`
      "
    `);
    expect(codesIn(deep("post ln: layernorm", "schedule cosine"))).toEqual(["W302 3"]);
  });

  test.each([
    ["a schedule with warmup", deep("post ln: layernorm", "schedule linear(warmup: 10)")],
    ["DeepNorm", deep("post ln: layernorm, skip (2 * depth) ^ 0.25", "")],
    ["fewer edges", deep("post ln: layernorm", "", "11")],
    [
      "pre-norm and a final norm",
      model(
        `  repeat 12 as h { residual pre ln: layernorm { mlp: ffn(16) } }\n  l: layernorm\n  output y${train("")}`,
      ),
    ],
    [
      "a model that is not trained here",
      model("  repeat 12 as h { residual post ln: layernorm { mlp: ffn(16) } }\n  output y"),
    ],
  ])("nothing is said of %s", (_, text) => {
    expect(lintsIn(text)).toBe("");
  });
});

describe("unnormed_branch", () => {
  test("branches of weights, one after the other on a stream without norms", () => {
    expect(`\n${lintsIn(stack(""))}\n`).toMatchInlineSnapshot(`
      "
      model.lmg:3:23: warning[W303]: no norm stands on this branch, in 6 edges in a row
        3 |   repeat depth as h { residual  { mlp: ffn(16) } }
          |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^
        help: each may add as much as there is already, so that the stream grows as a power of the depth: \`residual pre ln: layernorm { … }\`, or a gain that begins at zero, \`branch alpha: scale([1], init: 0)\`; or say \`allow unnormed_branch\`
      "
    `);
  });

  test("the one edge of a layer that lacks its norm", () => {
    const body = `  repeat depth as h {
    residual pre ln: layernorm { attn: attention(2) }
    residual { mlp: ffn(16) }
  }
  ln_f: layernorm
  output y`;
    expect(codesIn(model(body))).toEqual(["W303 5"]);
  });

  test("inside a block it is told where the block is called", () => {
    const text = model(
      "  l: layers(6)\n  output y",
      "block layers(n: int) { input x: [.., D]; repeat n as h { residual { mlp: ffn(D) } } }",
    );
    expect(lintsIn(text)).toContain("called here");
  });

  test.each([
    ["a single edge", stack("", "head: linear(4)", "repeat 1 as h")],
    [
      "a norm in the branch",
      model("  repeat depth as h { residual { ln: layernorm -> mlp: ffn(16) } }\n  output y"),
    ],
    [
      "a norm before the edge, as Cohere",
      model("  repeat depth as h { n = ln: layernorm; residual { n -> mlp: ffn(16) } }\n  output y"),
    ],
    [
      "a norm behind the edge",
      model("  repeat depth as h { residual { mlp: ffn(16) }; ln: layernorm }\n  output y"),
    ],
    ["ReZero", stack("branch alpha: scale([1], init: 0)")],
    ["a gain known when compiled", stack("branch 0.1")],
    ["weights that begin scaled", stack("init 1 / depth")],
    [
      "a last weight of zeros (Fixup)",
      model(
        "  repeat depth as h { residual { up: linear(16) -> relu -> down: linear(8, init: 0) } }\n  output y",
      ),
    ],
    [
      "a gain in the branch",
      model("  repeat depth as h { residual { mlp: ffn(16) -> g: scale([1], init: 0) } }\n  output y"),
    ],
    [
      "a branch that tanh bounds",
      model("  repeat depth as h { residual { tanh -> l: linear(8) } }\n  output y"),
    ],
    [
      "edges that carry another value",
      model("  start = stream\n  repeat depth as h { residual from start { mlp: ffn(16) } }\n  output y"),
    ],
    [
      "branches that do not read the stream",
      model("  repeat depth as h { residual { positions -> e: embedding(16, 8) } }\n  output y"),
    ],
    ["branches without weights", model("  repeat depth as h { residual { relu } }\n  output y")],
  ])("nothing is said of %s", (_, text) => {
    expect(lintsIn(text)).toBe("");
  });
});

describe("doubled_stream", () => {
  test("empty braces", () => {
    expect(`\n${lintsIn(model("  residual { }\n  output y"))}\n`).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: warning[W305]: this edge adds the stream to itself: it only doubles it
        3 |   residual { }
          |   ^^^^^^^^^^^^
        help: write what the branch does into the braces; or say \`allow doubled_stream\`
      "
    `);
  });

  test("braces whose only layer is none", () => {
    const block = "block layer(act: layer = none) { input x: [.., D]; residual { a: act } }";
    expect(codesIn(model("  l: layer\n  output y", block))).toEqual(["W305 6"]);
  });

  test.each([
    "residual from x { l: relu }",
    "residual pre ln: layernorm { }",
    "residual branch 0.5 { }",
    "a: linear(8)\n  residual from x",
  ])("nothing is said of %s", (edge) => {
    expect(lintsIn(model(`  ${edge}\n  output y`))).toBe("");
  });
});
