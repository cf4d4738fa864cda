import { describe, expect, test } from "vitest";
import { probeEdges } from "../../src/autodiff/probe.ts";
import type { EdgeForm } from "../../src/autodiff/probe-form.ts";
import { trainingGraph } from "./classifier.ts";

/** The forms of the edges of a body on a stream [B, T, 8]. */
const formsOf = (body: string): readonly EdgeForm[] =>
  probeEdges(
    trainingGraph(`
model m(dim = 8) {
  default linear(bias: true, init: normal(std: 0.1))
  input x: f32[B, T, dim]
  ${body}
  output y: f32[B, T, dim]
  train { target t: f32[B, T, dim]; loss (y, t) -> mean_squared_error }
}`),
  ).edges.map(({ form }) => form);

describe("how a branch depends on what its edge carries", () => {
  test.each<[string, string, EdgeForm["branch"], EdgeForm["branchSize"]]>([
    ["a product", "residual { f: linear(dim) }", "proportional", "proportional"],
    [
      "products with a ReLU",
      "residual { a: linear(16) -> relu -> b: linear(dim) }",
      "proportional",
      "proportional",
    ],
    [
      "a product whose bias does not begin at 0",
      "residual { f: affine([dim], init: 2) }",
      "proportional",
      "proportional",
    ],
    ["a bias that is not 0", "residual { f: linear(dim) -> bias(init: 1) }", "other", "other"],
    ["a GELU of what no norm holds", "residual { f: linear(dim) -> gelu }", "other", "other"],
    [
      "a GELU behind a norm",
      "residual pre n: layernorm { f: linear(dim) -> gelu }",
      "scale_free",
      "scale_free",
    ],
    ["a norm at the end of it", "residual out n: rmsnorm { f: linear(dim) -> gelu }", "other", "scale_free"],
    [
      "a norm at the end of a product",
      "residual out n: rmsnorm { f: linear(dim) }",
      "scale_free",
      "scale_free",
    ],
    ["attention behind a norm", "residual pre n: layernorm { f: attention(2) }", "scale_free", "scale_free"],
    ["attention that no norm holds", "residual { f: attention(2) }", "other", "other"],
    [
      "attention whose q and k are normed",
      "residual { f: attention(2, bias: false, qk_norm: rmsnorm) }",
      "proportional",
      "proportional",
    ],
    ["what stands in a norm's place and is none", "residual pre n: dyt { f: linear(dim) }", "other", "other"],
    [
      "a gate by itself: of second degree",
      "residual { (a: linear(dim)) * (b: linear(dim)) }",
      "other",
      "other",
    ],
    ["a gate behind a norm", "residual pre n: rmsnorm { f: swiglu(16) }", "scale_free", "scale_free"],
    [
      "a gain in the branch",
      "residual pre n: layernorm { f: linear(dim) -> scale([dim], init: 0.5) }",
      "scale_free",
      "scale_free",
    ],
    ["a constant: not at all", "residual { p: parameter([dim], init: 2) }", "none", "none"],
  ])("%s", (_, edge, branch, branchSize) => {
    expect(formsOf(edge)[0]).toMatchObject({ branch, branchSize });
  });

  test("batch statistics are those of what they norm", () => {
    const source = trainingGraph(`
model m(dim = 8) {
  input x: f32[B, dim]
  residual pre n: batchnorm { f: linear(dim) }
  output y: f32[B, dim]
  train { target t: f32[B, dim]; loss (y, t) -> mean_squared_error }
}`);
    expect(probeEdges(source).edges[0]!.form).toMatchObject({
      branch: "scale_free",
      branchSize: "scale_free",
    });
  });

  test("several branches are one if they are alike", () => {
    const [alike, unlike] = formsOf(`
      residual pre n: layernorm { parallel { a: linear(dim); b: linear(dim) -> tanh } }
      residual { parallel { c: linear(dim); d: linear(dim) -> tanh } }`);
    expect(alike!.branch).toBe("scale_free");
    expect(unlike!.branch).toBe("other");
  });
});

test("what stands after the add is a norm, nothing, or something else", () => {
  const forms = formsOf(`
    residual post a: layernorm { f: linear(dim) }
    residual { g: linear(dim) }
    residual post b: dyt { h: linear(dim) }`);
  expect(forms.map(({ post }) => post)).toEqual(["scale_free", "proportional", "other"]);
});

test("an edge follows the one before it if nothing stands between them", () => {
  const forms = formsOf(`
    residual { f: linear(dim) }
    residual { g: linear(dim) }
    tanh
    residual { h: linear(dim) }`);
  expect(forms.map(({ follows }) => follows)).toEqual([false, true, false]);
});

test("a stream that a later line or an output reads is read elsewhere, one that its own branch reads is not", () => {
  const forms = formsOf(`
    residual pre n: layernorm { f: linear(dim) } as level
    residual pre m: layernorm { g: linear(dim) }
    residual { h: linear(dim) }
    stream + level`);
  expect(forms.map(({ isReadElsewhere }) => isReadElsewhere)).toEqual([false, true, false]);
});
