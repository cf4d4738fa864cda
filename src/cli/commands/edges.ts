import { describeEdges } from "../../passes/describe-edges.ts";
import { explainEdges } from "../../passes/explain.ts";
import type { EdgeRow } from "../../report/edges.ts";
import type { Paint } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { edgeRows } from "../../report/edge-rows.ts";
import { loadModel } from "../load.ts";
import { lookAtEach, type Look, type LookOptions } from "../look.ts";
import type { Out } from "../out.ts";
import { modelsArgument, stdinOption } from "../places.ts";
import { parseNumber } from "../arguments.ts";
import { modelOptions, passOptions } from "../source.ts";
import { orStop } from "../stop.ts";

interface EdgesOptions extends LookOptions {
  readonly all?: true;
  readonly shard?: string;
}

export const command: Command = {
  arguments: [modelsArgument],
  options: [
    ...modelOptions,
    { flags: "--all", description: "every edge, without folding repeats" },
    {
      flags: "--shard <devices>",
      description: "how each edge's branch is shared out among so many devices, or why it is not",
    },
    { flags: "--json", description: "every edge as JSON" },
    stdinOption,
    ...passOptions,
  ],
  examples: [
    ["lmg edges model.lmg", "each residual edge: its norms and gains, and the kernel that it became part of"],
    ["lmg edges model.lmg --set placement=post", "the same with the norms after the adds"],
    ["lmg edges model.lmg --shard 8", "what each of 8 devices has of every branch, with tensor parallelism"],
  ],
  run: (args, asked: EdgesOptions, out) => lookAtEach(args, asked, out, lookAtEdges),
};

async function lookAtEdges(source: Source, options: EdgesOptions, out: Out): Promise<Look> {
  const { model, remarks } = await loadModel(source, options, out);
  if (options.shard !== undefined) {
    const devices = orStop(parseNumber("--shard", options.shard, 2, 2 ** 16, true));
    const { planSharding } = await import("../../sharding/plan.ts");
    const { shardingRecords, showSharding } = await import("../edges.ts");
    const plans = planSharding(model.graph);
    return { json: () => shardingRecords(plans, devices), text: () => showSharding(plans, devices) };
  }
  const edges = explainEdges(model.graph, remarks);
  return {
    json: () => describeEdges(edges),
    text: () => {
      const rows = edgeRows(edges, { all: options.all === true });
      const joined = edges.filter((explained) => explained.joined).length;
      const total = `${plural(edges.length, "residual edge")}, ${joined} with the add fused\n`;
      return `${rows.map((row) => showEdge(row, out.paint)).join("")}${total}`;
    },
  };
}

/** A line that says what the edge is, then one for each thing that became of it. */
function showEdge(row: EdgeRow, { strong, faint }: Paint): string {
  const from = row.source === "stream" ? "" : ` from ${row.source}`;
  const head = [`line ${row.line}`, strong(row.name) + (row.repeats === "" ? "" : ` (${row.repeats})`)].join(
    "  ",
  );
  const parts = [`+ ${row.branch}${from}`, row.norms === "" ? row.placement : row.norms, row.gains];
  const fused = lines(row.fused).map((text) => `    ${text}`);
  const refused = lines(row.refused).map((text) => faint(`    ${text}`));
  return [`${head}  ${parts.filter((part) => part !== "").join("; ")}`, ...fused, ...refused, ""].join("\n");
}

const lines = (text: string): string[] => (text === "" ? [] : text.split("\n"));
