import { describe, expect, test } from "vitest";
import { mistakesIn, mistakesOf } from "./support.ts";

/* Each message is read as a person would: is it true, does it point at the place, does it say what to write? */

test("several inputs in one statement", () => {
  expect(mistakesOf("input x: f32[B, 8], y: f32[B]")).toMatchInlineSnapshot(`
    "m:2:21: error[E148]: \`input\` takes one name, found \`,\`
      2 |   input x: f32[B, 8], y: f32[B]
        |                     ^
      help: each input is a statement: \`input first: f32[B]; input second: f32[B]\`"
  `);
});

describe("mistakes in arrows", () => {
  test.each([
    ["norm: rmsnorm if c else none", "let f = rmsnorm if c else none", "norm: f"],
    [
      "x -> linear(8, bias: false) -> ln: rmsnorm(eps: 1) if c and d else linear(8)",
      "let f = rmsnorm(eps: 1) if c and d else linear(8)",
      "x -> linear(8, bias: false) -> ln: f",
    ],
    ["y = (x -> rmsnorm if c else none) + x", "let f = rmsnorm if c else none", "x -> f"],
  ])("%s", (text, choice, use) => {
    const said = mistakesOf(text);
    expect(said).toContain("error[E176]: a layer is not chosen where it is applied\n");
    expect(said).toMatch(/help: .*$/);
    expect(said.split("help: ")[1]).toBe(`choose it before, \`${choice}\`, and write \`${use}\``);
    expect(mistakesOf(`${choice}\n  ${use}`)).toBe("");
  });

  test.each([
    ["x -> not\n  output y", "not x"],
    ["m = x > 0 -> not\n  (m -> relu)", "not (x > 0)"],
  ])("%j", (text, fix) => {
    const said = mistakesOf(text);
    expect(said).toContain("error[E156]: after `->` stands a layer, found `not`\n");
    expect(said).toContain(`help: it stands before a value: \`${fix}\``);
  });

  test("x - > relu", () => {
    expect(mistakesOf("x - > relu")).toMatchInlineSnapshot(`
      "m:2:5: error[E120]: an arrow is written \`->\`, not \`- >\`
        2 |   x - > relu
          |     ^^^ write \`->\`"
    `);
  });

  test("dense: linear(dim) => relu", () => {
    expect(mistakesOf("dense: linear(dim) => relu")).toMatchInlineSnapshot(`
      "m:2:22: error[E120]: an arrow is written \`->\`, not \`=>\`
        2 |   dense: linear(dim) => relu
          |                      ^^ write \`->\`"
    `);
  });

  test("x → relu", () => {
    expect(mistakesOf("x → relu")).toMatchInlineSnapshot(`
      "m:2:5: error[E120]: an arrow is written \`->\`, not \`→\`
        2 |   x → relu
          |     ^ write \`->\`"
    `);
  });

  test("y = x -> -> relu", () => {
    expect(mistakesOf("y = x -> -> relu")).toMatchInlineSnapshot(`
      "m:2:12: error[E156]: after \`->\` stands a layer, found another \`->\`
        2 |   y = x -> -> relu
          |            ^^
        help: leave one of the arrows out"
    `);
  });

  test("y = x ->", () => {
    expect(mistakesOf("y = x ->")).toMatchInlineSnapshot(`
      "m:2:11: error[E156]: after \`->\` stands a layer, found the end of the statement
        2 |   y = x ->
          |           ^
        help: add the layer, or leave the arrow out"
    `);
  });

  test("x -> 3 * relu", () => {
    expect(mistakesOf("x -> 3 * relu")).toMatchInlineSnapshot(`
      "m:2:8: error[E156]: after \`->\` stands a layer, found \`3\`
        2 |   x -> 3 * relu
          |        ^
        help: write \`3 * (x -> relu)\`"
    `);
  });

  test("x -> (f, g)", () => {
    expect(mistakesOf("x -> (f, g)")).toMatchInlineSnapshot(`
      "m:2:8: error[E156]: after \`->\` stands a layer, found \`(\`
        2 |   x -> (f, g)
          |        ^
        help: several branches that are summed stand in \`parallel { … }\`"
    `);
  });

  test("x -> f + y", () => {
    expect(mistakesOf("x -> f + y")).toMatchInlineSnapshot(`
      "m:2:10: error[E157]: \`+\` cannot follow a layer: \`->\` binds loosest
        2 |   x -> f + y
          |          ^
        help: write \`(x -> f) + y\`"
    `);
  });

  test("a: linear(dim) + x", () => {
    expect(mistakesOf("a: linear(dim) + x")).toMatchInlineSnapshot(`
      "m:2:18: error[E157]: \`+\` cannot follow a layer: \`->\` binds loosest
        2 |   a: linear(dim) + x
          |                  ^
        help: write \`(a: linear(dim)) + x\`"
    `);
  });

  test("y = x * (z -> f / 2)", () => {
    expect(mistakesOf("y = x * (z -> f / 2)")).toMatchInlineSnapshot(`
      "m:2:19: error[E157]: \`/\` cannot follow a layer: \`->\` binds loosest
        2 |   y = x * (z -> f / 2)
          |                   ^
        help: write \`(z -> f) / 2\`"
    `);
  });

  test("f(x -> g)", () => {
    expect(mistakesOf("f(x -> g)")).toMatchInlineSnapshot(`
      "m:2:7: error[E158]: no chain can stand in an argument
        2 |   f(x -> g)
          |       ^^
        help: arguments are known before the model runs; give the chain's value through an arrow: \`(a, b) -> layer\`"
    `);
  });

  test("let f = x -> relu", () => {
    expect(mistakesOf("let f = x -> relu")).toMatchInlineSnapshot(`
      "m:2:13: error[E158]: no chain can stand in a \`let\`
        2 |   let f = x -> relu
          |             ^^
        help: \`let\` is for compile time; for tensors write \`f = x -> relu\`"
    `);
  });

  test("output x -> relu", () => {
    expect(mistakesOf("output x -> relu")).toMatchInlineSnapshot(`
      "m:2:12: error[E158]: no chain can stand in an \`output\`
        2 |   output x -> relu
          |            ^^
        help: put the chain on the line above: an output gives the value of its name, or the stream if there is none"
    `);
  });

  test("-> tanh", () => {
    expect(mistakesOf("-> tanh")).toMatchInlineSnapshot(`
      "m:2:3: error[E141]: a statement cannot begin with \`->\`
        2 |   -> tanh
          |   ^^
        help: a chain starts with a value or a layer; a layer alone starts at the stream"
    `);
  });
});

