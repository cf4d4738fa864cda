import type { Edge, EdgeRole } from "../../ir/graph.ts";
import { explainEdges, type EdgeExplanation } from "../../passes/explain.ts";
import { positionAt } from "../../support/source.ts";
import { listWords, plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { foldRows } from "../folding.ts";
import { loadModel } from "../load.ts";
import { modelArgument, modelOptions, passOptions, type ModelOptions } from "../source.ts";
import type { Out } from "../out.ts";

interface EdgesOptions extends ModelOptions {
  readonly all?: true;
  readonly json?: true;
}

/** What is printed of an edge; texts only, so that equal ones fold. */
type EdgeRow = Readonly<
  Record<
    "line" | "name" | "source" | "branch" | "placement" | "norms" | "gains" | "fused" | "refused",
    string
  >
>;

export const command: Command = {
  arguments: [modelArgument],
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
  async run([path], options: EdgesOptions, out) {
    const { model, remarks } = await loadModel(path!, options, out);
    const edges = explainEdges(model.graph, remarks);
    if (options.json === true) {
      out.write(`${JSON.stringify(edges.map(jsonOf), null, 2)}\n`);
      return;
    }
    const rows = edges.map((explained) => ({ row: rowOf(explained), scope: explained.edge.scope }));
    const folded = options.all === true ? rows.map(({ row }) => ({ row, repeats: "" })) : foldRows(rows);
    for (const { row, repeats } of folded) showEdge(row, repeats, out);
    const joined = edges.filter((explained) => explained.joined).length;
    out.write(`${plural(edges.length, "residual edge")}, ${joined} with the add fused\n`);
  },
};

/** How the parts of an edge are called in print. */
const partNames: { readonly [R in EdgeRole]: string } = {
  join: "add",
  pre: "pre norm",
  out: "out norm",
  post: "post norm",
  skip: "skip gain",
  branch: "branch gain",
};

const namesOf = (roles: readonly EdgeRole[]): string[] => roles.map((role) => partNames[role]);

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

const lineOf = ({ span }: Edge): number | null =>
  span === undefined ? null : positionAt(span.source, span.start).line;

function rowOf({ edge, fused, refused }: EdgeExplanation): EdgeRow {
  const positions = edge.norms.map(({ position }) => position);
  const gains = [edge.skip && `skip ${edge.skip.text}`, edge.branch && `branch ${edge.branch.text}`];
  return {
    line: String(lineOf(edge) ?? ""),
    name: edge.name,
    source: edge.source,
    branch: edge.branches.length === 0 ? "the stream" : edge.branches.join(" + "),
    placement: positions.length === 0 ? "no norm" : positions.join(" and "),
    norms: edge.norms.map(({ position, kind, label }) => `${position} ${kind} ${label}`.trim()).join(", "),
    gains: gains.filter((gain) => gain !== undefined).join(", "),
    fused: fused.map(({ roles, into }) => `${listWords(namesOf(roles))} fused into ${into}`).join("\n"),
    refused: refused
      .map(({ roles, message }) => `${listWords(namesOf(roles))} ${missed(roles)}: ${message}`)
      .join("\n"),
  };
}

/** What an add looks for is a norm, what a norm looks for is an add; either may still be in a kernel of another kind. */
const missed = (roles: readonly EdgeRole[]): string =>
  roles.every((role) => role === "pre" || role === "out" || role === "post")
    ? "not fused with an add"
    : "not fused with a norm";

/** A line that says what the edge is, then one for each thing that became of it. */
function showEdge(row: EdgeRow, repeats: string, out: Out): void {
  const { strong, faint } = out.paint;
  const from = row.source === "stream" ? "" : ` from ${row.source}`;
  const head = [`line ${row.line}`, strong(row.name) + (repeats === "" ? "" : ` (${repeats})`)].join("  ");
  const parts = [`+ ${row.branch}${from}`, row.norms === "" ? row.placement : row.norms, row.gains];
  out.write(`${head}  ${parts.filter((part) => part !== "").join("; ")}\n`);
  for (const text of lines(row.fused)) out.write(`    ${text}\n`);
  for (const text of lines(row.refused)) out.write(faint(`    ${text}`) + "\n");
}

const lines = (text: string): string[] => (text === "" ? [] : text.split("\n"));
