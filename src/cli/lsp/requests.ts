import { compile } from "../../compile.ts";
import type { Analysis } from "../../editor/analyze.ts";
import { printGraph } from "../../ir/print.ts";
import { explainEdges } from "../../passes/explain.ts";
import { draw } from "../../picture/draw.ts";

/** Requests of lmg's own: what the compiler makes of a text, for panes beside it. The text has to be free of mistakes. */

/** `lmg/draw`: the picture of the model as an SVG text that stands alone; each mark names its place in the text. */
export interface DrawParams {
  readonly uri: string;
  /** Labels and names of calls whose inside is shown. */
  readonly opened?: readonly string[];
}

/** `lmg/ir`: the graph as a text, as it was lowered or after all passes. */
export interface IrParams {
  readonly uri: string;
  readonly passes?: boolean;
}

/** Undefined while the text has mistakes: a client keeps what it has. */
export function picture(
  { model, source, options }: Analysis,
  opened: readonly string[] = [],
): string | undefined {
  if (model === undefined) return undefined;
  const { graph, remarks } = compile(source, { ...options, verify: false });
  const fused = graph && { graph, edges: explainEdges(model.graph, remarks) };
  return draw(model.graph, { opened, ...(fused && { fused }) });
}

/** Undefined while the text has mistakes. */
export function ir({ model, source, options }: Analysis, passes: boolean): string | undefined {
  if (model === undefined) return undefined;
  const graph = passes ? compile(source, { ...options, verify: false }).graph : model.graph;
  return graph && printGraph(graph);
}