describe("mistakes in arguments and lists", () => {
  test("attend(causal = true)", () => {
    expect(mistakesOf("attend(causal = true)")).toMatchInlineSnapshot(`
      "m:2:17: error[E151]: an argument is named with \`:\`, not with \`=\`
        2 |   attend(causal = true)
          |                 ^ write \`causal: true\`"
    `);
  });

  test("f(a b)", () => {
    expect(mistakesOf("f(a b)")).toMatchInlineSnapshot(`
      "m:2:7: error[E154]: a comma is missing before \`b\`
        2 |   f(a b)
          |       ^"
    `);
  });

  test("output y: f32[B dim]", () => {
    expect(mistakesOf("output y: f32[B dim]")).toMatchInlineSnapshot(`
      "m:2:19: error[E154]: a comma is missing before \`dim\`
        2 |   output y: f32[B dim]
          |                   ^^^"
    `);
  });

  test("f(a,,b)", () => {
    expect(mistakesOf("f(a,,b)")).toMatchInlineSnapshot(`
      "m:2:7: error[E155]: nothing stands between this comma and what is before it
        2 |   f(a,,b)
          |       ^"
    `);
  });

  test("f(a; b)", () => {
    expect(mistakesOf("f(a; b)")).toMatchInlineSnapshot(`
      "m:2:6: error[E105]: \`;\` ends a statement, but a \`(\` is still open
        2 |   f(a; b)
          |      ^
        2 |   f(a; b)
          |    ^ opened here
        help: close the \`(\` first, or write a comma"
    `);
  });

  test("f(a]", () => {
    expect(mistakesOf("f(a]")).toMatchInlineSnapshot(`
      "m:2:6: error[E104]: expected \`)\`, found \`]\`
        2 |   f(a]
          |      ^
        2 |   f(a]
          |    ^ \`)\` would close this"
    `);
  });

  test("x -> f(3", () => {
    expect(mistakesOf("x -> f(3")).toMatchInlineSnapshot(`
      "m:2:9: error[E102]: this \`(\` is never closed
        2 |   x -> f(3
          |         ^
        3 | }
          | ^ it should be closed before this
        help: write \`)\` where it ends"
    `);
  });

  test("f(a))", () => {
    expect(mistakesOf("f(a))")).toMatchInlineSnapshot(`
      "m:2:7: error[E103]: this \`)\` closes nothing
        2 |   f(a))
          |       ^"
    `);
  });

  test("f(3)[0]", () => {
    expect(mistakesOf("f(3)[0]")).toMatchInlineSnapshot(`
      "m:2:7: error[E169]: \`[\` cannot follow the arguments of a layer
        2 |   f(3)[0]
          |       ^
        help: name its result with \`name = …\`, or go on with \`-> select(…)\`"
    `);
  });
});

