import { describe, expect, test } from "vitest";
import type { LowerOptions } from "../../src/lower/lower.ts";
import type { Source } from "../../src/support/source.ts";
import { graphOf, messages, opsOf } from "./support.ts";

const files: Readonly<Record<string, string>> = {
  "./a.lmg": 'use "./b.lmg"\nblock a() { input x: [.., D]; b }\nblock swiglu() { input x: [.., D]; tanh }',
  "./b.lmg": 'use "./a.lmg"\nblock b() { input x: [.., D]; relu }',
  "./c.lmg": "block a() { input x: [.., D]; sigmoid }",
  "./broken.lmg": "block broken() { input x: [.., D]; -> }",
};

const options: LowerOptions = {
  resolveUse: (path): Source | undefined => {
    const text = files[path];
    return text === undefined ? undefined : { name: path, text };
  },
};

const model = (uses: string, body: string): string =>
  `${uses}\nmodel m {\n  input x: f32[B, 8]\n  ${body}\n  output y\n}`;

describe("use", () => {
  test("brings the definitions of a file, which see those that their own file uses; files may use each other", () => {
    expect(opsOf(graphOf(model('use "./a.lmg"', "a"), options))).toEqual(["relu"]);
  });

  test("does not bring what the used file uses", () => {
    expect(messages(model('use "./a.lmg"', "b"), options)).toContain("E202");
  });

  test("hides blocks of the library", () => {
    expect(opsOf(graphOf(model('use "./a.lmg"', "swiglu"), options))).toEqual(["tanh"]);
  });

  test("of two definitions with one name is an error that shows both", () => {
    expect(messages(model('use "./a.lmg"; use "./c.lmg"', "a"), options)).toMatchInlineSnapshot(`
      "
      ./c.lmg:1:7: error[E216]: \`a\` is defined twice
        1 | block a() { input x: [.., D]; sigmoid }
          |       ^
        in ./a.lmg:2:7
        2 | block a() { input x: [.., D]; b }
          |       ^ the other one
      "
    `);
  });

  test("shows a mistake in the used file there", () => {
    expect(messages(model('use "./broken.lmg"', "relu"), options)).toContain("./broken.lmg:1:");
  });
});

test("dropout is an op of the training graph alone, and a rate of zero is none", () => {
  const text = model("", "dropout(0.1)");
  expect(opsOf(graphOf(text))).toEqual([]);
  expect(opsOf(graphOf(text, { training: true }))).toEqual(["dropout"]);
  expect(opsOf(graphOf(model("", "dropout(0)"), { training: true }))).toEqual([]);
});
