import { messagesHeard } from "../../src/support/messages.ts";
import { compile, type Compilation } from "../../src/compile.ts";
import { targets } from "../../src/emit/targets.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { explainEdges } from "../../src/passes/explain.ts";
import { draw } from "../../src/picture/draw.ts";
import { completeDims } from "../../src/run/sizes.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import type { Serving } from "../calls.ts";
import { optionsOf, sourceOf, type ModelText } from "../model.ts";
import type { Probing, ProbedWord } from "./depth.ts";
import { edgesOf, type ShownEdge } from "./edges.ts";
import { changesBy, passesOf, type PassDiff, type ShownPass } from "./passes.ts";
import { planOf, type ShownPlan } from "./plan.ts";

/** What passes and plan make of a model. */
export interface Built {
  readonly svg: string;
  readonly edges: readonly ShownEdge[];
  /** How many residual edges there are, and how many share their add with a norm's kernel. */
  readonly count: number;
  readonly joined: number;
  readonly plan: ShownPlan;
  readonly passes: readonly ShownPass[];
}

/** Modules that are shown as text. */
export type ShownTarget = "ts" | "wgsl";

export interface Emitted {
  readonly text: string;
  /** For each line of the module the line of the model that it is of; 0 for none. */
  readonly lines: Uint32Array;
}

export type BuildCalls = {
  /** Undefined if a later one was asked for meanwhile, or if the text has mistakes. */
  readonly build: {
    request: { readonly of: ModelText; readonly opened: readonly string[] };
    result: Built | undefined;
    news: never;
  };
  readonly changes: {
    request: { readonly of: ModelText; readonly pass: number };
    result: PassDiff;
    news: never;
  };
  readonly emit: {
    request: { readonly of: ModelText; readonly target: ShownTarget };
    result: Emitted;
    news: never;
  };
  readonly probe: { request: Probing; result: undefined; news: ProbedWord };
};

/** The last build, for what is asked of it. */
let last: { readonly of: ModelText; readonly stages: readonly Stage[] } | undefined;

/** The graph as it was lowered, or after a pass that changed it. */
export interface Stage {
  readonly name: string;
  readonly graph: Graph;
}

/** How many builds were asked for: one that is not the last one ends between two stages. */
let asked = 0;

export const building: Serving<BuildCalls> = {
  async build({ of, opened }) {
    const number = ++asked;
    await messagesHeard();
    if (number !== asked) return undefined;
    const stages: Stage[] = [];
    const { model, graph, remarks, plan } = compile(sourceOf(of), {
      ...optionsOf(of),
      verify: false,
      observe: ({ name }, after) => {
        if (after !== stages.at(-1)?.graph) stages.push({ name, graph: after });
      },
    });
    await messagesHeard();
    if (number !== asked || model === undefined || graph === undefined || plan === undefined)
      return undefined;
    last = { of, stages: [{ name: "lower", graph: model.graph }, ...stages] };
    const edges = explainEdges(model.graph, remarks);
    const sizes = orThrow(completeDims(graph.symbols, new Map()));
    return {
      svg: draw(model.graph, { fused: { graph, edges }, opened }),
      edges: edgesOf(edges),
      count: edges.length,
      joined: edges.filter(({ joined }) => joined).length,
      plan: planOf(plan, sizes),
      passes: passesOf(last.stages),
    };
  },
  changes: ({ of, pass }) => changesBy(stagesOf(of), pass),
  async emit({ of, target }) {
    const row = targets[target];
    const { plan } = compiled(of, { target: row.target({}) });
    const emit = await row.load();
    const [file] = emit(plan!);
    return { text: file!.text, lines: modelLines(file!.text) };
  },
  async probe(request, tell) {
    const { probeWords } = await import("./depth.ts");
    await probeWords(request, tell, messagesHeard);
    return undefined;
  },
};

function compiled(of: ModelText, options: Parameters<typeof compile>[1]): Compilation {
  const found = compile(sourceOf(of), { ...optionsOf(of), ...options, verify: false });
  if (found.plan === undefined) throw new Error(found.diagnostics[0]?.message ?? "the text has no model");
  return found;
}

function stagesOf(of: ModelText): readonly Stage[] {
  if (last !== undefined && JSON.stringify(last.of) === JSON.stringify(of)) return last.stages;
  throw new Error("the text was changed since");
}

/** The comments of emitted modules name the line of each step; what follows belongs to it. */
function modelLines(text: string): Uint32Array {
  const lines = text.split("\n");
  const found = new Uint32Array(lines.length);
  let current = 0;
  for (const [index, line] of lines.entries()) {
    const named = /^\s*\/\/ model\.lmg:(\d+)/.exec(line)?.[1];
    if (named !== undefined) current = Number(named);
    else if (/^(?:}|export |async function |function )/.test(line)) current = 0;
    found[index] = current;
  }
  return found;
}
