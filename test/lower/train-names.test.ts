import { expect, test } from "vitest";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { modelOf } from "./support.ts";

const text = (...lines: string[]): string => `model m(depth = 2, kind: plain | unit = unit) {
  input x: f32[B, 4]
  repeat depth as h { residual pre ln: layernorm { mlp: linear(4) } }
  bn: batchnorm
  output y
  train {
    target t: f32[B, 4]
    loss (y, t) -> mean_squared_error
    optimizer sgd(lr: 0.1)
${lines.map((line) => `    ${line}`).join("\n")}
  }
}
`;

const messages = (...lines: string[]): string => {
  const { file, diagnostics } = parse({ name: "model.lmg", text: text(...lines) });
  return [...diagnostics, ...lower(file).diagnostics].map((each) => showDiagnostic(each)).join("\n");
};

test("the lines of a section are read where their `if` holds", () => {
  const lines = [
    'rate "h.*" (depth / 8) ^ -0.5',
    'decay "*.bias" 0.0',
    'if kind == unit { after step l2norm "h.*.weight"; seed 5 } else if depth > 4 { rate "nothing" 2 } else { clip 1 }',
  ];
  const train = modelOf(text(...lines)).train!;
  expect(train.rules).toEqual([
    { setting: "rate", patterns: ["h.*"], value: 2 },
    { setting: "decay", patterns: ["*.bias"], value: 0 },
  ]);
  expect(train.after.map(({ parameter, text: line }) => `${parameter}: ${line}`)).toEqual(
    ["h.0.ln", "h.0.mlp", "h.1.ln", "h.1.mlp"].map(
      (name) => `${name}.weight: after step l2norm "h.*.weight"`,
    ),
  );
  expect([train.seed, train.clip]).toEqual([5, undefined]);
});

test("a pattern that names nothing that is trained is a mistake, as is a number that makes no sense", () => {
  expect(
    messages(
      'rate "layers.*" 0.5',
      'decay "h.0.mlp.weigth", "bn.running_*" 0.1',
      'rate "h.*" -1',
      'eps "h.*" 1e-9',
    ),
  ).toMatchInlineSnapshot(`
    "model.lmg:10:10: error[E583]: no parameter that is trained has a name like "layers.*"
      10 |     rate "layers.*" 0.5
         |          ^^^^^^^^^^
      help: \`*\` stands for any part of a name; the names are \`h.0.ln.weight\`, \`h.0.ln.bias\`, \`h.0.mlp.weight\`, \`h.0.mlp.bias\`, \`h.1.ln.weight\`, \`h.1.ln.bias\`, \`h.1.mlp.weight\`, \`h.1.mlp.bias\`, \`bn.weight\` and \`bn.bias\`
    model.lmg:11:11: error[E583]: no parameter that is trained has a name like "h.0.mlp.weigth"
      11 |     decay "h.0.mlp.weigth", "bn.running_*" 0.1
         |           ^^^^^^^^^^^^^^^^
      help: did you mean "h.0.mlp.weight"?
    model.lmg:11:29: error[E583]: no parameter that is trained has a name like "bn.running_*"
      11 |     decay "h.0.mlp.weigth", "bn.running_*" 0.1
         |                             ^^^^^^^^^^^^^^
      help: \`*\` stands for any part of a name; the names are \`h.0.ln.weight\`, \`h.0.ln.bias\`, \`h.0.mlp.weight\`, \`h.0.mlp.bias\`, \`h.1.ln.weight\`, \`h.1.ln.bias\`, \`h.1.mlp.weight\`, \`h.1.mlp.bias\`, \`bn.weight\` and \`bn.bias\`
    model.lmg:12:16: error[E585]: \`rate\` is at least 0, got -1
      12 |     rate "h.*" -1
         |                ^^
    model.lmg:13:5: error[E584]: \`sgd\` has no eps
      13 |     eps "h.*" 1e-9
         |     ^^^
      help: \`adam\` and \`adamw\` have one"
  `);
});

test("after a step stands a layer of the parameter alone, which leaves its shape", () => {
  expect(
    messages(
      'after step linear(4) "h.0.mlp.weight"',
      'after step mean(axis: 0) "h.*.weight"',
      'after step l2nrom "h.*.weight"',
      'after "h.*"',
      "rate 0.5",
    ),
  ).toMatchInlineSnapshot(`
    "model.lmg:13:11: error[E146]: after \`after\` stands its value, found \`"h.*"\`
      13 |     after "h.*"
         |           ^^^^^
      help: \`after step\` takes a layer and patterns of names: \`after step l2norm "h.*.weight"\`
    model.lmg:14:10: error[E146]: after \`rate\` stands its value, found \`0.5\`
      14 |     rate 0.5
         |          ^^^
      help: \`rate\` takes patterns of names and a number: \`rate "h.*" 0.5\`
    model.lmg:10:16: error[E586]: \`after step\` takes a layer that needs nothing but the parameter
      10 |     after step linear(4) "h.0.mlp.weight"
         |                ^^^^^^^^^
      help: no weights of its own, no dropout, no residual edge and no other value: \`l2norm\`, \`clamp\`, or a block of such
    model.lmg:11:16: error[E587]: \`h.0.ln.weight\` is f32[4] and stays so, but this makes a tensor f32[] of it
      11 |     after step mean(axis: 0) "h.*.weight"
         |                ^^^^^^^^^^^^^
    model.lmg:12:16: error[E202]: there is no layer called \`l2nrom\`
      12 |     after step l2nrom "h.*.weight"
         |                ^^^^^^
      help: did you mean \`l2norm\`?"
  `);
});
