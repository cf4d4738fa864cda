import { describe, expect, test } from "vitest";
import { messages, mistakes } from "./support.ts";

/* What people bring along from Python, NumPy, PyTorch and Keras. Each message is read as a person would. */

describe("names of other libraries", () => {
  test("layers", () => {
    expect(
      mistakes(
        "  a: nn.Linear(8)\n  x.relu()\n  b: Dense(8)\n  c: multi_head_attention(2)\n  view([B, 8])\n  swish",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:6: error[E205]: \`nn.Linear\` is no layer
        3 |   a: nn.Linear(8)
          |      ^^^^^^^^^
        help: layers stand without a module's name: \`linear\`
      model.lmg:4:3: error[E205]: \`x.relu\` is no layer
        4 |   x.relu()
          |   ^^^^^^
        help: tensors flow through arrows: \`x -> relu\`
      model.lmg:5:6: error[E202]: there is no layer called \`Dense\`
        5 |   b: Dense(8)
          |      ^^^^^
        help: did you mean \`linear\`?
      model.lmg:6:6: error[E202]: there is no layer called \`multi_head_attention\`
        6 |   c: multi_head_attention(2)
          |      ^^^^^^^^^^^^^^^^^^^^
        help: did you mean \`attention\`?
      model.lmg:7:3: error[E202]: there is no layer called \`view\`
        7 |   view([B, 8])
          |   ^^^^
        help: did you mean \`reshape\`?
      model.lmg:8:3: error[E202]: there is neither a value nor a layer called \`swish\`
        8 |   swish
          |   ^^^^^
        help: did you mean \`silu\`?
      "
    `);
  });

  test("parameters", () => {
    expect(
      mistakes(
        "  mean(dim: 1, keepdim: true)\n  dropout(p: 0.1)\n  a: ffn(8, activation: relu)\n" +
          "  unsqueeze(1) -> b: attention(num_heads: 2, use_bias: false)",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:8: error[E301]: \`mean\` has no parameter called \`dim\`
        3 |   mean(dim: 1, keepdim: true)
          |        ^^^
        help: did you mean \`axis\`?
      model.lmg:3:16: error[E301]: \`mean\` has no parameter called \`keepdim\`
        3 |   mean(dim: 1, keepdim: true)
          |                ^^^^^^^
        help: did you mean \`keep\`?
      model.lmg:4:11: error[E301]: \`dropout\` has no parameter called \`p\`
        4 |   dropout(p: 0.1)
          |           ^
        help: did you mean \`rate\`?
      model.lmg:5:13: error[E301]: \`ffn\` has no parameter called \`activation\`
        5 |   a: ffn(8, activation: relu)
          |             ^^^^^^^^^^
        help: did you mean \`act\`?
      model.lmg:6:32: error[E301]: \`attention\` has no parameter called \`num_heads\`
        6 |   unsqueeze(1) -> b: attention(num_heads: 2, use_bias: false)
          |                                ^^^^^^^^^
        help: did you mean \`heads\`?
      model.lmg:6:46: error[E301]: \`attention\` has no parameter called \`use_bias\`
        6 |   unsqueeze(1) -> b: attention(num_heads: 2, use_bias: false)
          |                                              ^^^^^^^^
        help: did you mean \`bias\`?
      "
    `);
  });

  test("initializers", () => {
    expect(mistakes("  a: linear(8, init: kaiming_normal)\n  b: linear(8, init: zeros)"))
      .toMatchInlineSnapshot(`
        "
        model.lmg:3:22: error[E317]: there is no initializer called \`kaiming_normal\`
          3 |   a: linear(8, init: kaiming_normal)
            |                      ^^^^^^^^^^^^^^
          help: did you mean \`he\`?
        model.lmg:4:22: error[E317]: there is no initializer called \`zeros\`
          4 |   b: linear(8, init: zeros)
            |                      ^^^^^
          help: write a number, or one of \`normal\`, \`truncated_normal\`, \`uniform\`, \`xavier\`, \`he\`, \`orthogonal\`, \`eye\` and \`unit\`
        "
      `);
  });

  test("words that JavaScript's objects have are words like others", () => {
    expect(mistakes("  a: toString(8)\n  b: linear(8, valueOf: 1)\n  constructor")).toMatchInlineSnapshot(`
      "
      model.lmg:3:6: error[E202]: there is no layer called \`toString\`
        3 |   a: toString(8)
          |      ^^^^^^^^
        help: \`lmg ops\` lists the layers
      model.lmg:4:16: error[E301]: \`linear\` has no parameter called \`valueOf\`
        4 |   b: linear(8, valueOf: 1)
          |                ^^^^^^^
        help: it has \`n\`, \`bias\`, \`layout\` and \`init\`
      model.lmg:5:3: error[E202]: there is neither a value nor a layer called \`constructor\`
        5 |   constructor
          |   ^^^^^^^^^^^
        help: the names here are \`B\` and \`x\`; \`lmg ops\` lists the layers
      "
    `);
  });

  test("True, False and None", () => {
    expect(mistakes("  a: linear(8, bias: False)\n  b: ffn(8, act: None)\n  if True { relu }"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:3:22: error[E201]: there is no value called \`False\`
        3 |   a: linear(8, bias: False)
          |                      ^^^^^
        help: it is written \`false\`
      model.lmg:4:18: error[E201]: there is no value called \`None\`
        4 |   b: ffn(8, act: None)
          |                  ^^^^
        help: it is written \`none\`
      model.lmg:5:6: error[E201]: there is no value called \`True\`
        5 |   if True { relu }
          |      ^^^^
        help: it is written \`true\`
      "
    `);
  });
});

describe("arguments of another form", () => {
  test("several numbers for one list", () => {
    expect(mistakes("  permute(1, 0)\n  transpose(0, 1)\n  reshape(B, 2, 4)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:14: error[E316]: \`permute\` takes one list, \`axes\`, in brackets
        3 |   permute(1, 0)
          |              ^
        help: write \`permute([1, 0])\`
      model.lmg:4:16: error[E316]: \`transpose\` takes one list, \`axes\`, in brackets
        4 |   transpose(0, 1)
          |                ^
        help: write \`transpose(axes: [0, 1])\`
      model.lmg:5:14: error[E316]: \`reshape\` takes one shape, \`shape\`, in brackets
        5 |   reshape(B, 2, 4)
          |              ^
        help: write \`reshape([B, 2, 4])\`
      "
    `);
  });

  test("a list of tensors", () => {
    expect(mistakes("  concat([x, x], axis: 1)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:10: error[E315]: \`x, x\` are tensors; parentheses hold what is known before the model runs
        3 |   concat([x, x], axis: 1)
          |          ^^^^^^
        help: tensors flow through arrows: \`(x, x) -> concat\`
      "
    `);
  });

  test("words in quotes, and true for a layer", () => {
    expect(
      mistakes('  a: ffn(8, act: "gelu")\n  b: gelu(approx: "tanh")\n  unembed("a")\n  c: ffn(8, act: true)'),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:18: error[E306]: \`act\` of \`ffn\` takes a layer, got the text "gelu"
        3 |   a: ffn(8, act: "gelu")
          |                  ^^^^^^
        help: leave the quotes out: \`gelu\`
      model.lmg:5:11: error[E306]: \`label\` of \`unembed\` takes the label of a layer, got the text "a"
        5 |   unembed("a")
          |           ^^^
        help: leave the quotes out: \`a\`
      model.lmg:6:18: error[E306]: \`act\` of \`ffn\` takes a layer, got \`true\`
        6 |   c: ffn(8, act: true)
          |                  ^^^^
      "
    `);
  });

  test("a number for a shape, and a size of -1", () => {
    expect(
      mistakes(
        "  s: scale(8)\n  x -> reshape([B, -1, 4])\n  x -> reshape([-1, -1, 4])\n  x -> reshape([B, -1, 3])",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:12: error[E306]: \`shape\` of \`scale\` takes a shape, got the whole number 8
        3 |   s: scale(8)
          |            ^
        help: a shape stands in brackets: \`[8]\`
      model.lmg:4:8: error[E414]: \`reshape\`: -1 is no size: write 2 in its place
        4 |   x -> reshape([B, -1, 4])
          |        ^^^^^^^^^^^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      model.lmg:5:8: error[E414]: \`reshape\`: -1 is no size, and f32[B, 8] does not fill the others
        5 |   x -> reshape([-1, -1, 4])
          |        ^^^^^^^^^^^^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      model.lmg:6:8: error[E414]: \`reshape\`: -1 is no size, and f32[B, 8] does not fill the others
        6 |   x -> reshape([B, -1, 3])
          |        ^^^^^^^^^^^^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      "
    `);
  });

  test("a reshape over a size that may leave elements over says what cuts them off", () => {
    const pairs = "reshape([B, div(T, 2), 2 * 4])";
    const program = (...lines: string[]) =>
      `model m {\n  input x: f32[B, T, 4]\n${lines.map((line) => `  ${line}\n`).join("")}  output y: f32[B, div(T, 2), 8]\n}\n`;
    expect(messages(program(pairs))).toContain(
      "`reshape`: f32[B, T, 4] does not fill [B, div(T, 2), 8], as `div(T, 2)` rounds down: cut off what is over first, `slice(0, end: 2 * div(T, 2), axis: 1)`\n",
    );
    expect(messages(program("slice(0, end: 2 * div(T, 2), axis: 1)", pairs))).toBe("\n\n");
    // No cut makes that fit.
    expect(messages(program("reshape([B, div(T, 2), 3])"))).toContain("does not fill [B, div(T, 2), 3]\n");
  });

  test("`not` as a layer", () => {
    expect(mistakes("  x > 0 -> not -> cast(f32)")).toContain(
      "error[E202]: there is no layer called `not`\n  3 |   x > 0 -> not -> cast(f32)\n    |            ^^^\n  help: it stands before a value: `not x`\n",
    );
  });

  test("three axes that change places", () => {
    expect(mistakes("  unsqueeze(1) -> transpose(axes: [0, 2, 1])")).toMatchInlineSnapshot(`
      "
      model.lmg:3:19: error[E414]: \`transpose\`: two axes change places, got 3; \`permute\` takes all of them in their new order
        3 |   unsqueeze(1) -> transpose(axes: [0, 2, 1])
          |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^
      "
    `);
  });
});

describe("arguments that cannot be", () => {
  test("an axis beside axes, and an axis where nothing is folded", () => {
    expect(
      mistakes(
        "  x -> sum(axis: 0, axes: [1])\n  (x, x) -> max(axis: 1)\n  (x, x) -> min(keep: true)\n  x -> split(0)",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:8: error[E414]: \`sum\`: takes \`axis\` or \`axes\`, not both
        3 |   x -> sum(axis: 0, axes: [1])
          |        ^^^^^^^^^^^^^^^^^^^^^^^
      model.lmg:4:13: error[E414]: \`max\`: a tuple of two is taken element by element, and folds no axis
        4 |   (x, x) -> max(axis: 1)
          |             ^^^^^^^^^^^^
      model.lmg:5:13: error[E414]: \`min\`: a tuple of two is taken element by element, and folds no axis
        5 |   (x, x) -> min(keep: true)
          |             ^^^^^^^^^^^^^^^
      model.lmg:6:8: error[E414]: \`split\`: cannot split into 0 parts
        6 |   x -> split(0)
          |        ^^^^^^^^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ this is f32[B, 8]
      "
    `);
  });

  test("initializers without meaning, and rows in a list", () => {
    expect(
      mistakes(
        "  a: linear(8, init: uniform(0.1, -0.1))\n  b: linear(8, init: normal(std: -1))\n" +
          "  c = c: parameter([2, 2], init: [[1, 2], [3, 4]])",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:22: error[E318]: \`uniform\`: the lower end comes first, got 0.1 and -0.1
        3 |   a: linear(8, init: uniform(0.1, -0.1))
          |                      ^^^^^^^^^^^^^^^^^^
      model.lmg:4:22: error[E318]: \`normal\`: a standard deviation is at least 0, got -1
        4 |   b: linear(8, init: normal(std: -1))
          |                      ^^^^^^^^^^^^^^^
      model.lmg:5:34: error[E306]: \`init\` of \`parameter\` takes an initializer or none, got the list [[1, 2], [3, 4]]
        5 |   c = c: parameter([2, 2], init: [[1, 2], [3, 4]])
          |                                  ^^^^^^^^^^^^^^^^
        help: a list has all elements in one row: \`[1, 2, 3, 4]\`
      "
    `);
  });

  test("an attribute is named", () => {
    expect(
      mistakes(
        "  (a, b) = x -> topk(0)\n  x -> unsqueeze(1) -> attention(2, window: 0)\n  x -> layernorm(eps: -1)",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:17: error[E414]: \`topk\`: \`k\`: expected a whole number of at least 1, got 0
        3 |   (a, b) = x -> topk(0)
          |                 ^^^^^^^
      model.lmg:4:24: error[E414]: \`attend\`: \`window\`: expected a whole number of at least 1, got 0
         4 |   x -> unsqueeze(1) -> attention(2, window: 0)
           |                        ^^^^^^^^^^^^^^^^^^^^^^^ in this call
        in std/attention.lmg:##:30
        ## |   (q, k, v, scores, seen) -> attend(causal, window: none if sinks else near, softcap, scale, alibi, dropout)
           |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      model.lmg:5:8: error[E414]: \`layernorm\`: \`eps\`: expected a number of at least 0, got -1
        5 |   x -> layernorm(eps: -1)
          |        ^^^^^^^^^^^^^^^^^^ makes \`layer_norm\`
      "
    `);
  });

  test("a tuple of one is no tensor", () => {
    expect(mistakes("  split([8])")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E222]: the stream is one tensor, but this chain gives a tuple of 1
        3 |   split([8])
          |   ^^^^^^^^^^
        help: bind its only part, \`(a) = …\`, and go on with it: \`a\`
      "
    `);
    expect(mistakes("  (a) = split([8])\n  a")).toBe("\n\n");
  });

  test("a name alone that is neither a value nor a layer", () => {
    expect(mistakes("  total = x -> relu\n  totl -> tanh\n  total -> tnah\n  (z, total) -> add"))
      .toMatchInlineSnapshot(`
        "
        model.lmg:4:3: error[E202]: there is neither a value nor a layer called \`totl\`
          4 |   totl -> tanh
            |   ^^^^
          help: did you mean \`total\`?
        model.lmg:5:12: error[E202]: there is no layer called \`tnah\`
          5 |   total -> tnah
            |            ^^^^
          help: did you mean \`tanh\`?
        model.lmg:6:4: error[E202]: there is neither a value nor a layer called \`z\`
          6 |   (z, total) -> add
            |    ^
          help: the names here are \`B\`, \`x\` and \`total\`; \`lmg ops\` lists the layers
        "
      `);
  });
});

test("a default line gives what has no default of its own", () => {
  expect(
    mistakes("  default linear(8), ffn(hidden: 16)\n  a: linear\n  b: linear(8, bias: false)\n  c: ffn"),
  ).toBe("\n\n");
});

describe("tensors as objects", () => {
  test("places and shapes of tensors", () => {
    expect(mistakes("  a = x[0]\n  let n = x.shape[1]")).toMatchInlineSnapshot(`
      "
      model.lmg:3:7: error[E230]: \`x\` is a tensor: brackets take a part of a list
        3 |   a = x[0]
          |       ^^^^
        help: \`x -> select(0, axis: 0)\` takes one place of an axis, \`slice\` several
      model.lmg:4:11: error[E231]: a tensor has no parts, and \`x\` is one
        4 |   let n = x.shape[1]
          |           ^^^^^^^^^^
        help: name its dims by a type, \`x as same: f32[B, T, D]\`, and use the names
      "
    `);
  });
});

describe("dims", () => {
  test("that begin with a small letter", () => {
    expect(messages("model m(dim = 8) {\n  input x: f32[b, dmi]\n  output y\n}")).toMatchInlineSnapshot(`
      "
      model.lmg:2:16: error[E201]: there is no value called \`b\`
        2 |   input x: f32[b, dmi]
          |                ^
        help: a dim that the run binds begins with a capital: \`B\`
      model.lmg:2:19: error[E201]: there is no value called \`dmi\`
        2 |   input x: f32[b, dmi]
          |                   ^^^
        help: did you mean \`dim\`?
      "
    `);
  });

  test("that stand in a sum before they are bound, which is said once", () => {
    expect(
      messages("model m() {\n  input x: f32[B, 2 * T]\n  reshape([B, T, 2])\n  output y: f32[B, T, 2]\n}"),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:2:19: error[E207]: the dim \`T\` is not bound here
        2 |   input x: f32[B, 2 * T]
          |                   ^^^^^
        help: a dim is bound where it stands alone, as \`[B, T]\`; what is made of it follows after that
      "
    `);
    expect(messages("model m() {\n  input x: f32[B, T]\n  input z: f32[B, 2 * T]\n  z\n  output y\n}")).toBe(
      "\n\n",
    );
  });

  test("that are compared before they are known", () => {
    expect(mistakes("  if B > 4 { relu }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:8: error[E323]: \`>\` cannot compare the run-time size B with the whole number 4
        3 |   if B > 4 { relu }
          |        ^
        help: sizes of the run are not known yet; \`T <= 128\` in the type of an input bounds one
      "
    `);
  });
});
