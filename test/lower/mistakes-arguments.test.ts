import { describe, expect, test } from "vitest";
import { messages, mistakes } from "./support.ts";

describe("arguments", () => {
  test("an unknown one, with what is near or all there are", () => {
    expect(mistakes("  linear(8, baias: false)\n  rmsnorm(momentum: 0.1)\n  relu(approx: tanh)"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:3:13: error[E301]: \`linear\` has no parameter called \`baias\`
        3 |   linear(8, baias: false)
          |             ^^^^^
        help: did you mean \`bias\`?
      model.lmg:4:11: error[E301]: \`rmsnorm\` has no parameter called \`momentum\`
        4 |   rmsnorm(momentum: 0.1)
          |           ^^^^^^^^
        help: it has \`eps\`, \`affine\`, \`bias\`, \`unit_offset\` and \`cast\`
      model.lmg:5:8: error[E301]: \`relu\` has no parameter called \`approx\`
        5 |   relu(approx: tanh)
          |        ^^^^^^
        help: \`relu\` has no parameters
      "
    `);
  });

  test("too many, too few, one twice", () => {
    expect(mistakes("  layernorm(1e-5)\n  linear\n  linear(8, n: 8)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:13: error[E304]: \`layernorm\` takes no arguments without a name
        3 |   layernorm(1e-5)
          |             ^^^^
        help: the others are named: \`eps:\`, \`affine:\`, \`bias:\` and \`unit_offset:\`
      model.lmg:4:3: error[E305]: \`linear\` needs \`n\`
        4 |   linear
          |   ^^^^^^
        help: write \`linear(n)\`, with a value for \`n\`
      model.lmg:5:13: error[E302]: \`n\` is given twice
        5 |   linear(8, n: 8)
          |             ^^^^
        5 |   linear(8, n: 8)
          |          ^ the first one
      "
    `);
  });

  test.each([
    ["att(4)", "att(4, drop)", "a value for `drop`"],
    ["att(causal: false)", "att(heads, drop, causal: false)", "values for `heads` and `drop`"],
    ["att(drop: 1)", "att(heads, drop: 1)", "a value for `heads`"],
    ["a: att(3, causal: false)", "att(3, drop, causal: false)", "a value for `drop`"],
    // What `f` was given has the first place already.
    ["let f = att(3); f(causal: true)", "f(drop: drop, causal: true)", "a value for `drop`"],
  ])("a call that lacks arguments is completed: %s", (line, call, what) => {
    const block =
      "block att(heads: int, drop: int, causal = true) {\n  input x: [.., D]\n  linear(heads + drop) -> linear(D)\n}";
    const said = mistakes(`  ${line}`, block);
    expect(said).toContain(`help: write \`${call}\`, with ${what}\n`);
    const completed = line.replace(/(att|f)\([^()]*\)$/, call.replace(/\b(heads|drop)(?=[,)])/g, "2"));
    expect(mistakes(`  ${completed}`, block)).not.toContain("error");
  });

  test("an optional input as a condition", () => {
    const block = (condition: string) =>
      `block f() {\n  input h: [.., D]\n  input mask: bool[D] = none\n  if ${condition} { relu }\n}`;
    expect(mistakes("  x -> f", block("mask"))).toContain(
      "error[E307]: a condition is true or false, known before the model runs, got `none`",
    );
    expect(mistakes("  x -> f", block("mask"))).toContain("help: `mask != none` asks whether it is given\n");
    expect(mistakes("  x -> f", block("mask != none"))).toBe("\n\n");
  });

  test("a variable in the place of another parameter", () => {
    expect(
      messages("model m(vocab = 9, dim = 4) {\n  input ids: i32[B]\n  embedding(dim, vocab)\n  output y\n}"),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:13: error[E303]: \`dim\` stands in the place of \`vocab\`, but \`embedding\` has a parameter \`dim\`
        3 |   embedding(dim, vocab)
          |             ^^^
        help: arguments without a name go by their order; name them, \`dim: dim\`, if this is meant
      "
    `);
  });

  test("of the wrong kind", () => {
    expect(mistakes("  linear(8.5)\n  linear(8, bias: 1)\n  dropout(none)\n  scale(8)"))
      .toMatchInlineSnapshot(`
        "
        model.lmg:3:10: error[E306]: \`n\` of \`linear\` takes a whole number, got the number 8.5
          3 |   linear(8.5)
            |          ^^^
        model.lmg:4:19: error[E306]: \`bias\` of \`linear\` takes true or false, got the whole number 1
          4 |   linear(8, bias: 1)
            |                   ^
        model.lmg:5:11: error[E306]: \`rate\` of \`dropout\` takes a number, got \`none\`
          5 |   dropout(none)
            |           ^^^^
        model.lmg:6:9: error[E306]: \`shape\` of \`scale\` takes a shape, got the whole number 8
          6 |   scale(8)
            |         ^
          help: a shape stands in brackets: \`[8]\`
        "
      `);
  });

  test("a word that is not allowed", () => {
    expect(mistakes("  gelu(approx: tahn)\n  cast(f33)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:16: error[E306]: \`approx\` of \`gelu\` takes one of none, tanh, got the word \`tahn\`
        3 |   gelu(approx: tahn)
          |                ^^^^
        help: did you mean \`tanh\`?
      model.lmg:4:8: error[E306]: \`dtype\` of \`cast\` takes a dtype, got the word \`f33\`
        4 |   cast(f33)
          |        ^^^
        help: did you mean \`f32\`?
      "
    `);
    expect(
      messages(
        "model m(placement = pre) {\n  input x: f32[B]\n  if placement == pst { relu }\n  output y\n}",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:19: error[E314]: \`pst\` is none of \`pre\`, \`out\`, \`post\`, \`sandwich\` and \`none\`
        3 |   if placement == pst { relu }
          |                   ^^^
        help: did you mean \`post\`?
      "
    `);
  });

  test("a tensor in parentheses", () => {
    expect(mistakes("  attend(x, x, x)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:10: error[E315]: \`x\` is a tensor; parentheses hold what is known before the model runs
        3 |   attend(x, x, x)
          |          ^
        help: tensors flow through arrows: \`(x, x, x) -> attend\`
      "
    `);
  });

  test("a size that is not whole, or known only when the model runs", () => {
    expect(mistakes("  linear(8 / 3)\n  linear(B)\n  reshape([B / 2, 16])")).toMatchInlineSnapshot(`
      "
      model.lmg:3:10: error[E306]: \`n\` of \`linear\` takes a whole number, got the number 2.66667
        3 |   linear(8 / 3)
          |          ^^^^^
        help: \`/\` is exact; \`div(a, b)\` and \`floor(x)\` give whole numbers
      model.lmg:4:10: error[E306]: \`n\` of \`linear\` takes a whole number, got the run-time size B
        4 |   linear(B)
          |          ^
        help: B is known only when the model runs
      model.lmg:5:12: error[E322]: B / 2 is not known before the model runs
        5 |   reshape([B / 2, 16])
          |            ^^^^^
        help: \`div(a, b)\` is the whole part of a run-time size by a whole number
      "
    `);
  });
});

describe("blocks", () => {
  test("too many inputs, and a missing argument", () => {
    expect(mistakes("  (x, x) -> f(3)\n  f", "block f(n: int) {\n  input a: [.., D]\n  linear(n)\n}"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:3:13: error[E313]: \`f\` takes 1 input (a), got 2
        3 |   (x, x) -> f(3)
          |             ^^^^
        7 | block f(n: int) {
          |       ^ defined here
        help: write \`a -> f\`
      model.lmg:4:3: error[E305]: \`f\` needs \`n\`
        4 |   f
          |   ^
        help: write \`f(n)\`, with a value for \`n\`
      "
    `);
  });

  test("one that contains itself", () => {
    expect(mistakes("  f", "block f() {\n  g\n}\nblock g() {\n  f\n}")).toMatchInlineSnapshot(`
      "
      model.lmg:10:3: error[E311]: \`f\` would contain itself
        10 |   f
           |   ^ f -> g -> f
         6 | block f() {
           |       ^ defined here
         7 |   g
           |   ^ called here
        help: \`repeat\` runs a body several times
      "
    `);
  });

  test("a failed assertion of the library is blamed on the call", () => {
    expect(mistakes("  unsqueeze(1) -> attention(4, kv_heads: 3)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:19: error[E310]: 4 heads do not share 3 key/value heads evenly
         3 |   unsqueeze(1) -> attention(4, kv_heads: 3)
           |                   ^^^^^^^^^^^^^^^^^^^^^^^^^ in this call
        in std/attention.lmg:##:10
        ## |   assert heads % kv_heads == 0, "{heads} heads do not share {kv_heads} key/value heads evenly"
           |          ^^^^^^^^^^^^^^^^^^^^^ this must hold
      "
    `);
  });

  test("`default` in a block", () => {
    expect(mistakes("  f", "block f() {\n  input x: [.., D]\n  default linear(bias: false)\n  linear(D)\n}"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:8:3: error[E511]: \`default\` stands in a model only
        8 |   default linear(bias: false)
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        3 |   f
          |   ^ called here
        help: a block gives its arguments where it calls a layer, or has parameters for them
      "
    `);
  });
});

describe("arithmetic and conditions", () => {
  test("a condition that is no truth", () => {
    expect(mistakes('  if x { relu }\n  if 3 { relu }\n  assert x > 3, "no"')).toMatchInlineSnapshot(`
      "
      model.lmg:3:6: error[E307]: a condition is true or false, known before the model runs, got a tensor f32[B, 8]
        3 |   if x { relu }
          |      ^
        help: \`(condition, y, z) -> where\` chooses between tensors
      model.lmg:4:6: error[E307]: a condition is true or false, known before the model runs, got the whole number 3
        4 |   if 3 { relu }
          |      ^
      model.lmg:5:10: error[E307]: a condition is true or false, known before the model runs, got a tensor bool[B, 8]
        5 |   assert x > 3, "no"
          |          ^^^^^
        help: \`(condition, y, z) -> where\` chooses between tensors
      "
    `);
  });

  test("an assertion with holes", () => {
    expect(mistakes('  let heads = 3\n  assert 8 % heads == 0, "8 channels do not split into {heads} heads"'))
      .toMatchInlineSnapshot(`
      "
      model.lmg:4:10: error[E310]: 8 channels do not split into 3 heads
        4 |   assert 8 % heads == 0, "8 channels do not split into {heads} heads"
          |          ^^^^^^^^^^^^^^ this must hold
      "
    `);
  });

  test("operators and functions of what they do not know", () => {
    expect(
      mistakes(
        '  let a = "a" + 1\n  let b = 1 / 0\n  let c = sqrt(-1)\n  let d = sqrt(1, 2)\n  let e = 1 == "a"',
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:15: error[E320]: \`+\` does not work on the text "a" and the whole number 1
        3 |   let a = "a" + 1
          |               ^
      model.lmg:4:11: error[E321]: 1 / 0 is no finite number
        4 |   let b = 1 / 0
          |           ^^^^^
      model.lmg:5:11: error[E325]: \`sqrt\` has no value for the whole number -1
        5 |   let c = sqrt(-1)
          |           ^^^^^^^^
      model.lmg:6:11: error[E324]: \`sqrt\` takes 1 number without names
        6 |   let d = sqrt(1, 2)
          |           ^^^^^^^^^^
      model.lmg:7:13: error[E323]: \`==\` cannot compare the whole number 1 with the text "a"
        7 |   let e = 1 == "a"
          |             ^^
      "
    `);
  });

  test("indices of lists", () => {
    expect(
      mistakes("  let k = [1, [2]]\n  let a = k[2]\n  let d = k[1][1]\n  let b = k.first\n  let c = k[x]"),
    ).toMatchInlineSnapshot(`
        "
        model.lmg:4:12: error[E209]: the index 2 is outside \`k\`, a list of 2
          4 |   let a = k[2]
            |            ^^^
          help: indices go from 0 to 1
        model.lmg:5:15: error[E209]: the index 1 is outside \`k[1]\`, a list of 1
          5 |   let d = k[1][1]
            |               ^^^
          help: indices go from 0 to 0
        model.lmg:6:11: error[E211]: \`k.first\` is no value
          6 |   let b = k.first
            |           ^^^^^^^
          help: a dot belongs to labels; a value of an iteration is \`label[k].name\`
        model.lmg:7:13: error[E306]: an index must be a whole number, got a tensor f32[B, 8]
          7 |   let c = k[x]
            |             ^
          help: tensors flow through arrows: \`x -> f(…)\`, or \`(x, y) -> f(…)\` for several
        "
      `);
  });

  test("a list that cannot be made", () => {
    expect(
      mistakes(
        "  let a = [i for i in B]\n  let b = [i for i in -1]\n  let c = [i for i in 3..1]\n  let d = [i for i in 0.5]\n  let e = [i for i in]",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:23: error[E510]: the elements of a list are known before the model runs, but B is not
        3 |   let a = [i for i in B]
          |                       ^
      model.lmg:4:23: error[E509]: a list cannot have -1 elements
        4 |   let b = [i for i in -1]
          |                       ^^
      model.lmg:5:23: error[E509]: a list cannot go from 3 to 1
        5 |   let c = [i for i in 3..1]
          |                       ^^^^
      model.lmg:6:23: error[E306]: the count of a list must be a whole number, got the number 0.5
        6 |   let d = [i for i in 0.5]
          |                       ^^^
      model.lmg:7:22: error[E140]: expected a value, found \`]\`
        7 |   let e = [i for i in]
          |                      ^
      "
    `);
  });

  test("a repeat that cannot run", () => {
    expect(
      mistakes(
        "  repeat B { relu }\n  repeat -1 { relu }\n  repeat 3..1 { relu }\n  repeat 1000000 { relu }",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:3:10: error[E510]: the iterations of a repeat are known before the model runs, but B is not
        3 |   repeat B { relu }
          |          ^
      model.lmg:4:10: error[E509]: a repeat cannot run -1 times
        4 |   repeat -1 { relu }
          |          ^^
      model.lmg:5:10: error[E509]: a repeat cannot go from 3 to 1
        5 |   repeat 3..1 { relu }
          |          ^^^^
      model.lmg:6:10: error[E508]: the repeats of a model have at most 100,000 iterations together
        6 |   repeat 1000000 { relu }
          |          ^^^^^^^
      "
    `);
  });
});

describe("settings and configs", () => {
  const text = `model m(width = 8, depth: int = 2, placement = pre, act: layer = relu) {
  config { width = hidden_size; depth = layers; assert hidden_act == "silu", "silu, not {hidden_act}" }
  input x: f32[B, width]
  output y
}`;

  test("an unknown setting, with what is near", () => {
    expect(messages(text, { settings: { widht: "3" } })).toMatchInlineSnapshot(`
      "
      --set widht:1:1: error[E541]: the model \`m\` has no parameter called \`widht\`
        1 | 3
          | ^
        help: did you mean \`width\`?
      "
    `);
  });

  test("a setting of the wrong kind", () => {
    expect(messages(text, { settings: { width: "wide", depth: "2.5", placement: "middle", act: "reul" } }))
      .toMatchInlineSnapshot(`
      "
      --set width:1:1: error[E201]: there is no value called \`wide\`
        1 | wide
          | ^^^^
      --set depth:1:1: error[E306]: \`depth\` takes a whole number, got the number 2.5
        1 | 2.5
          | ^^^
      --set placement:1:1: error[E306]: \`placement\` takes one of pre, out, post, sandwich, none, got the word \`middle\`
        1 | middle
          | ^^^^^^
      --set act:1:1: error[E202]: there is no layer called \`reul\`
        1 | reul
          | ^^^^
        help: did you mean \`relu\`?
      "
    `);
    expect(messages(text, { settings: { width: true, depth: "2; relu" } })).toMatchInlineSnapshot(`
      "
      --set width:1:1: error[E542]: \`width\` takes a whole number
        1 | true
          | ^^^^
      --set depth:1:1: error[E542]: \`depth\` takes a whole number
        1 | 2; relu
          | ^^^^^^^
      "
    `);
  });

  test("a checkpoint that the model refuses", () => {
    expect(messages(text, { config: { hidden_size: 4, hidden_act: "gelu" } })).toMatchInlineSnapshot(`
      "
      model.lmg:2:56: error[E545]: config.json: silu, not gelu
        2 |   config { width = hidden_size; depth = layers; assert hidden_act == "silu", "silu, not {hidden_act}" }
          |                                                        ^^^^^^^^^^^^^^^^^^^^ \`hidden_act\` is "gelu"
      "
    `);
  });

  test("a config's value of the wrong kind, an object, and a line for no parameter", () => {
    expect(messages(text, { config: { hidden_size: "four", layers: { n: 3 }, hidden_act: "silu" } }))
      .toMatchInlineSnapshot(`
        "
        model.lmg:2:20: error[E551]: config.json: \`hidden_size\` is "four", and \`width\` takes a whole number
          2 |   config { width = hidden_size; depth = layers; assert hidden_act == "silu", "silu, not {hidden_act}" }
            |                    ^^^^^^^^^^^
        model.lmg:2:41: error[E551]: config.json: \`layers\` is an object, and \`depth\` takes a whole number
          2 |   config { width = hidden_size; depth = layers; assert hidden_act == "silu", "silu, not {hidden_act}" }
            |                                         ^^^^^^
          help: its parts have dotted names: \`layers.part\`
        "
      `);
    expect(messages(text.replace("depth = layers", "dept = layers"), { config: {} })).toMatchInlineSnapshot(`
      "
      model.lmg:2:33: error[E543]: the model has no parameter called \`dept\`
        2 |   config { width = hidden_size; dept = layers; assert hidden_act == "silu", "silu, not {hidden_act}" }
          |                                 ^^^^
        help: did you mean \`depth\`?
      model.lmg:2:55: error[E545]: config.json: silu, not none
        2 |   config { width = hidden_size; dept = layers; assert hidden_act == "silu", "silu, not {hidden_act}" }
          |                                                       ^^^^^^^^^^^^^^^^^^^^ the checkpoint does not keep this
      "
    `);
  });

  test("a parameter without a value", () => {
    expect(messages("model m(width: int) { input x: f32[B, width]; output y }")).toMatchInlineSnapshot(`
      "
      model.lmg:1:9: error[E227]: the model's parameter \`width\` has no value
        1 | model m(width: int) { input x: f32[B, width]; output y }
          |         ^^^^^^^^^^
        help: give it a default, or \`--set width=…\`
      "
    `);
  });
});

describe("training", () => {
  const train = (lines: string): string =>
    mistakes(`  l: linear(8) as y\n  train {\n    target t: f32[B, 8]\n${lines}\n  }`);

  test("a loss that is no number, or none", () => {
    expect(train("    loss y")).toMatchInlineSnapshot(`
      "
      model.lmg:6:10: error[E565]: a loss is one number, but this is a tensor f32[B, 8]
        6 |     loss y
          |          ^
        help: \`cross_entropy\`, \`mean_squared_error\`, or \`mean\` of all elements give one
      "
    `);
    expect(train("    batch 4")).toMatchInlineSnapshot(`
      "
      model.lmg:4:3: error[E564]: \`train\` has no \`loss\`
        4 |   train {
          |   ^^^^^^^
        help: for example \`loss (logits, label) -> cross_entropy\`
      "
    `);
  });

  test("optimizers and schedules", () => {
    expect(
      train(
        "    loss (y, t) -> mean_squared_error\n    optimizer adom(lr: 1)\n    schedule cosine(warmup: -1)",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:7:15: error[E570]: there is no optimizer called \`adom\`
        7 |     optimizer adom(lr: 1)
          |               ^^^^
        help: did you mean \`adam\`?
      model.lmg:8:21: error[E572]: cosine's \`warmup\` is at least 0
        8 |     schedule cosine(warmup: -1)
          |                     ^^^^^^^^^^
      "
    `);
    expect(train("    loss (y, t) -> mean_squared_error\n    optimizer adam(betas: [0.9])\n    schedule 3"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:7:15: error[E571]: \`adam\` needs \`lr\`
        7 |     optimizer adam(betas: [0.9])
          |               ^^^^^^^^^^^^^^^^^^
        help: for example \`adam(lr: 1e-3)\`
      model.lmg:8:14: error[E569]: \`schedule\` takes one of \`constant\`, \`linear\`, \`cosine\` and \`wsd\`, with its options in parentheses
        8 |     schedule 3
          |              ^
      "
    `);
  });

  test("augmentations of what is no input, by what is no way, twice", () => {
    expect(
      train(
        [
          "    loss (y, t) -> mean_squared_error",
          "    augment x",
          "    augment z -> shift(1)",
          "    augment t -> shift(1)",
          "    augment x -> shft(1)",
          "    augment x -> shift",
          "    augment x -> shift(0)",
          "    augment x -> shift(1)",
        ].join("\n"),
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:7:13: error[E573]: \`augment\` takes an input and one way to change it at random
        7 |     augment x
          |             ^
        help: for example \`augment image -> shift(1)\`
      model.lmg:8:13: error[E574]: there is no input called \`z\`
        8 |     augment z -> shift(1)
          |             ^
        help: the model takes \`x\`
      model.lmg:9:13: error[E574]: there is no input called \`t\`
        9 |     augment t -> shift(1)
          |             ^
        help: the model takes \`x\`
      model.lmg:10:18: error[E570]: there is no augmentation called \`shft\`
        10 |     augment x -> shft(1)
           |                  ^^^^
        help: did you mean \`shift\`?
      model.lmg:11:18: error[E571]: \`shift\` needs \`pixels\`
        11 |     augment x -> shift
           |                  ^^^^^
        help: for example \`shift(pixels: 1)\`
      model.lmg:12:24: error[E572]: shift's \`pixels\` is at least 1
        12 |     augment x -> shift(0)
           |                        ^
      model.lmg:13:13: error[E574]: \`x\` is augmented twice
        13 |     augment x -> shift(1)
           |             ^
      "
    `);
  });

  test("numbers out of range, settings that stand twice", () => {
    expect(
      train(
        "    loss (y, t) -> mean_squared_error\n    batch 0\n    clip 0\n    epochs 2\n    steps 3\n    batch 4\n    data 5",
      ),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:7:11: error[E568]: \`batch\` is at least 1, got 0
        7 |     batch 0
          |           ^
      model.lmg:8:10: error[E568]: \`clip\` is above 0, got 0
        8 |     clip 0
          |          ^
      model.lmg:10:5: error[E566]: the length of the training is given twice, in epochs and in steps
        10 |     steps 3
           |     ^^^^^^^
         9 |     epochs 2
           |     ^^^^^^^^ the epochs
      model.lmg:11:5: error[E562]: \`batch\` stands twice in \`train\`
        11 |     batch 4
           |     ^^^^^
         7 |     batch 0
           |     ^^^^^^^ the first one
      model.lmg:12:10: error[E306]: \`data\` takes a text, got the whole number 5
        12 |     data 5
           |          ^
      "
    `);
  });

  test("a target with an input's name, and one of another shape than the loss needs", () => {
    expect(train("    target x: f32[B, 8]\n    target u: f32[B, 4]\n    loss (y, u) -> mean_squared_error"))
      .toMatchInlineSnapshot(`
      "
      model.lmg:6:12: error[E563]: there is an input called \`x\` already
        6 |     target x: f32[B, 8]
          |            ^
        2 |   input x: f32[B, 8]
          |   ^^^^^^^^^^^^^^^^^^ the first one
      model.lmg:8:20: error[E414]: \`mean_squared_error\`: expected the shape of x, f32[B, 8], got f32[B, 4]
        8 |     loss (y, u) -> mean_squared_error
          |                    ^^^^^^^^^^^^^^^^^^
        7 |     target u: f32[B, 4]
          |     ^^^^^^^^^^^^^^^^^^^ this is f32[B, 4]
      "
    `);
  });
});