describe("mistakes in bindings and conditions", () => {
  test("let n == 3", () => {
    expect(mistakesOf("let n == 3")).toMatchInlineSnapshot(`
      "m:2:9: error[E150]: \`==\` compares; it does not bind a name
        2 |   let n == 3
          |         ^^ write \`=\`"
    `);
  });

  test("if a = b { f }", () => {
    expect(mistakesOf("if a = b { f }")).toMatchInlineSnapshot(`
      "m:2:8: error[E149]: \`=\` binds a name; it does not compare
        2 |   if a = b { f }
          |        ^ write \`==\`"
    `);
  });

  test("a += 3", () => {
    expect(mistakesOf("a += 3")).toMatchInlineSnapshot(`
      "m:2:5: error[E167]: \`+=\` is not an operator
        2 |   a += 3
          |     ^^ write \`a = a + 3\`"
    `);
  });

  test("q, k = x", () => {
    expect(mistakesOf("q, k = x")).toMatchInlineSnapshot(`
      "m:2:3: error[E153]: only a name, or names in parentheses, can be bound, found \`q, k\`
        2 |   q, k = x
          |   ^^^^
        help: write \`(q, k) = …\`"
    `);
  });

  test("x.y = 3", () => {
    expect(mistakesOf("x.y = 3")).toMatchInlineSnapshot(`
      "m:2:3: error[E153]: only a name, or names in parentheses, can be bound, found \`x.y\`
        2 |   x.y = 3
          |   ^^^
        help: bind a name, and use it"
    `);
  });

  test("output y = x, output y: f32[B] = x", () => {
    expect(mistakesOf("output y = x")).toMatchInlineSnapshot(`
      "m:2:12: error[E175]: an output is a value that has its name, or else the stream; it takes no \`=\`
        2 |   output y = x
          |            ^
        help: bind the name before: \`y = x; output y\`"
    `);
    expect(mistakesOf("output y: f32[B] = x")).toMatchInlineSnapshot(`
      "m:2:20: error[E175]: an output is a value that has its name, or else the stream; it takes no \`=\`
        2 |   output y: f32[B] = x
          |                    ^
        help: bind the name before: \`y = x; output y: f32[B]\`"
    `);
  });

  test("x: f32[B] = 3", () => {
    expect(mistakesOf("x: f32[B] = 3")).toMatchInlineSnapshot(`
      "m:2:3: error[E153]: only a name, or names in parentheses, can be bound, found \`x: f32[B]\`
        2 |   x: f32[B] = 3
          |   ^^^^^^^^^
        help: only an input has a type here: \`input x: f32[B] = …\`; a value takes one with \`as x: f32[B]\`"
    `);
  });

  test("let n", () => {
    expect(mistakesOf("let n")).toMatchInlineSnapshot(`
      "m:2:8: error[E140]: expected \`=\`, found the end of the statement
        2 |   let n
          |        ^"
    `);
  });

  test("out = 3", () => {
    expect(mistakesOf("out = 3")).toMatchInlineSnapshot(`
      "m:2:3: error[E124]: \`out\` is a word of the language and cannot name a value
        2 |   out = 3
          |   ^^^
        help: it is free as a label and as an argument's name; choose another name here"
    `);
  });

  test("T = 4", () => {
    expect(mistakesOf("T = 4")).toMatchInlineSnapshot(`
      "m:2:3: error[E125]: the name of a value begins with a small letter or \`_\`, unlike \`T\`
        2 |   T = 4
          |   ^
        help: capitals are the run-time dims of shapes, like \`B\` and \`T\`"
    `);
  });

  test("x -> relu as", () => {
    expect(mistakesOf("x -> relu as")).toMatchInlineSnapshot(`
      "m:2:15: error[E159]: after \`as\` stands a name, found the end of the statement
        2 |   x -> relu as
          |               ^"
    `);
  });

  test("x as if", () => {
    expect(mistakesOf("x as if")).toMatchInlineSnapshot(`
      "m:2:8: error[E124]: \`if\` is a word of the language and cannot name a value
        2 |   x as if
          |        ^^
        help: it is free as a label and as an argument's name; choose another name here"
    `);
  });

  test("y = a < b < c", () => {
    expect(mistakesOf("y = a < b < c")).toMatchInlineSnapshot(`
      "m:2:13: error[E122]: comparisons do not chain
        2 |   y = a < b < c
          |             ^
        2 |   y = a < b < c
          |         ^ this one is complete
        help: write \`a < b and b < c\`"
    `);
  });

  test("y = a == not b", () => {
    expect(mistakesOf("y = a == not b")).toMatchInlineSnapshot(`
      "m:2:12: error[E123]: \`not\` binds looser than the operator before it
        2 |   y = a == not b
          |            ^^^
        help: put it in parentheses: \`(not …)\`"
    `);
  });
});

