import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { bindingsOf, difference, graphOf, TOLERANCE } from "./support.ts";

const D = 4;

/** One edge with a learned branch, norm and gains; the placement is a parameter. */
const edge = (clauses: string): string => `
  model m(placement = pre) {
    input x: f32[B, ${D}]
    residual ${clauses} { f: linear(${D}) }
    output y: f32[B, ${D}]
  }`;

type Row = readonly number[];

const rowsOf = ({ data, shape }: HostTensor): Row[] =>
  Array.from({ length: shape[0]! }, (_, row) => [...data.slice(row * D, (row + 1) * D)]);

/** The parts of the edge as plain functions of a row, from the numbers that the interpreter is given. */
function partsOf(clauses: string, settings: Record<string, string> = {}) {
  const graph = graphOf(edge(clauses), { settings });
  const bindings = bindingsOf(graph, { B: 3 });
  const weights = (name: string): Row => [...bindings.parameters[name]!.data];
  const f = (x: Row): Row => {
    const weight = weights("f.weight");
    return weights("f.bias").map((b, i) => x.reduce((sum, v, k) => sum + v * weight[i * D + k]!, b));
  };
  /** Ba et al. 2016, eq. 4, with the biased variance. */
  const norm =
    (name: string) =>
    (x: Row): Row => {
      const mean = x.reduce((a, b) => a + b, 0) / D;
      const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / D;
      const [w, b] = [weights(`${name}.weight`), weights(`${name}.bias`)];
      return x.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * w[i]! + b[i]!);
    };
  const actual = interpret(graph, bindings).y!;
  return { f, norm, weights, rows: rowsOf(bindings.inputs.x!), actual: rowsOf(actual).flat(), graph };
}

const plus = (a: Row, b: Row): Row => a.map((v, i) => v + b[i]!);

describe("one word moves the norm, in the model, the graph and the numbers", () => {
  const clause = "placement ln: layernorm";

  test("pre: x + f(N(x))", () => {
    const { rows, actual, f, norm } = partsOf(clause, { placement: "pre" });
    expect(
      difference(
        actual,
        rows.flatMap((x) => plus(x, f(norm("ln")(x)))),
      ),
    ).toBeLessThan(TOLERANCE);
  });

  test("out: x + N(f(x))", () => {
    const { rows, actual, f, norm } = partsOf(clause, { placement: "out" });
    expect(
      difference(
        actual,
        rows.flatMap((x) => plus(x, norm("ln")(f(x)))),
      ),
    ).toBeLessThan(TOLERANCE);
  });

  test("post: N(x + f(x))", () => {
    const { rows, actual, f, norm } = partsOf(clause, { placement: "post" });
    expect(
      difference(
        actual,
        rows.flatMap((x) => norm("ln")(plus(x, f(x)))),
      ),
    ).toBeLessThan(TOLERANCE);
  });

  test("sandwich: x + N2(f(N1(x))), the norms owning ln.pre and ln.out", () => {
    const { rows, actual, f, norm } = partsOf(clause, { placement: "sandwich" });
    const expected = rows.flatMap((x) => plus(x, norm("ln.out")(f(norm("ln.pre")(x)))));
    expect(difference(actual, expected)).toBeLessThan(TOLERANCE);
  });

  test("none: x + f(x), and the norm owns nothing", () => {
    const { rows, actual, f, graph } = partsOf(clause, { placement: "none" });
    expect(
      difference(
        actual,
        rows.flatMap((x) => plus(x, f(x))),
      ),
    ).toBeLessThan(TOLERANCE);
    expect(graph.parameters.map(({ name }) => name)).toEqual(["f.weight", "f.bias"]);
  });

  test("the edge's record names the norms where they stand", () => {
    const norms = (placement: string) =>
      partsOf(clause, { placement }).graph.edges.map((record) => record.norms);
    expect(norms("post")).toEqual([[{ position: "post", kind: "layernorm", label: "ln" }]]);
    expect(norms("sandwich")).toEqual([
      [
        { position: "pre", kind: "layernorm", label: "ln.pre" },
        { position: "out", kind: "layernorm", label: "ln.out" },
      ],
    ]);
    expect(norms("none")).toEqual([[]]);
  });
});

describe("gains", () => {
  test("numbers multiply the carried value and the branch, before a post-norm", () => {
    const { rows, actual, f, norm } = partsOf("post ln: layernorm, skip 1.5, branch 2 ^ -1");
    const expected = rows.flatMap((x) => {
      const branch = f(x);
      return norm("ln")(x.map((v, i) => 1.5 * v + 0.5 * branch[i]!));
    });
    expect(difference(actual, expected)).toBeLessThan(TOLERANCE);
  });

  test("`scale` is a learned gain of the edge", () => {
    const { rows, actual, f, weights, graph } = partsOf(
      `skip a: scale([${D}]), branch b: scale([1], init: 0)`,
    );
    const [[b], a] = [weights("b"), weights("a")];
    const expected = rows.flatMap((x) => {
      const branch = f(x);
      return x.map((v, i) => a[i]! * v + b! * branch[i]!);
    });
    expect(difference(actual, expected)).toBeLessThan(TOLERANCE);
    expect(graph.parameters.find(({ name }) => name === "b")?.init).toEqual({ kind: "constant", value: 0 });
    const residual = graph.nodes.find((node) => node.op === "residual");
    expect(residual?.operands.source_gain).toBe(graph.parameters.find(({ name }) => name === "a")?.value);
  });

  test("another layer is applied to what it gains", () => {
    const { rows, actual, f, weights } = partsOf(
      `skip a: affine([${D}]), branch g: parameter([1], init: 0) -> tanh`,
    );
    const [w, b, [g]] = [weights("a.weight"), weights("a.bias"), weights("g")];
    const expected = rows.flatMap((x) => {
      const branch = f(x);
      return x.map((v, i) => v * w[i]! + b[i]! + Math.tanh(g!) * branch[i]!);
    });
    expect(difference(actual, expected)).toBeLessThan(TOLERANCE);
  });

  test("the out-norm comes before the branch's gain", () => {
    const { rows, actual, f, norm } = partsOf("out ln: layernorm, branch 3");
    const expected = rows.flatMap((x) =>
      plus(
        x,
        norm("ln")(f(x)).map((v) => 3 * v),
      ),
    );
    expect(difference(actual, expected)).toBeLessThan(TOLERANCE);
  });
});
