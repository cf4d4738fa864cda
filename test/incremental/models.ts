import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { decodingProgram, type Decoding, type DecodingOptions } from "../../src/incremental/program.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { verifyProgram } from "../../src/ir/program.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { isError, showDiagnostic } from "../../src/support/diagnostic.ts";

export type Settings = Readonly<Record<string, number | string | boolean>>;

/** The graph of a text in which the model stands last, without mistakes. */
export function graphOf(text: string, settings: Settings = {}, name = "model.lmg"): Graph {
  const { file, diagnostics } = parse({ name, text });
  const { model, diagnostics: more } = lower(file, { settings });
  expect([...diagnostics, ...more].filter(isError).map((each) => showDiagnostic(each))).toEqual([]);
  return model!.graph;
}

export const exampleGraph = (name: string, settings: Settings = {}): Graph =>
  graphOf(
    readFileSync(new URL(`../../examples/${name}.lmg`, import.meta.url), "utf8"),
    settings,
    `${name}.lmg`,
  );

/** The program of a graph that must be derived; its parts fit together. */
export function derived(graph: Graph, options: DecodingOptions = {}): Decoding {
  const decoding = decodingProgram(graph, { verify: true, ...options });
  if (decoding instanceof Refusal) throw decoding;
  expect(verifyProgram(decoding.program)).toEqual([]);
  return decoding;
}

/** Why a graph is not derived. */
export function refused(graph: Graph, options: DecodingOptions = {}): Refusal {
  const refusal = decodingProgram(graph, options);
  expect(refusal).toBeInstanceOf(Refusal);
  return refusal as Refusal;
}