describe("mistakes in statements", () => {
  test("resdual pre ln: norm { f }", () => {
    expect(mistakesOf("resdual pre ln: norm { f }")).toMatchInlineSnapshot(`
      "m:2:3: error[E142]: no statement begins with \`resdual\`
        2 |   resdual pre ln: norm { f }
          |   ^^^^^^^
        help: did you mean \`residual\`?"
    `);
  });

  test("inptu x: f32[B]", () => {
    expect(mistakesOf("inptu x: f32[B]")).toMatchInlineSnapshot(`
      "m:2:3: error[E142]: no statement begins with \`inptu\`
        2 |   inptu x: f32[B]
          |   ^^^^^
        help: did you mean \`input\`?"
    `);
  });

  test("for i in 3 { f }", () => {
    expect(mistakesOf("for i in 3 { f }")).toMatchInlineSnapshot(`
      "m:2:3: error[E142]: no statement begins with \`for\`
        2 |   for i in 3 { f }
          |   ^^^
        help: repeat with \`repeat n as label[i] { … }\`"
    `);
  });

  test("return x", () => {
    expect(mistakesOf("return x")).toMatchInlineSnapshot(`
      "m:2:3: error[E142]: no statement begins with \`return\`
        2 |   return x
          |   ^^^^^^
        help: a block's result is its stream, or what \`output name\` says"
    `);
  });

  test("block b(x: int) { f }", () => {
    expect(mistakesOf("block b(x: int) { f }")).toMatchInlineSnapshot(`
      "m:2:3: error[E144]: \`block\` stands at the top of a file, not inside of a definition
        2 |   block b(x: int) { f }
          |   ^^^^^"
    `);
  });

  test('use "./a.lmg"', () => {
    expect(mistakesOf('use "./a.lmg"')).toMatchInlineSnapshot(`
      "m:2:3: error[E144]: \`use\` stands at the top of a file, not inside of a definition
        2 |   use "./a.lmg"
          |   ^^^"
    `);
  });

  test("else { f }", () => {
    expect(mistakesOf("else { f }")).toMatchInlineSnapshot(`
      "m:2:3: error[E141]: a statement cannot begin with \`else\`
        2 |   else { f }
          |   ^^^^
        help: it follows the \`}\` of an \`if\`"
    `);
  });

  test("as y", () => {
    expect(mistakesOf("as y")).toMatchInlineSnapshot(`
      "m:2:3: error[E141]: a statement cannot begin with \`as\`
        2 |   as y
          |   ^^
        help: it names what stands before it, on the same line: \`stream as start\`"
    `);
  });

  test("pre ln: norm", () => {
    expect(mistakesOf("pre ln: norm")).toMatchInlineSnapshot(`
      "m:2:3: error[E142]: no statement begins with \`pre\`
        2 |   pre ln: norm
          |   ^^^
        help: \`pre\` is a clause of an edge: \`residual pre … { … }\`"
    `);
  });

  test("if a { f } elif b { g }", () => {
    expect(mistakesOf("if a { f } elif b { g }")).toMatchInlineSnapshot(`
      "m:2:14: error[E142]: no statement begins with \`elif\`
        2 |   if a { f } elif b { g }
          |              ^^^^
        help: write \`else if\`"
    `);
  });

  test("- x", () => {
    expect(mistakesOf("- x")).toMatchInlineSnapshot(`
      "m:2:3: error[E141]: a statement cannot begin with \`-\`
        2 |   - x
          |   ^
        help: put the \`-\` at the end of the line above"
    `);
  });

  test("input x", () => {
    expect(mistakesOf("input x")).toMatchInlineSnapshot(`
      "m:2:10: error[E164]: \`x\` needs a type, found the end of the statement
        2 |   input x
          |          ^
        help: for example \`input x: f32[B, 64]\`"
    `);
  });

  test("input x f32[B]", () => {
    expect(mistakesOf("input x f32[B]")).toMatchInlineSnapshot(`
      "m:2:11: error[E164]: \`x\` needs a type, found \`f32\`
        2 |   input x f32[B]
          |           ^^^
        help: for example \`input x: f32[B, 64]\`"
    `);
  });

  test("input x: float32[B]", () => {
    expect(mistakesOf("input x: float32[B]")).toMatchInlineSnapshot(`
      "m:2:12: error[E127]: \`float32\` is not a type of elements
        2 |   input x: float32[B]
          |            ^^^^^^^ did you mean \`f32\`?
        help: the types are f64, f32, f16, bf16, i64, i32, u32, i16, i8, u8 and bool"
    `);
  });

  test("input x: f32[n <= 4, T < 5]", () => {
    expect(mistakesOf("input x: f32[n <= 4, T < 5]")).toMatchInlineSnapshot(`
      "m:2:16: error[E129]: only a run-time dim, a name with a capital like \`T\`, takes a bound
        2 |   input x: f32[n <= 4, T < 5]
          |                ^
      m:2:26: error[E128]: a dim can be bounded with \`<=\` only, found \`<\`
        2 |   input x: f32[n <= 4, T < 5]
          |                          ^
        help: \`T <= ctx\` binds T and says that it is at most ctx"
    `);
  });

  test("output (a, b)", () => {
    expect(mistakesOf("output (a, b)")).toMatchInlineSnapshot(`
      "m:2:10: error[E148]: \`output\` takes one name, found \`(\`
        2 |   output (a, b)
          |          ^
        help: each output is a statement: \`output first; output second\`"
    `);
  });

  test("output y, z", () => {
    expect(mistakesOf("output y, z")).toMatchInlineSnapshot(`
      "m:2:11: error[E148]: \`output\` takes one name, found \`,\`
        2 |   output y, z
          |           ^
        help: each output is a statement: \`output first; output second\`"
    `);
  });

  test("assert dim > 0", () => {
    expect(mistakesOf("assert dim > 0")).toMatchInlineSnapshot(`
      "m:2:17: error[E163]: \`assert\` needs a message, found the end of the statement
        2 |   assert dim > 0
          |                 ^
        help: write \`assert condition, "what is wrong, with {values}"\`"
    `);
  });

  test('assert dim > 0 "positive"', () => {
    expect(mistakesOf('assert dim > 0 "positive"')).toMatchInlineSnapshot(`
      "m:2:18: error[E154]: a comma is missing before the message
        2 |   assert dim > 0 "positive"
          |                  ^^^^^^^^^^"
    `);
  });

  test("assert a, b", () => {
    expect(mistakesOf("assert a, b")).toMatchInlineSnapshot(`
      "m:2:13: error[E163]: \`assert\` needs a message, found \`b\`
        2 |   assert a, b
          |             ^
        help: write \`assert condition, "what is wrong, with {values}"\`"
    `);
  });

  test("if dim == 3 relu", () => {
    expect(mistakesOf("if dim == 3 relu")).toMatchInlineSnapshot(`
      "m:2:15: error[E147]: \`if\` needs a body in braces here, found \`relu\`
        2 |   if dim == 3 relu
          |               ^^^^ expected \`{\`"
    `);
  });

  test("if a { f } else g", () => {
    expect(mistakesOf("if a { f } else g")).toMatchInlineSnapshot(`
      "m:2:19: error[E147]: \`else\` needs a body in braces here, found \`g\`
        2 |   if a { f } else g
          |                   ^ expected \`{\`"
    `);
  });

  test("repeat as h { f }", () => {
    expect(mistakesOf("repeat as h { f }")).toMatchInlineSnapshot(`
      "m:2:10: error[E148]: \`repeat\` needs a count, found \`as\`
        2 |   repeat as h { f }
          |          ^^
        help: write \`repeat 3 { … }\`, \`repeat 3 as label[i] { … }\` or \`repeat 2..6 as label[i] { … }\`"
    `);
  });

  test("repeat i in 3 { f }", () => {
    expect(mistakesOf("repeat i in 3 { f }")).toMatchInlineSnapshot(`
      "m:2:12: error[E148]: \`repeat\` takes a count or a range, not \`in\`
        2 |   repeat i in 3 { f }
          |            ^^
        help: write \`repeat 3 { … }\`, \`repeat 3 as label[i] { … }\` or \`repeat 2..6 as label[i] { … }\`"
    `);
  });

  test("repeat 3 as h checkpoint { f }", () => {
    expect(mistakesOf("repeat 3 as h checkpoint { f }")).toMatchInlineSnapshot(`
      "m:2:17: error[E148]: \`checkpoint\` stands behind the count
        2 |   repeat 3 as h checkpoint { f }
          |                 ^^^^^^^^^^
        help: write \`repeat 3 checkpoint as label[i] { … }\`"
    `);
  });

  test("repeat 3 as h", () => {
    expect(mistakesOf("repeat 3 as h")).toMatchInlineSnapshot(`
      "m:2:16: error[E147]: \`repeat\` needs a body in braces here, found the end of the statement
        2 |   repeat 3 as h
          |                ^ expected \`{\`"
    `);
  });

  test("repeat 0...3 { f }", () => {
    expect(mistakesOf("repeat 0...3 { f }")).toMatchInlineSnapshot(`
      "m:2:11: error[E167]: \`...\` is not an operator
        2 |   repeat 0...3 { f }
          |           ^^^ write \`..\`"
    `);
  });

  test("parallel as y { f }", () => {
    expect(mistakesOf("parallel as y { f }")).toMatchInlineSnapshot(`
      "m:2:12: error[E148]: \`parallel\` needs a body in braces, found \`as\`
        2 |   parallel as y { f }
          |            ^^
        help: write \`parallel { a; b }\`, with \`as name\` after the body"
    `);
  });

  test("a: f b: g", () => {
    expect(mistakesOf("a: f b: g")).toMatchInlineSnapshot(`
      "m:2:8: error[E168]: expected the end of the statement, found \`b\`
        2 |   a: f b: g
          |        ^
        help: statements stand on lines of their own, or are separated by \`;\`; between a value and a layer stands \`->\`"
    `);
  });

  test("linear(dim) x", () => {
    expect(mistakesOf("linear(dim) x")).toMatchInlineSnapshot(`
      "m:2:15: error[E168]: expected the end of the statement, found \`x\`
        2 |   linear(dim) x
          |               ^
        help: statements stand on lines of their own, or are separated by \`;\`; between a value and a layer stands \`->\`"
    `);
  });
});

