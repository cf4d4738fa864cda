import { describe, expect, test } from "vitest";
import { messages, mistakes } from "./support.ts";

describe("shapes", () => {
  test("operands that do not broadcast", () => {
    expect(messages("model m {\n  input x: f32[B, 8]\n  input z: f32[B, 4]\n  x + z\n  output y\n}"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:4:5: error[E401]: f32[B, 8] + f32[B, 4] does not broadcast
        4 |   x + z
          |     ^
        4 |   x + z
          |   ^ f32[B, 8]
        4 |   x + z
          |       ^ f32[B, 4]
      "
    `);
  });

  test.each(["0", "0 - 5", "c"])("a bound that no dim is below: %s", (bound) => {
    expect(messages(`model m(c = -1) {\n  input x: f32[B, T <= ${bound}]\n  tanh\n  output y\n}`)).toMatch(
      /^\nmodel\.lmg:2:24: error\[E408\]: a dim is at least 1, so nothing is bound by (0|-1|-5)\n/,
    );
  });

  test.each(["maxpool", "avgpool"])("%s with a stride of 0, which is no word for the kernel's", (pool) => {
    for (const stride of ["0", "[0, 2]", "[2, 0]"])
      expect(
        messages(`model m {\n  input x: f32[B, 4, 8, 8]\n  ${pool}([2], stride: ${stride})\n  output y\n}`),
      ).toContain("`stride`: expected a whole number of at least 1, got 0");
  });

  test("a type that disagrees, with both places", () => {
    expect(mistakes("  linear(4) as a: f32[B, 8]\n  relu as b: i32[B, 4]\n  tanh as c: f32[B, T, 4]"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:3:26: error[E403]: axis 1 of \`a\` must be 8, but f32[B, 4] has 4 there
        3 |   linear(4) as a: f32[B, 8]
          |                          ^ expected 8, got 4
        3 |   linear(4) as a: f32[B, 8]
          |   ^^^^^^^^^ this is f32[B, 4]
      model.lmg:4:14: error[E405]: \`b\` must be of i32, got f32[B, 4]
        4 |   relu as b: i32[B, 4]
          |              ^^^^^^^^^
        4 |   relu as b: i32[B, 4]
          |   ^^^^ this is f32[B, 4]
      model.lmg:5:14: error[E404]: \`c\` must be f32[B, T, 4], but f32[B, 4] has 2 axes
        5 |   tanh as c: f32[B, T, 4]
          |              ^^^^^^^^^^^^
        5 |   tanh as c: f32[B, T, 4]
          |   ^^^^ this is f32[B, 4]
      "
    `);
  });

  test("an output of another width", () => {
    expect(messages("model m(dim = 4) {\n  input x: f32[B, 8]\n  output y: f32[B, 2 * dim + 1]\n}"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:3:20: error[E403]: axis 1 of \`y\` must be 2 * dim + 1 = 9, but f32[B, 8] has 8 there
        3 |   output y: f32[B, 2 * dim + 1]
          |                    ^^^^^^^^^^^ expected 9, got 8
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      "
    `);
  });

  test("an input that a block does not take: one message, though its dims are unknown after it", () => {
    expect(mistakes("  f", "block f() {\n  input a: [B, T, D]\n  linear(D) -> linear(2 * D)\n}"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:7:12: error[E404]: \`a\` must be [B, T, D], but f32[B, 8] has 2 axes
        7 |   input a: [B, T, D]
          |            ^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
        3 |   f
          |   ^ called here
      "
    `);
  });

  test("an input that the library does not take is blamed on the call", () => {
    expect(mistakes("  attention(2)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E404]: \`x\` must be [B, T, D], but f32[B, 8] has 2 axes
         3 |   attention(2)
           |   ^^^^^^^^^^^^ in this call
        in std/attention.lmg:##:12
        ## |   input x: [B, T, D]
           |            ^^^^^^^^^
         2 |   input x: f32[B, 8]
           |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      "
    `);
  });

  test("two inputs of a block that disagree", () => {
    expect(
      mistakes("  (x, x -> linear(4)) -> f", "block f() {\n  input a: [B, D]\n  input b: [B, D]\n  a + b\n}"),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:8:16: error[E403]: axis 1 of \`b\` must be D = 8, but f32[B, 4] has 4 there
        8 |   input b: [B, D]
          |                ^ expected 8, got 4
        3 |   (x, x -> linear(4)) -> f
          |            ^^^^^^^^^ this is f32[B, 4]
        3 |   (x, x -> linear(4)) -> f
          |                          ^ called here
      "
    `);
  });

  test("layers that do not fit what flows in", () => {
    expect(
      mistakes(
        "  heads(3)\n  x -> split([4, 5])\n  x -> select(9)\n  x -> squeeze(0)\n  x -> softmax(axis: 2)",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E414]: \`heads\`: 8 channels do not split into 3 heads
        3 |   heads(3)
          |   ^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      model.lmg:4:8: error[E414]: \`split\`: the parts add up to 9, but axis 1 is 8 long
        4 |   x -> split([4, 5])
          |        ^^^^^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      model.lmg:5:8: error[E414]: \`select\`: axis 1 of f32[B, 8] has no place 9
        5 |   x -> select(9)
          |        ^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      model.lmg:6:8: error[E414]: \`squeeze\`: axis 0 of f32[B, 8] is not of size 1
        6 |   x -> squeeze(0)
          |        ^^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      model.lmg:7:8: error[E414]: \`softmax\`: f32[B, 8] has no axis 2
        7 |   x -> softmax(axis: 2)
          |        ^^^^^^^^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      "
    `);
  });

  test("too few and too many operands", () => {
    expect(mistakes("  attend\n  (x, x) -> relu")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E413]: \`attend\` takes 3 to 5 operands: q, k, v, bias (may be left off), mask (may be left off); got 1
        3 |   attend
          |   ^^^^^^
        help: write \`(q, k, v) -> attend\`
      model.lmg:4:13: error[E413]: \`relu\` takes 1 operand: x; got 2
        4 |   (x, x) -> relu
          |             ^^^^
      "
    `);
  });

  test("a weight whose shape depends on the run", () => {
    expect(messages("model m {\n  input x: f32[B, D]\n  linear(8)\n  output y\n}")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E414]: \`linear\`: axis 1 of f32[B, D] is D, which is known only when the model runs
        3 |   linear(8)
          |   ^^^^^^^^^
        2 |   input x: f32[B, D]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, D]
      "
    `);
  });

  test("elements that do not fill their parameter, and a width of none", () => {
    expect(mistakes("  p = w: parameter([2], init: [1, 2, 3])\n  l: linear(0)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:7: error[E414]: \`parameter\`: 3 numbers do not fill [2]
        3 |   p = w: parameter([2], init: [1, 2, 3])
          |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      model.lmg:4:3: error[E414]: \`linear\`: a parameter cannot have the shape [0, 8]
        4 |   l: linear(0)
          |   ^^^^^^^^^^^^
      "
    `);
  });

  test("a source after an arrow", () => {
    expect(mistakes("  linear(8) -> positions")).toMatchInlineSnapshot(`
      "
      model.lmg:3:16: error[E412]: nothing flows into \`positions\`: it begins a chain
        3 |   linear(8) -> positions
          |                ^^^^^^^^^
        help: bind it, \`p = positions…\`, and use it as a value
      "
    `);
  });

  test("dims of a model's input", () => {
    expect(messages("model m {\n  input x: f32[.., 8]\n  input z: f32[B, 0]\n  output y\n}"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:2:16: error[E407]: \`..\` stands for the dims of what a block is called with; a model names its dims
        2 |   input x: f32[.., 8]
          |                ^^
        help: for example \`[B, T, dim]\`
      model.lmg:3:19: error[E408]: a dim is at least 1, got 0
        3 |   input z: f32[B, 0]
          |                   ^
      "
    `);
  });

  test("a bound that a known size breaks", () => {
    expect(mistakes("  f", "block f() {\n  input a: [B, D <= 4]\n  linear(D)\n}")).toMatchInlineSnapshot(`
      "
      model.lmg:7:16: error[E406]: this dim is at most 4, got 8
        7 |   input a: [B, D <= 4]
          |                ^^^^^^
        3 |   f
          |   ^ called here
      "
    `);
  });
});

describe("edges", () => {
  test("a branch of another width, with the place where the carried value was made", () => {
    expect(mistakes("  wide: linear(16)\n  residual pre ln: layernorm { down: linear(8) }"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:4:3: error[E528]: the branch ends with f32[B, 8], but the edge carries f32[B, 16]
        4 |   residual pre ln: layernorm { down: linear(8) }
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ f32[B, 8]
        3 |   wide: linear(16)
          |   ^^^^^^^^^^^^^^^^ the edge carries f32[B, 16] from here
        help: end the branch with a layer that gives what the edge carries, or project what it carries: \`from (stream -> proj: linear(…))\`
      "
    `);
  });

  test("integers, which no edge adds", () => {
    const text = "model m {\n  input x: i32[B, 4]\n  residual { abs }\n  output y\n}";
    expect(messages(text)).toContain(
      "error[E528]: a residual edge adds floats, but this one carries i32[B, 4]",
    );
    expect(messages(text.replace("residual", "cast(f32)\n  residual")).trim()).toBe("");
  });

  test("a carried value of another width", () => {
    expect(mistakes("  x0 = stream\n  wide: linear(16)\n  residual from x0 { up: linear(16) }"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:5:3: error[E528]: the branch ends with f32[B, 16], but the edge carries f32[B, 8]
        5 |   residual from x0 { up: linear(16) }
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ f32[B, 16]
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ the edge carries f32[B, 8] from here
        help: end the branch with a layer that gives what the edge carries, or project what it carries: \`from (stream -> proj: linear(…))\`
      "
    `);
  });

  test("clauses that stand twice", () => {
    expect(
      mistakes(
        "  residual sandwich a: layernorm, out b: layernorm { c: linear(8) }\n  residual skip 1, skip 2 { d: linear(8) }",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:35: error[E522]: \`out\` stands twice on this edge
        3 |   residual sandwich a: layernorm, out b: layernorm { c: linear(8) }
          |                                   ^^^^^^^^^^^^^^^^
        3 |   residual sandwich a: layernorm, out b: layernorm { c: linear(8) }
          |            ^^^^^^^^^^^^^^^^^^^^^ the first one
        help: \`sandwich\` counts as \`pre\` and \`out\`
      model.lmg:4:20: error[E522]: \`skip\` stands twice on this edge
        4 |   residual skip 1, skip 2 { d: linear(8) }
          |                    ^^^^^^
        4 |   residual skip 1, skip 2 { d: linear(8) }
          |            ^^^^^^ the first one
      "
    `);
  });

  test("a clause that is none, and a parameter that holds no placement", () => {
    expect(mistakes("  residual prre n: layernorm { c: linear(8) }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:12: error[E523]: \`prre\` is no clause of an edge
        3 |   residual prre n: layernorm { c: linear(8) }
          |            ^^^^
        help: did you mean \`pre\`?
      "
    `);
    expect(
      messages(
        "model m(where = 3) {\n  input x: f32[B, 8]\n  residual where n: layernorm { c: linear(8) }\n  output y\n}",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:12: error[E523]: \`where\` is the whole number 3, not a placement
        3 |   residual where n: layernorm { c: linear(8) }
          |            ^^^^^
        help: clauses are pre, out, post, sandwich, from, skip, branch and init, or a parameter of kind placement
      "
    `);
  });

  test("gains and sources of the wrong kind", () => {
    expect(mistakes('  residual skip "a" { c: linear(8) }\n  let n = 3\n  residual from n { d: linear(8) }'))
      .toMatchInlineSnapshot(`
      "
      model.lmg:3:17: error[E525]: \`skip\` takes a number, a tensor or a layer, got the text "a"
        3 |   residual skip "a" { c: linear(8) }
          |                 ^^^
      model.lmg:5:17: error[E524]: an edge carries a tensor, but \`n\` is the whole number 3
        5 |   residual from n { d: linear(8) }
          |                 ^
      "
    `);
  });

  test("a norm that gives several values", () => {
    expect(mistakes("  residual pre n: split(2) { c: linear(8) }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:16: error[E526]: a norm of an edge gives one tensor, but this gives a tuple of 2
        3 |   residual pre n: split(2) { c: linear(8) }
          |                ^^^^^^^^^^^
      "
    `);
  });

  test("branches that do not add up, and none at all", () => {
    expect(mistakes("  parallel {\n    a: linear(8)\n    b: linear(4)\n  }\n  stream * 2"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:5:5: error[E415]: the branches of \`parallel\` do not add up: f32[B, 4] and f32[B, 8]
        5 |     b: linear(4)
          |     ^^^^^^^^^^^^ f32[B, 4]
        4 |     a: linear(8)
          |     ^^^^^^^^^^^^ f32[B, 8]
      "
    `);
    expect(mistakes("  parallel { a = x }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E527]: \`parallel\` has no branch
        3 |   parallel { a = x }
          |   ^^^^^^^^^^^^^^^^^^
        help: each chain, edge or \`{ … }\` in it is a branch; bindings are not
      "
    `);
  });
});

test("independent mistakes are reported together, and what follows from one is not", () => {
  expect(
    mistakes("  a: lineer(8)\n  relu -> b: linear(a)\n  unembed(a)\n  residual { c: linear(9, bais: true) }"),
  ).toMatchInlineSnapshot(`
    "
    model.lmg:3:6: error[E202]: there is no layer called \`lineer\`
      3 |   a: lineer(8)
        |      ^^^^^^
      help: did you mean \`linear\`?
    model.lmg:4:21: error[E201]: there is no value called \`a\`
      4 |   relu -> b: linear(a)
        |                     ^
      help: the names here are \`B\` and \`x\`
    model.lmg:6:27: error[E301]: \`linear\` has no parameter called \`bais\`
      6 |   residual { c: linear(9, bais: true) }
        |                           ^^^^
      help: did you mean \`bias\`?
    "
  `);
});

test("a mistake in a repeat is reported once", () => {
  expect(mistakes("  repeat 12 as h { residual { down: linear(4) } }")).toMatchInlineSnapshot(`
    "
    model.lmg:3:20: error[E528]: the branch ends with f32[B, 4], but the edge carries f32[B, 8]
      3 |   repeat 12 as h { residual { down: linear(4) } }
        |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ f32[B, 4]
      2 |   input x: f32[B, 8]
        |   ^^^^^^^^^^^^^^^^^^ the edge carries f32[B, 8] from here
      help: end the branch with a layer that gives what the edge carries, or project what it carries: \`from (stream -> proj: linear(…))\`
    "
  `);
});
