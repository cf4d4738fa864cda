import { describe, expect, test } from "vitest";
import { graphOf, lowerText, messages, mistakes, modelOf, opsOf } from "./support.ts";

describe("a default of `none` leaves open what stands there", () => {
  const text = `model m(placement = none, window = none, norm = none) {
    input x: f32[B, T, 8]
    residual placement ln: rmsnorm { linear(8) }
    last: norm -> heads(2)
    (stream, stream, stream) -> attend(causal: true, window: window) -> merge_heads
    output y
  }`;

  test("none is no placement, no number and the identity", () => {
    expect(opsOf(graphOf(text))).toEqual([
      "linear",
      "residual",
      "reshape",
      "permute",
      "attend",
      "permute",
      "reshape",
    ]);
  });

  test("a placement, a number and a layer may be given", () => {
    const settings = { placement: "post", window: "3", norm: "layernorm(eps: 1e-3)" };
    const { graph } = modelOf(text, { settings });
    expect(opsOf(graph)).toEqual([
      "linear",
      "residual",
      "rms_norm",
      "layer_norm",
      "reshape",
      "permute",
      "attend",
      "permute",
      "reshape",
    ]);
    expect(graph.nodes.find(({ op }) => op === "attend")?.attrs).toMatchObject({ window: 3 });
  });

  test("and what does not fit there is refused where it is used", () => {
    expect(messages(text, { settings: { placement: "7" } })).toMatchInlineSnapshot(`
      "
      model.lmg:3:14: error[E523]: \`placement\` is the whole number 7, not a placement
        3 |     residual placement ln: rmsnorm { linear(8) }
          |              ^^^^^^^^^
        help: clauses are pre, out, post, sandwich, from, skip, branch and init, or a parameter of kind placement
      "
    `);
    expect(messages(text, { settings: { window: "relu" } })).toMatchInlineSnapshot(`
      "
      model.lmg:5:62: error[E306]: \`window\` of \`attend\` takes a whole number or none, got the layer \`relu\`
        5 |     (stream, stream, stream) -> attend(causal: true, window: window) -> merge_heads
          |                                                              ^^^^^^
      "
    `);
  });
});

describe("`KIND | none` may be none, whatever its default", () => {
  const text = `model m(cap: float | none = 2.0, kinds: list | none = [1]) {
    input x: f32[B, 8]
    if cap != none { softcap(cap) }
    if kinds != none { kinds[0] * stream }
    output y
  }`;

  test("and takes the kind's values and none", () => {
    expect(opsOf(graphOf(text)).filter((op) => op !== "full")).toEqual(["div", "tanh", "mul", "mul"]);
    expect(opsOf(graphOf(text, { settings: { cap: null, kinds: "none" } }))).toEqual([]);
    expect(messages(text, { settings: { cap: "true" } })).toContain("`cap` takes a number or none");
  });

  test("another parameter that is to be none says how", () => {
    expect(
      messages("model m(a: int = 1, b = 0.5) { input x: f32[B, 8]; a * x * b; output y }", {
        settings: { a: "none" },
      }),
    ).toMatchInlineSnapshot(`
      "
      --set a:1:1: error[E306]: \`a\` takes a whole number, got \`none\`
        1 | none
          | ^^^^
        help: a parameter may be none if its kind says so: \`a: int | none\`
      "
    `);
  });
});

test("brackets behind a value that is none, or no list, say what it is", () => {
  const text = (body: string): string => `model m(kinds: list = none, width = 4) {
    input x: f32[B, 8]
    repeat 2 as h[i] { ${body} }
    output y
  }`;
  expect(messages(text('if kinds[i] == "a" { relu }'))).toMatchInlineSnapshot(`
    "
    model.lmg:3:27: error[E505]: \`kinds\` is \`none\`: brackets take a part of a list, or a place of a \`repeat\`
      3 |     repeat 2 as h[i] { if kinds[i] == "a" { relu } }
        |                           ^^^^^^^^
      help: \`kinds != none\` asks whether it is given: \`… if kinds != none else …\`
    "
  `);
  expect(messages(text("stream * width[i]"))).toMatchInlineSnapshot(`
    "
    model.lmg:3:33: error[E505]: \`width\` is the whole number 4: brackets take a part of a list, or a place of a \`repeat\`
      3 |     repeat 2 as h[i] { stream * width[i] }
        |                                 ^^^^^^^^
    "
  `);
  const { model } = lowerText(text('if kinds != none and kinds[i] == "a" { relu }'));
  expect(model?.graph.nodes).toEqual([]);
});

describe("a cap of scores or logits", () => {
  const attend = (cap: string): string =>
    mistakes(
      `  unsqueeze(1) -> heads(2)\n  (stream, stream, stream) -> attend(softcap: ${cap}) -> merge_heads`,
    );

  test.each(["0", "0.0", "-30.0"])("is above 0, not %s", (cap) => {
    expect(attend(cap)).toContain(`\`softcap\` takes a number above 0, got ${Number(cap)}`);
    expect(mistakes(`  softcap(${cap})`)).toContain(`\`softcap\` takes a number above 0, got ${Number(cap)}`);
  });

  test("says where, and how to leave it out", () => {
    expect(attend("0.0")).toMatchInlineSnapshot(`
      "
      model.lmg:4:31: error[E414]: \`attend\`: \`softcap\` takes a number above 0, got 0; \`none\` caps nothing
        4 |   (stream, stream, stream) -> attend(softcap: 0.0) -> merge_heads
          |                               ^^^^^^^^^^^^^^^^^^^^
      "
    `);
    expect(mistakes("  softcap(0.0)")).toMatchInlineSnapshot(`
      "
      model.lmg:3:3: error[E310]: \`softcap\` takes a number above 0, got 0
        3 |   softcap(0.0)
          |   ^^^^^^^^^^^^ in this call
        in std/elementary.lmg:#:10
        # |   assert cap > 0, "\`softcap\` takes a number above 0, got {cap}"
          |          ^^^^^^^ this must hold
      "
    `);
  });
});