describe("mistakes in edges", () => {
  test("residual pre ln_1: layernorm out ln_2: layernorm { f }", () => {
    expect(mistakesOf("residual pre ln_1: layernorm out ln_2: layernorm { f }")).toMatchInlineSnapshot(`
      "m:2:32: error[E154]: a comma is missing before the clause \`out\`
        2 |   residual pre ln_1: layernorm out ln_2: layernorm { f }
          |                                ^^^"
    `);
  });

  test("residual from x skip 2 { f }", () => {
    expect(mistakesOf("residual from x skip 2 { f }")).toMatchInlineSnapshot(`
      "m:2:19: error[E154]: a comma is missing before the clause \`skip\`
        2 |   residual from x skip 2 { f }
          |                   ^^^^"
    `);
  });

  test("residual ln: norm { f }", () => {
    expect(mistakesOf("residual ln: norm { f }")).toMatchInlineSnapshot(`
      "m:2:12: error[E161]: a norm needs its position: \`ln:\` is only its label
        2 |   residual ln: norm { f }
          |            ^^
        help: write \`residual pre ln: norm { … }\`, or \`post\`, \`out\`, \`sandwich\`"
    `);
  });

  test("residual pre { f }", () => {
    expect(mistakesOf("residual pre { f }")).toMatchInlineSnapshot(`
      "m:2:16: error[E161]: after \`pre\` stands a norm, found \`{\`
        2 |   residual pre { f }
          |                ^
        help: for example \`pre ln: layernorm\`"
    `);
  });

  test("residual pre ln_1 norm { f }", () => {
    expect(mistakesOf("residual pre ln_1 norm { f }")).toMatchInlineSnapshot(`
      "m:2:21: error[E161]: expected \`:\` after the label \`ln_1\`
        2 |   residual pre ln_1 norm { f }
          |                     ^^^^
        help: write \`pre ln_1: norm\`"
    `);
  });

  test("residual pre ln: { f }", () => {
    expect(mistakesOf("residual pre ln: { f }")).toMatchInlineSnapshot(`
      "m:2:20: error[E160]: after the label \`ln:\` stands a layer, found \`{\`
        2 |   residual pre ln: { f }
          |                    ^"
    `);
  });

  test("residual pre ln, { f }", () => {
    expect(mistakesOf("residual pre ln, { f }")).toMatchInlineSnapshot(`
      "m:2:20: error[E161]: after the comma stands another clause, found \`{\`
        2 |   residual pre ln, { f }
          |                    ^
        help: a clause begins with pre, out, post, sandwich, from, skip, branch, init, or a parameter of kind placement"
    `);
  });

  test("residual init { f }", () => {
    expect(mistakesOf("residual init { f }")).toMatchInlineSnapshot(`
      "m:2:17: error[E161]: after \`init\` stands a factor, found \`{\`
        2 |   residual init { f }
          |                 ^
        help: for example \`init 0.5\`"
    `);
  });

  test("residual init ln: norm { f }", () => {
    expect(mistakesOf("residual init ln: norm { f }")).toMatchInlineSnapshot(`
      "m:2:19: error[E161]: after \`init\` stands a factor, not a layer
        2 |   residual init ln: norm { f }
          |                   ^
        help: for example \`init 0.5\`"
    `);
  });

  test("residual init 2 pre ln: norm { f }", () => {
    expect(mistakesOf("residual init 2 pre ln: norm { f }")).toMatchInlineSnapshot(`
      "m:2:19: error[E154]: a comma is missing before the clause \`pre\`
        2 |   residual init 2 pre ln: norm { f }
          |                   ^^^"
    `);
  });

  test("init 0.5 { f }", () => {
    expect(mistakesOf("init 0.5 { f }")).toMatchInlineSnapshot(`
      "m:2:3: error[E142]: no statement begins with \`init\`
        2 |   init 0.5 { f }
          |   ^^^^
        help: \`init\` is a clause of an edge: \`residual init 0.5 { … }\`"
    `);
  });

  test("allow a b", () => {
    expect(mistakesOf("allow a b")).toMatchInlineSnapshot(`
      "m:2:11: error[E148]: \`allow\` takes names of lints, with commas between them, found \`b\`
        2 |   allow a b
          |           ^
        help: for example \`allow no_final_norm, unread_tap\`"
    `);
  });

  test("allow 3", () => {
    expect(mistakesOf("allow 3")).toMatchInlineSnapshot(`
      "m:2:9: error[E148]: \`allow\` takes names of lints, with commas between them, found \`3\`
        2 |   allow 3
          |         ^
        help: for example \`allow no_final_norm, unread_tap\`"
    `);
  });

  test("residual placement { f }", () => {
    expect(mistakesOf("residual placement { f }")).toMatchInlineSnapshot(`
      "m:2:22: error[E161]: after the position \`placement\` stands a norm, found \`{\`
        2 |   residual placement { f }
          |                      ^
        help: if \`placement\` is the branch, put it in braces: \`residual { placement }\`"
    `);
  });

  test("residual relu", () => {
    expect(mistakesOf("residual relu")).toMatchInlineSnapshot(`
      "m:2:16: error[E161]: after the position \`relu\` stands a norm, found the end of the statement
        2 |   residual relu
          |                ^
        help: if \`relu\` is the branch, put it in braces: \`residual { relu }\`"
    `);
  });

  test("residual from a + b", () => {
    expect(mistakesOf("residual from a + b")).toMatchInlineSnapshot(`
      "m:2:19: error[E162]: \`from\` takes a name, or a chain in parentheses
        2 |   residual from a + b
          |                   ^
        help: write \`from (a + b)\`"
    `);
  });

  test("residual from f(x) { g }", () => {
    expect(mistakesOf("residual from f(x) { g }")).toMatchInlineSnapshot(`
      "m:2:18: error[E162]: \`from\` takes a name, or a chain in parentheses
        2 |   residual from f(x) { g }
          |                  ^
        help: write \`from (f(x))\`"
    `);
  });

  test("residual", () => {
    expect(mistakesOf("residual")).toMatchInlineSnapshot(`
      "m:2:3: error[E133]: this edge has neither a body nor \`from\`: it would double the stream
        2 |   residual
          |   ^^^^^^^^
        help: give it a branch, \`residual { … }\`, or a value to add, \`residual from x0\`"
    `);
  });

  test("residual pre ln", () => {
    expect(mistakesOf("residual pre ln")).toMatchInlineSnapshot(`
      "m:2:3: error[E133]: this edge has neither a body nor \`from\`: it would double the stream
        2 |   residual pre ln
          |   ^^^^^^^^^^^^^^^
        help: give it a branch, \`residual { … }\`, or a value to add, \`residual from x0\`"
    `);
  });
});

