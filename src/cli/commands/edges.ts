import { explainEdges, type EdgeExplanation } from "../../passes/explain.ts";
import type { EdgeRow } from "../../report/edges.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { edgeRows, lineOf, namesOf } from "../edges.ts";
import { loadModel } from "../load.ts";
import { modelOrRunArgument, modelOptions, passOptions, type ModelOptions } from "../source.ts";
import { withTrainedModel } from "../run/trained.ts";
import type { Out } from "../out.ts";

interface EdgesOptions extends ModelOptions {
  readonly all?: true;
  readonly json?: true;
}

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    { flags: "--all", description: "every edge, without folding repeats" },
    { flags: "--json", description: "every edge as JSON" },
    ...passOptions,
  ],
  examples: [
    ["lmg edges model.lmg", "each residual edge: its norms and gains, and the kernel that it became part of"],
    ["lmg edges model.lmg --set placement=post", "the same with the norms after the adds"],
  ],
  async run([given], asked: EdgesOptions, out) {
    const { path, options } = withTrainedModel(given!, asked);
    const { model, remarks } = await loadModel(path, options, out);
    const edges = explainEdges(model.graph, remarks);
    if (options.json === true) {
      out.write(`${JSON.stringify(edges.map(jsonOf), null, 2)}\n`);
      return;
    }
    for (const row of edgeRows(edges, { all: options.all === true })) showEdge(row, out);
    const joined = edges.filter((explained) => explained.joined).length;
    out.write(`${plural(edges.length, "residual edge")}, ${joined} with the add fused\n`);
  },
};

const jsonOf = ({ edge, fused, refused }: EdgeExplanation): object => ({
  line: lineOf(edge),
  name: edge.name,
  source: edge.source,
  branches: edge.branches,
  norms: edge.norms,
  skip: edge.skip ?? null,
  branch: edge.branch ?? null,
  fused: fused.map(({ roles, into }) => ({ parts: namesOf(roles), into })),
  refused: refused.map(({ roles, message }) => ({ parts: namesOf(roles), because: message })),
});

/** A line that says what the edge is, then one for each thing that became of it. */
function showEdge(row: EdgeRow, out: Out): void {
  const { strong, faint } = out.paint;
  const from = row.source === "stream" ? "" : ` from ${row.source}`;
  const head = [`line ${row.line}`, strong(row.name) + (row.repeats === "" ? "" : ` (${row.repeats})`)].join(
    "  ",
  );
  const parts = [`+ ${row.branch}${from}`, row.norms === "" ? row.placement : row.norms, row.gains];
  out.write(`${head}  ${parts.filter((part) => part !== "").join("; ")}\n`);
  for (const text of lines(row.fused)) out.write(`    ${text}\n`);
  for (const text of lines(row.refused)) out.write(faint(`    ${text}`) + "\n");
}

const lines = (text: string): string[] => (text === "" ? [] : text.split("\n"));
