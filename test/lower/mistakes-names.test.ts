import { describe, expect, test } from "vitest";
import { messages, mistakes } from "./support.ts";

describe("names", () => {
  test("an unknown value, with what is near", () => {
    expect(mistakes("  total = x -> relu\n  totl + 1")).toMatchInlineSnapshot(`
      "
      model.lmg:4:3: error[E201]: there is no value called \`totl\`
        4 |   totl + 1
          |   ^^^^
        help: did you mean \`total\`?
      "
    `);
  });

  test("an unknown layer, with what is near", () => {
    expect(mistakes("  layernrom")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E202]: there is neither a value nor a layer called \`layernrom\`
        3 |   layernrom
          |   ^^^^^^^^^
        help: did you mean \`layernorm\`?
      "
    `);
  });

  test("an input that hides a parameter is told, before what follows from it", () => {
    const text = (name: string) =>
      `model m(image = 32) {\n  input ${name}: f32[B, image]\n  fc: linear(image)\n  output y\n}`;
    expect(messages(text("image"))).toMatch(
      /^\nmodel\.lmg:2:9: warning\[W203\]: the input `image` hides the parameter of that name from here on\n[^]*\n {2}help: give one of them another name\nmodel\.lmg:3:14: error\[E315\]/,
    );
    expect(messages(text("picture"))).toBe("\n\n");
  });

  test("a layer where a value is needed", () => {
    expect(mistakes("  x + relu")).toMatchInlineSnapshot(`
      "
      model.lmg:3:7: error[E203]: \`relu\` is a layer, but a value is needed here
        3 |   x + relu
          |       ^^^^
        help: apply it to the stream in parentheses, \`(relu)\`, or to a value with an arrow, \`x -> relu\`
      "
    `);
    expect(mistakes("  x + gelu(approx: tanh)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:7: error[E308]: \`gelu(approx: tanh)\` is a layer, but a value is needed here
        3 |   x + gelu(approx: tanh)
          |       ^^^^^^^^^^^^^^^^^^
        help: put it in parentheses to apply it to the stream: \`(gelu(approx: tanh))\`
      "
    `);
  });

  test.each([
    ["  y = 3 * zork(2)", "E202", "there is neither a function nor a layer called `zork`"],
    ["  y = 3 * linaer(2)", "E202", "did you mean `linear`?"],
    ["  y = 3 + flor(2.5)", "E202", "did you mean `floor`?"],
    ["  let k = flor(2.5)", "E202", "did you mean `floor`?"],
    ["  y = not zork(2)", "E202", "there is neither a function nor a layer called `zork`"],
    ["  y = x * x(2)", "E204", "`x` is a tensor f32[B, 8], and only functions and layers take arguments"],
    ["  a: linear(8)\n  y = x * a(2)", "E202", "to use it again, weights and all, write `same(a)`"],
    ["  y = x * x.gelu(2)", "E205", "tensors flow through arrows: `x -> gelu`"],
    ["  y = 3 * linear(4)", "E308", "`linear(4)` is a layer, but a value is needed here"],
    ["  a: linear(8)\n  y = 3 * same(a)", "E308", "`same(a)` is a layer, but a value is needed here"],
  ])("a call in an expression is told for what it is: %s", (body, code, words) => {
    const told = mistakes(body);
    expect(told.match(/error\[E\d+\]/g)).toEqual([`error[${code}]`]);
    expect(told).toContain(words);
  });

  test("a value where a layer is needed", () => {
    expect(mistakes("  r = x\n  x -> r")).toMatchInlineSnapshot(`
      "
      model.lmg:4:8: error[E204]: \`r\` is a tensor f32[B, 8], but a layer is needed here
        4 |   x -> r
          |        ^
        help: layers stand after arrows and labels; values stand at the head of a chain or between operators
      "
    `);
  });

  test("a label where a layer is needed", () => {
    expect(mistakes("  dense: linear(8)\n  x -> dense")).toMatchInlineSnapshot(`
      "
      model.lmg:4:8: error[E202]: there is no layer called \`dense\`
        4 |   x -> dense
          |        ^^^^^
        3 |   dense: linear(8)
          |   ^^^^^^^^^^^^^^^^ this layer has that label
        help: to use it again, weights and all, write \`same(dense)\`
      "
    `);
  });

  test("a layer of an iteration without `same`", () => {
    expect(mistakes("  repeat 2 as h { a: linear(8) }\n  x -> h[1].a")).toMatchInlineSnapshot(`
      "
      model.lmg:4:8: error[E205]: \`h[1].a\` is no layer
        4 |   x -> h[1].a
          |        ^^^^^^
        help: to use the layer at a label again, write \`same(h[1].a)\`
      "
    `);
  });

  test("a dim that no type binds", () => {
    expect(mistakes("  reshape([B, T, 4])")).toMatchInlineSnapshot(`
      "
      model.lmg:3:15: error[E207]: the dim \`T\` is not bound here
        3 |   reshape([B, T, 4])
          |               ^
        help: dims are bound by the types of inputs
      "
    `);
  });

  test("a stream before the first input", () => {
    expect(messages("model m {\n  relu\n  output y\n}")).toMatchInlineSnapshot(`
      "
      model.lmg:2:3: error[E213]: there is no stream yet
        2 |   relu
          |   ^^^^
        help: the first \`input\` begins it; a chain may also begin with a value or with \`parameter\`, \`positions\`
      "
    `);
  });

  test("`let` of a tensor, and a tensor's binding of a number: each offers the other", () => {
    expect(mistakes("  let a = x\n  b = 2 * 3\n  b + a")).toMatchInlineSnapshot(`
      "
      model.lmg:3:11: error[E219]: \`let\` is for what is known before the model runs, but this is a tensor f32[B, 8]
        3 |   let a = x
          |           ^
        help: for a tensor leave \`let\` out: \`a = x\`
      model.lmg:4:7: error[E220]: \`b = …\` names a tensor, but this is the whole number 6
        4 |   b = 2 * 3
          |       ^^^^^
        help: write \`let b = 2 * 3\`
      "
    `);
  });

  test("a tuple that is bound to too few names, or to none", () => {
    expect(mistakes("  (a, b, c) = x -> split(2)\n  d = x -> split(4)\n  x -> split(2)"))
      .toMatchInlineSnapshot(`
        "
        model.lmg:3:15: error[E221]: this chain gives 2 values, but 3 names (\`a\`, \`b\` and \`c\`) are bound
          3 |   (a, b, c) = x -> split(2)
            |               ^^^^^^^^^^^^^
          help: bind a tuple of 2, with \`_\` for what is not wanted
        model.lmg:4:7: error[E221]: this chain gives 4 values, but only \`d\` is bound
          4 |   d = x -> split(4)
            |       ^^^^^^^^^^^^^
          help: bind a tuple of 4, with \`_\` for what is not wanted
        model.lmg:5:3: error[E222]: the stream is one tensor, but this chain gives a tuple of 2
          5 |   x -> split(2)
            |   ^^^^^^^^^^^^^
          help: bind them, \`(a, b) = …\`, and go on with one: \`a\`
        "
      `);
  });

  test("two outputs and two definitions of one name", () => {
    expect(
      messages(
        "model m { input x: f32[B]; output y; output y }\nblock f() { input x: [B]; relu }\nblock f() { tanh }",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:1:45: error[E215]: there are two outputs called \`y\`
        1 | model m { input x: f32[B]; output y; output y }
          |                                             ^
        1 | model m { input x: f32[B]; output y; output y }
          |                            ^^^^^^^^ the first one
      model.lmg:3:7: error[E216]: \`f\` is defined twice
        3 | block f() { tanh }
          |       ^
        2 | block f() { input x: [B]; relu }
          |       ^ the other one
      "
    `);
  });

  test("a model and a file that are not there", () => {
    expect(
      messages('use "./nowhere.lmg"\nmodel tiny { input x: f32[B]; output y }', {
        model: "tony",
        resolveUse: () => undefined,
      }),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:1:1: error[E226]: the file has no model called \`tony\`
        1 | use "./nowhere.lmg"
          | ^
        help: did you mean \`tiny\`?
      model.lmg:1:5: error[E218]: there is no file "./nowhere.lmg"
        1 | use "./nowhere.lmg"
          |     ^^^^^^^^^^^^^^^
        help: the path is relative to the folder of this file
      "
    `);
  });

  test("defaults that need each other", () => {
    expect(mistakes("  f", "block f(a: int = b, b: int = a) {\n  input x: [.., D]\n  linear(a)\n}"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:6:9: error[E224]: the default of \`a\` needs \`a\` itself
        6 | block f(a: int = b, b: int = a) {
          |         ^^^^^^^^^^
        3 |   f
          |   ^ called here
        help: defaults are worked out where they are first needed; break the circle with a value
      "
    `);
  });

  test("a value that nobody reads", () => {
    expect(mistakes("  a: linear(8)\n  x -> tanh")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: warning[W201]: nothing reads what this line makes: a later line replaces the stream
        3 |   a: linear(8)
          |   ^^^^^^^^^^^^
        4 |   x -> tanh
          |   ^^^^^^^^^ replaced here
        help: name it, \`name = …\`, or begin the later line with \`stream\`
      "
    `);
  });
});

describe("iterations", () => {
  test("one that has not run, one that is running, a repeat that is not there", () => {
    expect(mistakes("  repeat 3 as h[i] {\n    x + h[i + 1].z\n    relu as z\n  }")).toMatchInlineSnapshot(`
      "
      model.lmg:4:10: error[E506]: iteration 1 of \`h\` has not run here
        4 |     x + h[i + 1].z
          |          ^^^^^^^
        help: only iteration 0 has so far
      "
    `);
    expect(mistakes("  repeat 3 as h[i] {\n    x + h[i].z\n    relu as z\n  }")).toMatchInlineSnapshot(`
      "
      model.lmg:4:9: error[E512]: \`z\` is not bound yet in this iteration, which is still running
        4 |     x + h[i].z
          |         ^^^^^^
        help: read an earlier iteration, or bind it above
      "
    `);
    expect(mistakes("  repeat 3 as blocks { relu as z }\n  stream + block[1].z")).toMatchInlineSnapshot(`
      "
      model.lmg:4:12: error[E505]: there is no \`repeat … as block\` above
        4 |   stream + block[1].z
          |            ^^^^^
        help: did you mean \`blocks\`?
      "
    `);
  });

  test("a name that no iteration binds", () => {
    expect(mistakes("  repeat 3 as h { relu as level }\n  stream + h[1].levle")).toMatchInlineSnapshot(`
      "
      model.lmg:4:12: error[E212]: no value called \`levle\` was bound in that iteration
        4 |   stream + h[1].levle
          |            ^^^^^^^^^^
        help: did you mean \`level\`?
      "
    `);
  });
});

describe("labels", () => {
  test("two owners of one weight, both shown", () => {
    expect(mistakes("  dense: linear(8)\n  relu -> dense: linear(8)")).toMatchInlineSnapshot(`
      "
      model.lmg:4:11: error[E501]: two layers would own the weight \`dense.weight\`
        4 |   relu -> dense: linear(8)
          |           ^^^^^^^^^^^^^^^^ the second one
        3 |   dense: linear(8)
          |   ^^^^^^^^^^^^^^^^ the first one
        help: give one another label; \`same(LABEL)\` uses a layer again with its weights
      "
    `);
  });

  test("a label that is not there, and one of several layers", () => {
    expect(mistakes("  wte: linear(8)\n  unembed(wt)")).toMatchInlineSnapshot(`
      "
      model.lmg:4:11: error[E503]: there is no layer labelled \`wt\` above
        4 |   unembed(wt)
          |           ^^
        help: did you mean \`wte\`?
      "
    `);
    expect(mistakes("  a: linear(8, bias: false)\n  a: bias\n  same(a)")).toMatchInlineSnapshot(`
      "
      model.lmg:5:8: error[E504]: several layers are labelled \`a\`
        5 |   same(a)
          |        ^
        3 |   a: linear(8, bias: false)
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^ one
        4 |   a: bias
          |   ^^^^^^^ another
      "
    `);
  });

  test("a layer without a table under `unembed`", () => {
    expect(mistakes("  n: scale([8])\n  unembed(n)")).toMatchInlineSnapshot(`
      "
      model.lmg:4:3: error[E414]: \`unembed\`: \`n\` owns no table
        4 |   unembed(n)
          |   ^^^^^^^^^^
      "
    `);
  });

  test("a label in quotes that is none", () => {
    expect(mistakes('  let kind = "my layer"\n  "{kind}.dense": linear(8)\n  stream')).toMatchInlineSnapshot(`
      "
      model.lmg:4:3: error[E514]: "my layer.dense" is no label
        4 |   "{kind}.dense": linear(8)
          |   ^^^^^^^^^^^^^^
        help: a label has parts of letters, digits and \`_\` with dots between them, as \`"{kind}.dense"\`; \`""\` adds no name
      "
    `);
  });

  test("`in` something else than a list", () => {
    expect(mistakes("  let n = 3\n  if n in 4 { relu }")).toMatchInlineSnapshot(`
      "
      model.lmg:4:11: error[E323]: on the right of \`in\` stands a list, found the whole number 4
        4 |   if n in 4 { relu }
          |           ^
        help: write the values that it may be: \`kind in ["silu", "gelu"]\`
      "
    `);
  });

  test("`same` with a label in quotes", () => {
    expect(mistakes('  a: linear(8)\n  "b": same(a)')).toMatchInlineSnapshot(`
      "
      model.lmg:4:3: error[E507]: \`a\` owns its weights already; they cannot be \`b\` too
        4 |   "b": same(a)
          |   ^^^^^^^^^^^^
        3 |   a: linear(8)
          |   ^^^^^^^^^^^^ the layer that is used again
        help: leave the label off
      "
    `);
  });

  test("`same` with a label of its own", () => {
    expect(mistakes("  a: linear(8)\n  b: same(a)")).toMatchInlineSnapshot(`
      "
      model.lmg:4:3: error[E507]: \`a\` owns its weights already; they cannot be \`b\` too
        4 |   b: same(a)
          |   ^^^^^^^^^^
        3 |   a: linear(8)
          |   ^^^^^^^^^^^^ the layer that is used again
        help: leave the label off
      "
    `);
  });

  test("a shared weight of two shapes", () => {
    expect(mistakes("  repeat 2 shared [k] { d: linear(8 + k) }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:25: error[E502]: the shared weight \`d.weight\` is f32[8, 8], but is needed as [9, 8] here
        3 |   repeat 2 shared [k] { d: linear(8 + k) }
          |                         ^^^^^^^^^^^^^^^^
        3 |   repeat 2 shared [k] { d: linear(8 + k) }
          |                         ^^^^^^^^^^^^^^^^ made here
      "
    `);
  });
});

test("two inputs, or two parameters, of one name", () => {
  expect(
    messages(
      "model m(n = 8, n = 9) {\n  input x: f32[B, 8]\n  input x: f32[B, 4]\n  (x, x) -> f(2)\n  output y\n}\n" +
        "block f(k: int, k = 3) {\n  input a: [B, D]\n  input a: [B, D]\n  linear(k)\n}",
    ),
  ).toMatchInlineSnapshot(`
    "
    model.lmg:1:16: error[E229]: there are two parameters called \`n\`
      1 | model m(n = 8, n = 9) {
        |                ^
      1 | model m(n = 8, n = 9) {
        |         ^^^^^ the first one
    model.lmg:3:9: error[E228]: there are two inputs called \`x\`
      3 |   input x: f32[B, 4]
        |         ^
      2 |   input x: f32[B, 8]
        |   ^^^^^^^^^^^^^^^^^^ the first one
    model.lmg:4:15: error[E304]: \`f\` takes no arguments without a name
      4 |   (x, x) -> f(2)
        |               ^
      help: the others are named: \`k: 2\`
    model.lmg:7:17: error[E229]: there are two parameters called \`k\`
      7 | block f(k: int, k = 3) {
        |                 ^
      7 | block f(k: int, k = 3) {
        |         ^^^^^^ the first one
    "
  `);
});

test("a line after the outputs that nothing reads", () => {
  expect(
    messages(
      "model m() {\n  input x: f32[B, 8]\n  f\n  output y\n  late: linear(8)\n}\n" +
        "block f() {\n  input a: [B, D]\n  relu as b\n  output b\n  parallel { relu; tanh }\n}",
    ),
  ).toMatchInlineSnapshot(`
    "
    model.lmg:5:3: warning[W202]: nothing reads what this line makes: it is no output
      5 |   late: linear(8)
        |   ^^^^^^^^^^^^^^^
      help: an \`output\` without a value of its name is the stream where it stands: move it down, or leave this out
    model.lmg:11:3: warning[W202]: nothing reads what this line makes: it is no output
      11 |   parallel { relu; tanh }
         |   ^^^^^^^^^^^^^^^^^^^^^^^
       3 |   f
         |   ^ called here
      help: an \`output\` without a value of its name is the stream where it stands: move it down, or leave this out
    "
  `);
});

test("a line after an output that another output reads is fine", () => {
  expect(messages("model m() {\n  input x: f32[B, 8]\n  output y\n  l: linear(8)\n  output z\n}")).toBe(
    "\n\n",
  );
});

test("a file of `use` that is missing: what may stand in it is not missed too", () => {
  const text =
    'use "std"\nuse "./nowhere.lmg"\nmodel m() {\n  input x: f32[B, 8]\n  a: nowhere(8)\n  linear(9, bais: true)\n  output y\n}';
  const resolveUse = (path: string) => (path === "std.lmg" ? { name: path, text: "" } : undefined);
  expect(messages(text, { resolveUse })).toMatchInlineSnapshot(`
    "
    model.lmg:1:5: error[E218]: there is no file "std"
      1 | use "std"
        |     ^^^^^
      help: did you mean "std.lmg"?
    model.lmg:2:5: error[E218]: there is no file "./nowhere.lmg"
      2 | use "./nowhere.lmg"
        |     ^^^^^^^^^^^^^^^
      help: the path is relative to the folder of this file
    model.lmg:6:13: error[E301]: \`linear\` has no parameter called \`bais\`
      6 |   linear(9, bais: true)
        |             ^^^^
      help: did you mean \`bias\`?
    "
  `);
});

test("a default that is unknown is no circle, and a block does not see the names of its caller", () => {
  expect(
    messages(
      "model m(dim = 8, placement = before) {\n  input x: f32[B, dim]\n  a: g\n  output y\n}\n" +
        "block g() {\n  input x: [B, dim]\n  linear(dim)\n}",
    ),
  ).toMatchInlineSnapshot(`
    "
    model.lmg:1:30: error[E202]: there is no layer called \`before\`
      1 | model m(dim = 8, placement = before) {
        |                              ^^^^^^
      help: \`lmg ops\` lists the layers
    model.lmg:7:16: error[E201]: there is no value called \`dim\`
      7 |   input x: [B, dim]
        |                ^^^
      3 |   a: g
        |   ^^^^ called here
      help: a block sees its own names only: give it a parameter \`dim\`
    model.lmg:8:10: error[E201]: there is no value called \`dim\`
      8 |   linear(dim)
        |          ^^^
      3 |   a: g
        |   ^^^^ called here
      help: a block sees its own names only: give it a parameter \`dim\`
    "
  `);
});
