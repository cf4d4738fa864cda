import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { parse } from "../../src/language/parse.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { printGraph } from "../../src/ir/print.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { lower, type Lowered, type LoweredModel, type LowerOptions } from "../../src/lower/lower.ts";
import { isError, showDiagnostic, sortDiagnostics } from "../../src/support/diagnostic.ts";
import type { Source } from "../../src/support/source.ts";
import type { HostTensor } from "../../src/tensor/host.ts";

export const programs = new URL("../programs/", import.meta.url);

const library = { name: "std.lmg", text: readFileSync(new URL("std.lmg", programs), "utf8") };

/** What the programs of `test/programs` use. */
export const resolveProgram = (path: string): Source | undefined =>
  path === "./std.lmg" ? library : undefined;

export function lowerText(text: string, options: LowerOptions = {}): Lowered {
  const { file, diagnostics } = parse({ name: "model.lmg", text });
  const lowered = lower(file, { resolveUse: (path) => resolveProgram(path), ...options });
  return { ...lowered, diagnostics: sortDiagnostics([...diagnostics, ...lowered.diagnostics]) };
}

/** The model of a text without errors. */
export function modelOf(text: string, options: LowerOptions = {}): LoweredModel {
  const { model, diagnostics } = lowerText(text, options);
  expect(diagnostics.filter(isError).map((diagnostic) => showDiagnostic(diagnostic))).toEqual([]);
  expect(model && verifyGraph(model.graph)).toEqual([]);
  return model!;
}

export const graphOf = (text: string, options: LowerOptions = {}): Graph => modelOf(text, options).graph;

/** The text of the graph, for snapshots. */
export const irOf = (text: string, options: LowerOptions = {}): string =>
  `\n${printGraph(graphOf(text, options))}`;

const std = new URL("../../src/std/", import.meta.url);

/**
 * A message in which lines of the library are `#`, after they were found where it says, so that other lines may come and go there:
 * `in std/attention.lmg:##:10` and `## |   assert …`.
 */
function withoutLibraryLines(message: string): string {
  return message.replaceAll(
    /in std\/(\w+\.lmg):(\d+):(\d+)\n( *)\2 \| (.*)/g,
    (_, file: string, line: string, column: string, indent: string, shown: string) => {
      expect(readFileSync(new URL(file, std), "utf8").split("\n")[Number(line) - 1]).toBe(shown);
      const hidden = line.replaceAll(/\d/g, "#");
      return `in std/${file}:${hidden}:${column}\n${indent}${hidden} | ${shown}`;
    },
  );
}

/** What a user reads for a text. */
export const messages = (text: string, options: LowerOptions = {}): string =>
  `\n${lowerText(text, options)
    .diagnostics.map((diagnostic) => withoutLibraryLines(showDiagnostic(diagnostic)))
    .join("\n")}\n`;

/** The messages for the body of a model that reads `x: f32[B, 8]`; `more` are definitions after it. */
export const mistakes = (body: string, more = ""): string =>
  messages(`model m {\n  input x: f32[B, 8]\n${body}\n  output y\n}\n${more}`);

export const parameterNames = (graph: Graph): string[] => graph.parameters.map(({ name }) => name);

export const opsOf = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

/** Random inputs and parameters, the same for the same names. */
export function bindingsOf(graph: Graph, symbols: Readonly<Record<string, number>> = { B: 2, T: 5 }) {
  return { inputs: randomInputs(graph, symbols, 7), parameters: randomParameters(graph, 7) };
}

/** The only output of a model for random inputs and parameters. */
export function outputOf(graph: Graph, symbols?: Readonly<Record<string, number>>): HostTensor {
  const outputs = Object.values(interpret(graph, bindingsOf(graph, symbols)));
  expect(outputs).toHaveLength(1);
  return outputs[0]!;
}

/**
 * float64 throughout, so only the order of additions differs: some 1e-15 an operation, a few hundred of them in a row.
 */
export const TOLERANCE = 1e-12;

/** The largest difference; NaN if an element is NaN, which no bound accepts. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  expect(a.length).toBeGreaterThan(0);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const distance = Math.abs(a[i]! - b[i]!);
    if (!(distance <= largest)) largest = distance;
  }
  return largest;
}