describe("mistakes in literals", () => {
  test("a = .5", () => {
    expect(mistakesOf("a = .5")).toMatchInlineSnapshot(`
      "m:2:7: error[E166]: \`.5\` is not a number
        2 |   a = .5
          |       ^^ write \`0.5\`"
    `);
  });

  test("a = 1.", () => {
    expect(mistakesOf("a = 1.")).toMatchInlineSnapshot(`
      "m:2:7: error[E166]: \`1.\` is not a number
        2 |   a = 1.
          |       ^^ write \`1.0\`"
    `);
  });

  test("a = 5x", () => {
    expect(mistakesOf("a = 5x")).toMatchInlineSnapshot(`
      "m:2:7: error[E166]: \`5x\` is not a number
        2 |   a = 5x
          |       ^^ write \`5 * x\`"
    `);
  });

  test("a = 1_000", () => {
    expect(mistakesOf("a = 1_000")).toMatchInlineSnapshot(`
      "m:2:7: error[E166]: \`1_000\` is not a number
        2 |   a = 1_000
          |       ^^^^^ write \`1000\`"
    `);
  });

  test("let a = 99999999999999999999", () => {
    expect(mistakesOf("let a = 99999999999999999999")).toMatchInlineSnapshot(`
      "m:2:11: error[E130]: this number is too large to be exact
        2 |   let a = 99999999999999999999
          |           ^^^^^^^^^^^^^^^^^^^^
        help: whole numbers are exact up to 2^53, others reach about 1.8e308"
    `);
  });

  test("let a = 1e-400", () => {
    expect(mistakesOf("let a = 1e-400")).toMatchInlineSnapshot(`
      "m:2:11: error[E134]: this number is too small to be told from 0
        2 |   let a = 1e-400
          |           ^^^^^^
        help: the smallest number above 0 is about 4.9e-324; write \`0.0\` if that is meant"
    `);
    expect(mistakesOf("let a = 0.0e-400 + 0e9 + 4.9e-324")).toBe("");
  });

  test("a = b ** 2", () => {
    expect(mistakesOf("a = b ** 2")).toMatchInlineSnapshot(`
      "m:2:9: error[E167]: \`**\` is not an operator
        2 |   a = b ** 2
          |         ^^ write \`^\`"
    `);
  });

  test("a = b || c", () => {
    expect(mistakesOf("a = b || c")).toMatchInlineSnapshot(`
      "m:2:9: error[E167]: \`||\` is not an operator
        2 |   a = b || c
          |         ^^ write \`or\`"
    `);
  });

  test("a = b && c", () => {
    expect(mistakesOf("a = b && c")).toMatchInlineSnapshot(`
      "m:2:9: error[E107]: \`&\` means nothing here
        2 |   a = b && c
          |         ^
        help: write \`and\`"
    `);
  });

  test("a = !b", () => {
    expect(mistakesOf("a = !b")).toMatchInlineSnapshot(`
      "m:2:7: error[E167]: \`!\` is not an operator
        2 |   a = !b
          |       ^ write \`not\`"
    `);
  });

  test("a = b ? c : d", () => {
    expect(mistakesOf("a = b ? c : d")).toMatchInlineSnapshot(`
      "m:2:9: error[E107]: \`?\` means nothing here
        2 |   a = b ? c : d
          |         ^
        help: a choice is written \`a if c else b\`"
    `);
  });

  test("s = 'a'", () => {
    expect(mistakesOf("s = 'a'")).toMatchInlineSnapshot(`
      "m:2:7: error[E107]: \`'\` means nothing here
        2 |   s = 'a'
          |       ^
        help: a text stands in double quotes: \`"…"\`"
    `);
  });

  test('f("abc)', () => {
    expect(mistakesOf('f("abc)')).toMatchInlineSnapshot(`
      "m:2:5: error[E106]: this text has no closing \`"\` on its line
        2 |   f("abc)
          |     ^^^^^
        help: a text ends on the line that it starts on; write \`\\n\` for a line end and \`\\"\` for a quote"
    `);
  });

  test('assert a, "b {c d}"', () => {
    expect(mistakesOf('assert a, "b {c d}"')).toMatchInlineSnapshot(`
      "m:2:16: error[E165]: \`c d\` is not a value
        2 |   assert a, "b {c d}"
          |                ^^^^^
        help: in a text, \`{…}\` shows a value; write \`\\{\` for a brace"
    `);
  });

  test('assert a, "b {c"', () => {
    expect(mistakesOf('assert a, "b {c"')).toMatchInlineSnapshot(`
      "m:2:16: error[E165]: this \`{\` is never closed in its text
        2 |   assert a, "b {c"
          |                ^^
        help: in a text, \`{…}\` shows a value; write \`\\{\` for a brace"
    `);
  });

  test('assert a, "b {}"', () => {
    expect(mistakesOf('assert a, "b {}"')).toMatchInlineSnapshot(`
      "m:2:16: error[E165]: there is no value in these braces
        2 |   assert a, "b {}"
          |                ^^
        help: in a text, \`{…}\` shows a value; write \`\\{\` for a brace"
    `);
  });

  test('assert a, "\\q"', () => {
    expect(mistakesOf('assert a, "\\q"')).toMatchInlineSnapshot(`
      "m:2:14: error[E131]: \`\\q\` means nothing in a text
        2 |   assert a, "\\q"
          |              ^^
        help: a text knows \`\\"\`, \`\\\\\`, \`\\n\` and \`\\{\`"
    `);
  });

  test("x = 3 × 4", () => {
    expect(mistakesOf("x = 3 × 4")).toMatchInlineSnapshot(`
      "m:2:9: error[E107]: \`×\` may stand in comments and texts only
        2 |   x = 3 × 4
          |         ^
        help: write \`*\`"
    `);
  });

  test("x = y # note (", () => {
    expect(mistakesOf("x = y # note (")).toMatchInlineSnapshot(`
      "m:2:9: error[E107]: \`#\` means nothing here
        2 |   x = y # note (
          |         ^
        help: a comment begins with \`//\`"
    `);
  });

  test("let n = m // 2", () => {
    expect(mistakesOf("let n = m // 2")).toMatchInlineSnapshot(`
      "m:2:13: warning[W100]: \`//\` begins a comment; it does not divide
        2 |   let n = m // 2
          |             ^^^^
        help: integer division is \`div(a, b)\`; if this is a comment, say it in more than one word"
    `);
  });
});

