import { printGraph } from "../../ir/print.ts";
import type { Graph } from "../../ir/graph.ts";
import { passes } from "../../passes/pipeline.ts";
import type { Source } from "../../support/source.ts";
import { nearest } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { loadDecoding } from "../decoding.ts";
import { loadPlan } from "../load.ts";
import { lookAtEach, type Look, type LookOptions } from "../look.ts";
import type { Out } from "../out.ts";
import { modelsArgument, stdinOption } from "../places.ts";
import { modelOptions, outputOption, passOptions, trainOption } from "../source.ts";
import { stop } from "../stop.ts";

interface IrOptions extends LookOptions {
  readonly train?: true;
  readonly after?: string;
  readonly each?: true;
  readonly decode?: true;
  /** Commander's form of `--no-annotations`. */
  readonly annotations: boolean;
}

interface Stage {
  /** `lower`, or the pass that made the graph. */
  readonly after: string;
  readonly graph: Graph;
}

export const command: Command = {
  arguments: [modelsArgument],
  options: [
    ...modelOptions,
    outputOption,
    trainOption,
    {
      flags: "--after <pass>",
      description: `the graph after a pass: lower, ${passes.map(({ name }) => name).join(", ")}`,
    },
    {
      flags: "--each",
      description: "the graph after lowering and after every pass that changed it, up to that of --after",
    },
    {
      flags: "--decode",
      description: "the parts that read a text a few positions at a time, which are derived from the model",
    },
    { flags: "--no-annotations", description: "without labels, scopes, edges and what was fused" },
    { flags: "--json", description: "a list of { after, ir }; of { part, ir } with --decode" },
    stdinOption,
    ...passOptions,
  ],
  examples: [
    ["lmg ir model.lmg", "the graph that plans are made of"],
    ["lmg ir model.lmg --after lower", "the graph as the model says it, residual edges and all"],
    ["lmg ir model.lmg --each --no-annotations", "how the passes change it, step by step"],
    ["lmg ir model.lmg --train --after lower", "its training step, before anything is fused"],
    ["lmg ir model.lmg --decode", "what runs for each new token, and what is kept between runs"],
  ],
  // The head is a comment of IR, so that what is printed can be read back.
  run: (args, asked: IrOptions, out) => lookAtEach(args, asked, out, lookAtIr, (path) => `// ${path}\n`),
};

async function lookAtIr(source: Source, options: IrOptions, out: Out): Promise<Look> {
  if (options.decode === true) return lookAtParts(source, options, out);
  const stages: Stage[] = [];
  const { lowered } = await loadPlan(source, options, out, {
    observe: ({ name }, graph) => stages.push({ after: name, graph }),
  });
  const all = [{ after: "lower", graph: lowered }, ...stages];
  const last = pick(all, options.after);
  const shown = options.each === true ? changed(all.slice(0, all.indexOf(last) + 1)) : [last];
  const texts = shown.map(({ after, graph }) => ({ after, ir: printGraph(graph, options) }));
  return {
    json: () => texts,
    text: () =>
      texts.map(({ after, ir }) => (options.each === true ? `// after ${after}\n${ir}` : ir)).join("\n"),
  };
}

async function lookAtParts(source: Source, options: IrOptions, out: Out): Promise<Look> {
  const other = [options.each && "--each", options.after && "--after", options.train && "--train"].find(
    Boolean,
  );
  if (other !== undefined) stop("E803", `--decode and ${other} exclude each other`);
  const decoding = await loadDecoding(source, options, out);
  const parts = Object.entries(decoding.program.parts);
  const texts = parts.map(([part, graph]) => ({ part, ir: printGraph(graph, options) }));
  return { json: () => texts, text: () => texts.map(({ ir }) => ir).join("\n") };
}

/** A pass that finds nothing to do returns the graph it was given. */
const changed = (stages: readonly Stage[]): Stage[] =>
  stages.filter(({ graph }, index) => graph !== stages[index - 1]?.graph);

function pick(stages: readonly Stage[], after: string | undefined): Stage {
  if (after === undefined) return stages.at(-1)!;
  const stage = stages.find((candidate) => candidate.after === after);
  if (stage !== undefined) return stage;
  const names = stages.map((candidate) => candidate.after);
  const near = nearest(after, names);
  const help = near === undefined ? `the passes are ${names.join(", ")}` : `did you mean ${near}?`;
  return stop("E807", `there is no pass \`${after}\` in this run`, help);
}
