import { readFileSync } from "node:fs";
import { compile } from "../../src/compile.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { explainEdges } from "../../src/passes/explain.ts";
import { paint } from "../../src/picture/paint.ts";
import { sceneOf } from "../../src/picture/draw.ts";
import type { Scene } from "../../src/picture/scene.ts";

export interface Picture {
  /** As it was lowered. */
  readonly graph: Graph;
  readonly scene: Scene;
  readonly svg: string;
}

export function pictureOf(
  text: string,
  {
    settings = {},
    opened = [],
    name = "model.lmg",
  }: { settings?: Readonly<Record<string, string>>; opened?: readonly string[]; name?: string } = {},
): Picture {
  const { model, graph, remarks, diagnostics } = compile({ name, text }, { settings });
  if (model === undefined || graph === undefined)
    throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const scene = sceneOf(model.graph, { fused: { graph, edges: explainEdges(graph, remarks) }, opened });
  return { graph: model.graph, scene, svg: paint(scene) };
}

export const exampleText = (name: string): string => readFileSync(`examples/${name}.lmg`, "utf8");

/** The graph of a text as it was lowered, without passes and plan. */
export function loweredPicture(
  text: string,
  settings: Readonly<Record<string, number | string>> = {},
  opened: readonly string[] = [],
): Pick<Picture, "graph" | "scene"> {
  const { model, diagnostics } = lower(parse({ name: "model.lmg", text }).file, { settings });
  if (model === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return { graph: model.graph, scene: sceneOf(model.graph, { opened }) };
}

/** Settings of families whose published sizes are more than a graph without a config may have. */
export const small: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "deepseek_v3.lmg": { depth: 4 },
  "qwen3_next.lmg": { depth: 4 },
};
