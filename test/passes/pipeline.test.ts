import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printGraph } from "../../src/ir/print.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { checkPasses, showDifference } from "../../src/passes/check.ts";
import { explainEdges } from "../../src/passes/explain.ts";
import { deadCode } from "../../src/passes/dead-code.ts";
import { makeInPlace } from "../../src/passes/nodes.ts";
import type { Pass, Remark } from "../../src/passes/pass.ts";
import { passes, pipeline, runPasses } from "../../src/passes/pipeline.ts";
import { showExplanation } from "../../src/testing/index.ts";
import { leastProcessorTime } from "../support/processor-time.ts";
import { graphOf, nodesText } from "./helpers.ts";
import { buildModel, modelRecipes } from "./random-models.ts";

const prenorm = `
  edge 0 "edge 0" from "stream" { pre layernorm "ln"; branch "mlp" }
  %n = layer_norm(x: %x, weight: %w, bias: %b, eps: 0.00001) label "ln" edges 0.pre
  %h = linear(x: %n, weight: %a, bias: %bias) label "mlp"
  %t = gelu(%h)
  %s = residual(source: %x, branches: [%t], edge: 0) edges 0.join
  %y = rms_norm(x: %s, weight: %w2, eps: 0.00001) label "ln_f"
  output y = %y`;

