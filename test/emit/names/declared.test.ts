import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { CallTable } from "../../../src/emit/ts/calls.ts";
import { emitTypeScript } from "../../../src/emit/ts/emit.ts";
import { helpers } from "../../../src/emit/ts/helpers/table.ts";
import { functionsOf, functionWords, modelWords } from "../../../src/emit/ts/model.ts";
import { prepareWords } from "../../../src/emit/ts/prepare.ts";
import { runWords } from "../../../src/emit/ts/run.ts";
import type { FloatFormat } from "../../../src/emit/ts/storage.ts";
import type { Helper } from "../../../src/emit/module/helpers.ts";
import { parameterTable } from "../../../src/emit/module/parameters.ts";
import type { Piece } from "../../../src/emit/module/piece.ts";
import { inputRuntime } from "../../../src/emit/module/runtime/inputs.ts";
import { packedRuntime } from "../../../src/emit/module/runtime/packed.generated.ts";
import { readerRuntime } from "../../../src/emit/module/runtime/reader.generated.ts";
import { safetensorsRuntime } from "../../../src/emit/module/runtime/safetensors.ts";
import { publicTypes } from "../../../src/emit/module/runtime/types.ts";
import {
  elementRuntime,
  elementRuntime64,
  stateRuntime,
  streamRuntime,
  weightRuntime,
  wholeRuntime,
} from "../../../src/emit/module/runtime/weights.ts";
import { symbolsOfParts } from "../../../src/emit/module/surface.ts";
import { emitWgsl } from "../../../src/emit/wgsl/emit.ts";
import { Names } from "../../../src/emit/module/text.ts";
import { reservedWords } from "../../../src/emit/module/words.ts";
import { planGraph, planProgram } from "../../../src/plan/build.ts";
import { programOf, type ProgramPlan } from "../../../src/plan/plan.ts";
import { cache, graphOf } from "../../states/graphs.ts";
import { exampleGraph } from "../../incremental/models.ts";
import { complaints } from "../complaints.ts";
import { planWithSessions } from "../sessions.ts";
import { declaredBy, parsed, wordsOf } from "./declared.ts";
import { plans } from "./words.ts";

const graph = graphOf(cache);
/** Every object has a `toString`: whether it was given is asked otherwise. */
const inherited = compile({
  name: "m.lmg",
  text: "model m { input toString: f32[B, 4]; toString -> softmax; output y }",
});
const programs: readonly ProgramPlan[] = [
  programOf(inherited.plan!),
  ...plans().map((plan) => ("parts" in plan ? plan : programOf(plan))),
  planWithSessions(exampleGraph("gpt2", { vocab: 11, dim: 8, depth: 1, heads: 2 }), "ts"),
  programOf(planGraph(graph)),
  planProgram({ name: "twice", parts: { first: graph, second: graph } }),
];

describe("what code declares is listed beside it", () => {
  const model = ["export interface Model {", "}"];
  const pieces: readonly (readonly [string, Piece])[] = [
    ["weights", weightRuntime],
    ["weights that are there", wholeRuntime],
    ["weights that come", streamRuntime],
    ["codes", packedRuntime],
    ["state", stateRuntime],
    ["reader", readerRuntime],
    ...programs.flatMap((program): [string, Piece][] => [
      [`files of ${program.name}`, safetensorsRuntime(program)],
      [`parameters of ${program.name}`, parameterTable(program.shared)],
      [`types of ${program.name}`, publicTypes(program, model)],
    ]),
  ];

  test.each(pieces)("%s", (_, { declares, code }) => {
    expect(declaredBy(parsed(code, true).statements).toSorted()).toEqual(declares.toSorted());
  });

  const tables: Readonly<Record<string, Readonly<Record<string, Helper>>>> = {
    helpers,
    elementRuntime,
    elementRuntime64,
    inputRuntime,
  };
  const rows = Object.entries(tables).flatMap(([table, parts]) =>
    Object.entries(parts).map(([name, part]) => [table, name, part] as const),
  );

  test.each(rows)("%s: %s", (_, name, { declares = [], code }) => {
    expect(declaredBy(parsed(code, true).statements).toSorted()).toEqual([name, ...declares].toSorted());
  });
});

/** The same with values that are called as nothing else is. */
const renamed = (program: ProgramPlan): ProgramPlan => ({
  ...program,
  shared: {
    ...program.shared,
    buffers: program.shared.buffers.map((buffer, index) => ({ ...buffer, name: `value_${index}_of_model` })),
  },
});

/** The functions in which values have names: the words that they hold beside these, and those that are taken. */
function wordsAround(program: ProgramPlan, floats: FloatFormat): { held: Set<string>; taken: Set<string> } {
  const table = new CallTable(new Names());
  const { model, prepare } = functionsOf(renamed(program), { floats, profiles: false }, table);
  const dims = new Set(symbolsOfParts(program).map(({ name }) => name));
  const words = [...wordsOf(parsed([...model, ...prepare], false))];
  return {
    held: new Set(words.filter((word) => !/^value_\d+_of_model$/.test(word) && !dims.has(word))),
    taken: new Set([...reservedWords, ...functionWords(program, table)]),
  };
}

/** Parts whose functions and types could be called as those of a module are. */
const parts = { once: graph, steps: graph, memory: graph };

describe("the parts of a program are called as nothing else of its module", () => {
  const oddly = [...programs.slice(-2), planProgram({ name: "odd", parts })];

  test.each(oddly)("in $name", (program) => {
    for (const emit of [emitTypeScript, emitWgsl])
      expect(complaints(emit(program).files[0]!.text)).toEqual([]);
  });
});

describe("no value of a model is called as a word of the functions that it stands in", () => {
  const found = programs.flatMap((program) =>
    (["f32", "f64"] as const).map((floats) => [program.name, floats, wordsAround(program, floats)] as const),
  );

  test.each(found)("%s in %s", (_, __, { held, taken }) => {
    expect(held.size).toBeGreaterThan(5);
    expect([...held].filter((word) => !taken.has(word))).toEqual([]);
  });

  test("every word that is kept from values stands in some module", () => {
    const held = new Set(found.flatMap(([, , words]) => [...words.held]));
    const kept = [...modelWords, ...runWords, ...prepareWords];
    expect(kept.filter((word) => !held.has(word))).toEqual([]);
  });
});