describe("mistakes in train", () => {
  test("bacth 3", () => {
    expect(mistakesOf("train { bacth 3 }")).toMatchInlineSnapshot(`
      "m:2:11: error[E145]: \`bacth\` is not a setting of \`train\`
        2 |   train { bacth 3 }
          |           ^^^^^ did you mean \`batch\`?
        help: the settings are target, loss, metric, optimizer, schedule, rate, eps, decay, after, augment, batch, accumulate, epochs, steps, patience, clip, data and seed; a value is bound with \`=\`"
    `);
  });

  test("epochs = 10", () => {
    expect(mistakesOf("train { epochs = 10 }")).toMatchInlineSnapshot(`
      "m:2:11: warning[W101]: this binds a value called \`epochs\`, it does not set epochs
        2 |   train { epochs = 10 }
          |           ^^^^^^
        help: a setting is written without \`=\`: \`epochs …\`"
    `);
  });

  test("optimizer: adam", () => {
    expect(mistakesOf("train { optimizer: adam }")).toMatchInlineSnapshot(`
      "m:2:20: error[E146]: after \`optimizer\` stands its value, found \`:\`
        2 |   train { optimizer: adam }
          |                    ^
        help: a setting is written without \`:\` and \`=\`: \`optimizer …\`"
    `);
  });

  test("batch", () => {
    expect(mistakesOf("train { batch }")).toMatchInlineSnapshot(`
      "m:2:16: error[E146]: after \`batch\` stands its value, found the end of the statement
        2 |   train { batch }
          |                ^
        help: a setting is written without \`:\` and \`=\`: \`batch …\`"
    `);
  });

  test("target y", () => {
    expect(mistakesOf("train { target y }")).toMatchInlineSnapshot(`
      "m:2:19: error[E164]: \`y\` needs a type, found the end of the statement
        2 |   train { target y }
          |                   ^
        help: for example \`target y: i32[B]\`"
    `);
  });

  test("loss (a, b) => mse", () => {
    expect(mistakesOf("train { loss (a, b) => mse }")).toMatchInlineSnapshot(`
      "m:2:23: error[E120]: an arrow is written \`->\`, not \`=>\`
        2 |   train { loss (a, b) => mse }
          |                       ^^ write \`->\`"
    `);
  });
});

