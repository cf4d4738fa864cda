import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printGraph } from "../../src/ir/print.ts";
import { readGraph } from "../../src/ir/read.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { opNames } from "../../src/ops/table.ts";
import { twoLayers } from "./graphs.ts";
import { leastProcessorTime, processorTime } from "../support/processor-time.ts";

/**
 * What must hold for any text: a graph or messages, each message with a place in the text that can be shown, and a graph
 * prints to a text that reads back to itself.
 */
function readsOrReports(text: string): void {
  const { graph, diagnostics } = readGraph({ name: "fuzz.ir", text });
  if (graph === undefined) {
    expect(diagnostics.length).toBeGreaterThan(0);
    for (const diagnostic of diagnostics) {
      const { start, end } = diagnostic.labels[0]!.span;
      expect(start >= 0 && start <= text.length && end > start).toBe(true);
      expect(showDiagnostic(diagnostic)).toContain("error[E6");
    }
    return;
  }
  const printed = printGraph(graph);
  const back = readGraph({ name: "printed.ir", text: printed });
  expect(back.diagnostics.map((each) => showDiagnostic(each))).toEqual([]);
  expect(printGraph(back.graph!)).toBe(printed);
  expect(verifyGraph(graph).filter((problem) => problem.includes("made"))).toEqual([]);
}

const tokens = [
  ..."()[]{}:,;=.*+-/% \n\n".split(""),
  ..."graph dim input parameter edge output label scope checkpoint edges phase backward fused from pre branch by name fixed inf nan true".split(
    " ",
  ),
  ...'%x %y %0 B T f32 i32 bool [B, ]8 1 -1 1e-5 0.5 "a" "\\ div(T + 1, 2) eps: axis: 0.join h[0]'.split(" "),
  ...opNames.slice(0, 20),
];

/** Mutations of a text that is right: what people's edits do. */
const mutated = fc
  .tuple(
    fc.nat(twoLayers.length - 1),
    fc.nat(12),
    fc.constantFrom("", ...tokens),
    fc.nat(twoLayers.length - 1),
  )
  .map(
    ([at, cut, insert, from]) =>
      twoLayers.slice(0, at) + insert + twoLayers.slice(from, from + 5) + twoLayers.slice(at + cut),
  );

describe("the reader of IR text neither crashes nor hangs", () => {
  test("on any characters", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), readsOrReports), { numRuns: 200 });
  });

  test("on any tokens of the language, with a right beginning", () => {
    const soup = fc
      .array(fc.constantFrom(...tokens), { maxLength: 60 })
      .map((parts) => `graph g {\ndim B\ninput %x: f32[B, 4]\n${parts.join(" ")}\n}`);
    fc.assert(fc.property(soup, readsOrReports), { numRuns: 200 });
  });

  test("on right texts with a wrong edit", () => {
    fc.assert(fc.property(mutated, readsOrReports), { numRuns: 200 });
  });

  test("on one right line with a wrong attribute value", () => {
    const values = fc.oneof(
      fc.double().map(String),
      fc.integer().map(String),
      fc.constantFrom(...tokens),
      fc.bigInt().map(String),
    );
    const line = fc.tuple(
      fc.constantFrom(
        "softmax(%x, axis: @)",
        "topk(%x, k: @)",
        "reshape(%x, shape: [@, B])",
        "slice(%x, axis: @, start: 0, size: @)",
        "conv2d(x: %i, weight: %w, stride: [@, 1], padding: [0, @])",
        "iota(size: @)",
        "full(dtype: f32, shape: [@], value: @)",
        "rms_norm(x: %x, eps: @)",
      ),
      values,
    );
    const text = line.map(
      ([call, value]) =>
        `graph g {\ndim B\ninput %x: f32[B, 4]\ninput %i: f32[B, 1, 8, 8]\ninput %w: f32[1, 1, 3, 3]\n%y = ${call.replaceAll("@", value)}\n}`,
    );
    fc.assert(fc.property(text, readsOrReports), { numRuns: 200 });
  });

  test.each([
    ["brackets", "(".repeat(100_000)],
    ["divisions", `graph g {\ninput %x: f32[${"div(".repeat(20_000)}]\n}`],
    ["terms", `graph g {\ndim B\ninput %x: f32[${Array.from({ length: 5000 }, () => "B").join(" + ")}]\n}`],
    ["factors", `graph g {\ndim B\ninput %x: f32[${Array.from({ length: 5000 }, () => "B").join("*")}]\n}`],
    ["mistakes", "graph g {\n" + "?\n".repeat(100_000)],
    ["minus signs", `graph g {\noutput x = ${"-".repeat(100_000)}\n}`],
  ])("on a hundred thousand %s", (_, text) => {
    // Milliseconds; the longest takes about 100 on the slowest machine at hand.
    expect(processorTime(() => readsOrReports(text))).toBeLessThan(5000);
  });
});

test("reading time grows with the length of the text: 8 times the nodes take less than 24 times as long", () => {
  const chain = (length: number): string =>
    `graph g {\ndim B\ninput %x0: f32[B, 4]\n${Array.from({ length }, (_, i) => `%x${i + 1} = add(%x${i}, %x0)`).join("\n")}\n}`;
  const time = (length: number): number => {
    const text = chain(length);
    return leastProcessorTime(() => {
      const { graph } = readGraph({ name: "chain.ir", text });
      expect(graph!.nodes.length).toBe(length);
    });
  };
  time(500);
  expect(time(4000)).toBeLessThan(24 * time(500));
});
