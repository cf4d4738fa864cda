import { describe, expect, test } from "vitest";
import { makeValue } from "../../src/ir/node.ts";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { planGraph } from "../../src/plan/build.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { graphOf } from "./graphs.ts";
import { expectNear } from "./near.ts";
import { interpreted, sessionTargets } from "./sessions.ts";

const text = (body: string): string => `graph g {
  dim T
  input %x: f32[T, 2]
  state %s: f32[4, 2] = constant(1) "s"
  state %t: f32[4, 2] = constant(2) "t"
  %row: f32[2] = reduce_sum(%x, axes: [0])
  %part: f32[1, 2] = reshape(%row, shape: [1, 2])
${body.trim().replaceAll(/^ */gm, "  ")}
}
`;

const written = "%w: f32[4, 2] = write(x: %s, part: %part, axis: 0, start: 1)";

/** How often each op stands in the plan of a body. */
function opsOf(body: string): readonly string[] {
  const plan = planGraph(runPasses(graphOf(text(body)), { verify: true }));
  expect(verifyPlan(plan, new Map([["T", 3]]))).toEqual([]);
  return plan.steps.map(({ op }) => op);
}

describe("a write is done where the state lies", () => {
  const bodies: readonly (readonly [string, string, readonly string[]])[] = [
    ["if nobody reads what was there", `${written}\n next %s = %w`, ["reduce_sum", "write"]],
    [
      "after the others that read it",
      `%old: f32[4] = reduce_sum(%s, axes: [1])\n ${written}\n output y = %old\n next %s = %w`,
      ["reduce_sum", "reduce_sum", "write"],
    ],
    [
      "through several writes",
      `${written}\n %v: f32[4, 2] = write(x: %w, part: %part, axis: 0, start: 3)\n next %s = %v`,
      ["reduce_sum", "write", "write"],
    ],
    [
      "the part put aside if it is of the state itself",
      `%up: f32[3, 2] = slice(%s, axis: 0, start: 1, size: 3)\n %w: f32[4, 2] = write(x: %s, part: %up, axis: 0, start: 0)\n next %s = %w`,
      ["copy", "write"],
    ],
  ];
  test.each(bodies)("%s", (_, body, ops) => expect(opsOf(body)).toEqual(ops));
});

describe("a write is a copy with the part in it", () => {
  const bodies: readonly (readonly [string, string])[] = [
    [
      "if what was there is read later",
      `${written}\n %old: f32[4] = reduce_sum(%s, axes: [1])\n output y = %old\n next %s = %w`,
    ],
    ["if what was there is a result", `${written}\n output y = %s\n next %s = %w`],
    [
      "if what was there is a result seen otherwise",
      `%f: f32[8] = reshape(%s, shape: [8])\n ${written}\n output y = %f\n next %s = %w`,
    ],
    ["if it is what another state becomes", `${written}\n next %t = %w`],
    ["if it is no state's next value", `${written}\n output y = %w`],
    ["if the old value is what another state becomes", `${written}\n next %s = %w\n next %t = %s`],
    [
      "if what is between two writes is read after the second",
      `${written}\n %v: f32[4, 2] = write(x: %w, part: %part, axis: 0, start: 3)\n %y: f32[4] = reduce_sum(%w, axes: [1])\n output y = %y\n next %s = %v`,
    ],
  ];
  test.each(bodies)("%s", async (_, body) => {
    expect(opsOf(body)).not.toContain("write");
    const program = { name: "g", parts: { run: graphOf(text(body)) } };
    const making = { parameters: {}, dims: {} };
    for (const { open } of sessionTargets(undefined)) {
      const [here, there] = [await open(program, making), interpreted(program, making)];
      for (let run = 0; run < 3; run++) {
        const x = randomTensor([3, 2], new RandomStream(run, "x"));
        expectNear(await here.run("run", { x }), await there.run("run", { x }));
        expectNear(await here.readState(), await there.readState());
      }
    }
  });
});

describe("the verifier says of states that", () => {
  const whole = graphOf(text(`${written}\n next %s = %w`));
  const [first, second] = whole.states;
  const with_ = (state: Partial<typeof first>): string[] =>
    verifyGraph({ ...whole, states: [{ ...first!, ...state }, second!] });

  test("two have one name", () => expect(with_({ name: "t" })).toEqual(["two states are called t"]));
  test("a next value has another type", () =>
    expect(with_({ next: whole.inputs[0]!.value })).toEqual([
      "the state s is f32[4, 2], but f32[T, 2] next",
    ]));
  test("a next value is not made", () =>
    expect(with_({ next: makeValue(tensorType("f32", 4, 2)) })).toEqual([
      "the state s becomes a value that nothing makes",
    ]));
  test("one is kept and begins with random numbers", () =>
    expect(with_({ init: { kind: "normal", mean: 0, std: 1 } })).toEqual([
      "the state s begins with more than one number",
    ]));
  test("a weight has a run-time size", () =>
    expect(
      with_({ kind: "optimizer", value: whole.inputs[0]!.value, next: whole.inputs[0]!.value }),
    ).toContain("the state s of kind optimizer has a run-time size"));
  test("a dim is neither given nor an input's", () => {
    const unbound = { ...whole, symbols: [...whole.symbols, { name: "P" }] };
    expect(verifyGraph(unbound)).toEqual(["no input says what P is"]);
    const given = { ...whole, symbols: [...whole.symbols, { name: "P", given: true as const }] };
    expect(verifyGraph(given)).toEqual([]);
  });
});

describe("reading tells", () => {
  const messageOf = (body: string): readonly string[] =>
    readGraph({ name: "g.ir", text: text(body) }).diagnostics.map(
      ({ code, message }) => `${code} ${message}`,
    );
  test.each([
    [`next %x = %s`, "E607 %x is no state"],
    [`${written}\n next %s = %w\n next %s = %w`, "E603 %s has a next value already"],
    [`next %s = %x`, "E606 the state %s is f32[4, 2], its next value f32[T, 2]"],
    [`next %s = %nothing`, "E604 there is no value %nothing above"],
    [
      `state %u: f32[2] = constant(0) "u" moment`,
      "E605 a state is one of kept, parameter, statistic, optimizer, accumulated or total, or says nothing",
    ],
    [
      `%w: f32[4, 2] = write(x: %s, part: %part, axis: 0, start: 4)`,
      "E606 write: `part`: 1 from 4 reaches past axis 0 of f32[4, 2]",
    ],
    [
      `%w: f32[4, 2] = write(x: %s, part: %row, axis: 0, start: 0)`,
      "E606 write: `part`: expected the shape of f32[4, 2] but for axis 0, got f32[2]",
    ],
  ])("%s", (body, message) => expect(messageOf(body)).toEqual([message]));
});