describe("mistakes in config", () => {
  test("dim: hidden_size", () => {
    expect(mistakesOf("config { dim: hidden_size }")).toMatchInlineSnapshot(`
      "m:2:15: error[E152]: a parameter takes its value from a config with \`=\`
        2 |   config { dim: hidden_size }
          |               ^ write \`dim = hidden_size\`"
    `);
  });

  test("dim hidden_size", () => {
    expect(mistakesOf("config { dim hidden_size }")).toMatchInlineSnapshot(`
      "m:2:16: error[E140]: expected \`=\`, found \`hidden_size\`
        2 |   config { dim hidden_size }
          |                ^^^^^^^^^^^"
    `);
  });
});

describe("mistakes at the top of a file", () => {
  test("model { f }", () => {
    expect(mistakesIn("model { f }")).toMatchInlineSnapshot(`
      "m:1:7: error[E148]: a \`model\` needs a name, found \`{\`
        1 | model { f }
          |       ^
        help: write \`model name(dim = 64) { … }\`"
    `);
  });

  test("model m", () => {
    expect(mistakesIn("model m")).toMatchInlineSnapshot(`
      "m:1:8: error[E147]: \`model\` needs a body in braces here, found the end of the statement
        1 | model m
          |        ^ expected \`{\`"
    `);
  });

  test("model m(dim: 64) { f }", () => {
    expect(mistakesIn("model m(dim: 64) { f }")).toMatchInlineSnapshot(`
      "m:1:12: error[E152]: after \`:\` stands the kind of the parameter, found \`64\`
        1 | model m(dim: 64) { f }
          |            ^ write \`dim = 64\`"
    `);
  });

  test("model m(dim 64) { f }", () => {
    expect(mistakesIn("model m(dim 64) { f }")).toMatchInlineSnapshot(`
      "m:1:13: error[E152]: after the name of a parameter stands \`:\` and its kind, or \`=\` and its default, found \`64\`
        1 | model m(dim 64) { f }
          |             ^^ write \`dim = 64\`"
    `);
  });

  test("model m(k: integer) { f }", () => {
    expect(mistakesIn("model m(k: integer) { f }")).toMatchInlineSnapshot(`
      "m:1:12: error[E126]: \`integer\` is not a kind of parameter
        1 | model m(k: integer) { f }
          |            ^^^^^^^ did you mean \`int\`?
        help: the kinds are int, float, bool, text, list, shape, layer, label, dtype, placement and init; words to choose from are written \`first | second\`"
    `);
  });

  test("model Tiny(out = 3) { f }", () => {
    expect(mistakesIn("model Tiny(out = 3) { f }")).toMatchInlineSnapshot(`
      "m:1:7: error[E125]: the name of a model begins with a small letter or \`_\`, unlike \`Tiny\`
        1 | model Tiny(out = 3) { f }
          |       ^^^^
        help: capitals are the run-time dims of shapes, like \`B\` and \`T\`
      m:1:12: error[E124]: \`out\` is a word of the language and cannot name a parameter
        1 | model Tiny(out = 3) { f }
          |            ^^^
        help: it is free as a label and as an argument's name; choose another name here"
    `);
  });

  test("mdoel m { f }", () => {
    expect(mistakesIn("mdoel m { f }")).toMatchInlineSnapshot(`
      "m:1:1: error[E143]: a file holds \`use\`, \`model\` and \`block\`, found \`mdoel\`
        1 | mdoel m { f }
          | ^^^^^
        help: did you mean \`model\`?"
    `);
  });

  test("def m(x) { f }", () => {
    expect(mistakesIn("def m(x) { f }")).toMatchInlineSnapshot(`
      "m:1:1: error[E143]: a file holds \`use\`, \`model\` and \`block\`, found \`def\`
        1 | def m(x) { f }
          | ^^^
        help: a reusable part is a \`block\`, at the top of the file"
    `);
  });

  test("input x: f32[B]", () => {
    expect(mistakesIn("input x: f32[B]")).toMatchInlineSnapshot(`
      "m:1:1: error[E143]: a file holds \`use\`, \`model\` and \`block\`, found \`input\`
        1 | input x: f32[B]
          | ^^^^^
        help: put it into a \`model\` or a \`block\`, before its \`}\`"
    `);
  });

  test("use ./std.lmg", () => {
    expect(mistakesIn("use ./std.lmg")).toMatchInlineSnapshot(`
      "m:1:5: error[E170]: after \`use\` stands the path of a file, found \`.\`
        1 | use ./std.lmg
          |     ^
        help: write \`use "./std.lmg"\`"
    `);
  });

  test('use "a{b}"', () => {
    expect(mistakesIn('use "a{b}"')).toMatchInlineSnapshot(`
      "m:1:5: error[E132]: the path of a \`use\` cannot hold values
        1 | use "a{b}"
          |     ^^^^^^
        help: write \`\\{\` for a brace"
    `);
  });
});

describe("habits of other languages", () => {
  test.each([
    "residual(pre ln: layernorm) { f }",
    "residual skip: 0.5 { f }",
    "residual pre=layernorm { f }",
    "residual skip=0.5, branch=2 { f }",
    "residual from 3 { f }",
    "y = residual pre ln: norm { f }",
    "y = parallel { f; g }",
    "y = repeat 3 { f }",
    "input x: f32(B, T, dim)",
    "/* a block comment */",
    "a: f /* a block comment */",
    "a: f(4dim)",
    "a: f(4 dim)",
    "input x: f32[B],",
    "a: f(4),",
  ])("%s", (statement) => {
    expect(mistakesOf(statement)).toMatchSnapshot();
  });
});