describe("the pipeline", () => {
  test("says of each pass why it stands where it does, under a name of its own", () => {
    expect(new Set(passes.map((pass) => pass.name)).size).toBe(passes.length);
    expect(pipeline.filter(({ because }) => because.length < 20)).toEqual([]);
    expect(passes.map((pass) => pass.name)).toMatchInlineSnapshot(`
      [
        "lower-edges",
        "canonicalize",
        "common-subexpressions",
        "dead-code",
        "heads-last",
        "pack-weights",
        "fuse-add-norm",
        "fuse-norm-grad",
        "merge-linears",
        "linear-epilogues",
        "fuse-packed",
        "elementwise-chains",
      ]
    `);
  });

  test("shows the graph after every pass", () => {
    const seen: string[] = [];
    const last = runPasses(graphOf(prenorm), {
      verify: true,
      observe: (pass, graph) => seen.push(`${pass.name}: ${graph.nodes.map((node) => node.op).join(" ")}`),
    });
    expect(seen).toMatchInlineSnapshot(`
      [
        "lower-edges: layer_norm linear gelu add rms_norm",
        "canonicalize: layer_norm linear gelu add rms_norm",
        "common-subexpressions: layer_norm linear gelu add rms_norm",
        "dead-code: layer_norm linear gelu add rms_norm",
        "heads-last: layer_norm linear gelu add rms_norm",
        "pack-weights: layer_norm linear gelu add rms_norm",
        "fuse-add-norm: layer_norm linear gelu add_norm",
        "fuse-norm-grad: layer_norm linear gelu add_norm",
        "merge-linears: layer_norm linear gelu add_norm",
        "linear-epilogues: layer_norm linear_epilogue add_norm",
        "fuse-packed: layer_norm linear_epilogue add_norm",
        "elementwise-chains: layer_norm linear_epilogue add_norm",
      ]
    `);
    expect(nodesText(last)).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = layer_norm(x: %x, weight: %w, bias: %b, eps: 1e-5)
      %t: f32[B, T, 4] = linear_epilogue(x: %n, weight: %a, extras: [%bias], epilogue: { add(i0, i1); gelu(t0) })
      %y: f32[B, T, 4] = add_norm(source: %x, branches: [%t], weights: [%w2], norm: rms, eps: 1e-5, affines: [weight], keep_sum: false)
      output y = %y"
    `);
  });

  test("without fusion keeps every step, lowers the edges and still says nothing wrong", () => {
    expect(nodesText(runPasses(graphOf(prenorm), { fuse: false, verify: true }))).toMatchInlineSnapshot(`
      "%n: f32[B, T, 4] = layer_norm(x: %x, weight: %w, bias: %b, eps: 1e-5)
      %h: f32[B, T, 4] = linear(x: %n, weight: %a, bias: %bias)
      %t: f32[B, T, 4] = gelu(%h)
      %s: f32[B, T, 4] = add(%x, %t)
      %y: f32[B, T, 4] = rms_norm(x: %s, weight: %w2, eps: 1e-5)
      output y = %y"
    `);
  });

  test("leaves a graph alone in which there is nothing to do", () => {
    const graph = graphOf("output x = %x");
    expect(runPasses(graph)).toBe(graph);
  });

  test("does nothing more when it runs again", () => {
    const once = runPasses(graphOf(prenorm));
    expect(printGraph(runPasses(once, { verify: true }))).toBe(printGraph(once));
  });

  test("reports a pass that breaks the graph by its name", () => {
    const careless: Pass = {
      name: "careless",
      doc: "drops the first node",
      run: (graph) => ({ ...graph, nodes: graph.nodes.slice(1) }),
    };
    expect(() => runPasses(graphOf(prenorm), { passes: [careless], verify: true })).toThrow(
      /^after the pass careless: /,
    );
  });
});

describe("edge by edge", () => {
  const explain = (body: string): string[] => {
    const remarks: Remark[] = [];
    const graph = runPasses(graphOf(body), { report: (remark) => remarks.push(remark) });
    return explainEdges(graph, remarks).map(showExplanation);
  };

  test("an edge is explained by its kernel", () =>
    expect(explain(prenorm)).toMatchInlineSnapshot(`
      [
        "edge 0
        join fused into add_norm (rms of ln_f)
        pre: the norm reads an input, not the sum of an add",
      ]
    `));

  test("an add that no norm reads goes to the linear before it, and that is said too", () => {
    expect(
      explain(`
        edge 0 "edge 0" from "stream" { branch "mlp" }
        %h = linear(x: %f, weight: %a)
        %s = residual(source: %x, branches: [%h], edge: 0) edges 0.join
        output y = %s`),
    ).toMatchInlineSnapshot(`
      [
        "edge 0
        join fused into linear_epilogue (linear, add)
        join: no norm reads the sum: it is an output",
      ]
    `);
  });

  test("an edge of which nothing is left says that nothing reads it", () => {
    expect(
      explain(`
        edge 0 "edge 0" from "stream" { branch "f" }
        %s = residual(source: %x, branches: [%f], edge: 0) edges 0.join
        output x = %x`),
    ).toMatchInlineSnapshot(`
      [
        "edge 0
        join: nothing reads the edge's sum",
      ]
    `);
  });
});

describe("random models", () => {
  test("compute after every pass what they computed before, on inputs that are hard for norms", () => {
    fc.assert(
      fc.property(modelRecipes, (recipe) => {
        const graph = buildModel(recipe);
        expect(verifyGraph(graph)).toEqual([]);
        const difference = checkPasses(graph);
        expect(difference && showDifference(difference)).toBeUndefined();
        expect(verifyGraph(runPasses(graph, { verify: true }))).toEqual([]);
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  test("have a remark for each of their edges, and a kernel for each that has a norm behind its add", () => {
    let fused = 0;
    fc.assert(
      fc.property(modelRecipes, (recipe) => {
        const graph = buildModel(recipe);
        const remarks: Remark[] = [];
        const after = runPasses(graph, { report: (remark) => remarks.push(remark) });
        for (const { fused: kernels, refused } of explainEdges(after, remarks))
          expect(kernels.length + refused.length).toBeGreaterThan(0);
        fused += after.nodes.filter((node) => node.op === "add_norm").length;
      }),
      { seed: 3, numRuns: 300 },
    );
    expect(fused).toBeGreaterThan(300);
  });
});

describe("the check of passes", () => {
  /** Replaces the first node of an op by one with other attributes. */
  const wrongEpsilon: Pass = {
    name: "wrong-epsilon",
    doc: "forgets the epsilon",
    run: (graph) => ({
      ...graph,
      nodes: graph.nodes.map((node) =>
        node.op === "layer_norm"
          ? makeInPlace("layer_norm", node.operands, { eps: 0 }, node.origin, node.results)
          : node,
      ),
    }),
  };

  test("names the first pass and node that differ, with the inputs on which they do", () => {
    const difference = checkPasses(graphOf(prenorm), { passes: [deadCode, wrongEpsilon] });
    expect(difference && showDifference(difference)).toMatchInlineSnapshot(
      `"after the pass wrong-epsilon, %n, made by layer_norm of ln, has 1.2028767270339262 instead of 1.2026601841484552 at element 0 (random inputs, seed 1)"`,
    );
  });

  test("tells 0 from -0 by what follows from it", () => {
    const plusZero: Pass = {
      name: "plus-zero",
      doc: "takes x + 0 for x",
      run: (graph) => ({
        ...graph,
        nodes: graph.nodes.map((node) =>
          node.op === "div"
            ? makeInPlace(
                "div",
                { ...node.operands, y: graph.inputs[0]!.value },
                {},
                node.origin,
                node.results,
              )
            : node,
        ),
      }),
    };
    const graph = graphOf(`
      %zero = full(dtype: f32, shape: [], value: 0)
      %one = full(dtype: f32, shape: [], value: 1)
      %s = add(%x, %zero)
      %y = div(%one, %s)
      output y = %y`);
    expect(checkPasses(graph, { passes: [plusZero] })).toMatchObject({
      pass: "plus-zero",
      kind: "signed zeros",
      value: "%y",
      expected: Infinity,
      found: -Infinity,
    });
  });

  test("blames the output if the value before it is another one", () => {
    const wrongOutput: Pass = {
      name: "wrong-output",
      doc: "returns the input",
      run: (graph) => ({
        ...graph,
        outputs: graph.outputs.map((output) => ({ ...output, value: graph.inputs[0]!.value })),
      }),
    };
    const difference = checkPasses(graphOf(prenorm), { passes: [wrongOutput] });
    expect(difference && showDifference(difference)).toMatchInlineSnapshot(
      `"after the pass wrong-output, the output y has -0.10748926922678947 instead of 0.529435910862371 at element 0 (random inputs, seed 1)"`,
    );
  });

  test("finds nothing where nothing is wrong", () => expect(checkPasses(graphOf(prenorm))).toBeUndefined());
});

/** A model of `layers` pre-norm layers, five nodes each. */
function deepModel(layers: number): Graph {
  const body = Array.from({ length: layers }, (_, k) => {
    const [from, to] = [k === 0 ? "%x" : `%s${k}`, `%s${k + 1}`];
    return `
      %n${k} = layer_norm(x: ${from}, weight: %w, bias: %b, eps: 0.00001)
      %h${k} = linear(x: %n${k}, weight: %a, bias: %bias)
      %t${k} = gelu(%h${k})
      %o${k} = linear(x: %t${k}, weight: %c)
      ${to} = add(${from}, %o${k})`;
  });
  return graphOf([...body, `output y = %s${layers}`].join("\n"));
}

test("10,000 nodes pass in a time that grows with their number, and without a deep stack", () => {
  const [few, many] = [deepModel(500), deepModel(2000)];
  expect(runPasses(many).nodes.filter((node) => node.op === "add_norm")).toHaveLength(1999);
  const [less, more] = [few, many].map((graph) => leastProcessorTime(() => runPasses(graph), 2));
  // Four times the nodes; a quadratic walk takes 16 times as long.
  expect(more! / less!).toBeLessThan(10);
});
