import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { operandValues } from "../../src/ir/node.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { checkPasses, showDifference } from "../../src/passes/check.ts";
import { explainEdges } from "../../src/passes/explain.ts";
import { isNorm } from "../../src/passes/facts.ts";
import type { Remark } from "../../src/passes/pass.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { Source } from "../../src/support/source.ts";
import { smallSizes } from "../programs/sizes.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): Source => ({
  name: path,
  text: readFileSync(new URL(path, root), "utf8"),
});

interface Program {
  readonly path: string;
  readonly model: string;
  readonly settings: Readonly<Record<string, number>>;
}

/** The models of a file, each with the small sizes that it has parameters for. */
function programsOf(path: string): Program[] {
  const headers = read(path).text.matchAll(/^model (?<model>\w+)\s*(?:\((?<parameters>[^)]*)\))?/gm);
  return [...headers].map(({ groups }) => {
    const names = [...(groups!.parameters ?? "").matchAll(/(\w+)\s*[:=]/g)].map((match) => match[1]!);
    const settings = Object.fromEntries(
      names.filter((name) => name in smallSizes).map((name) => [name, smallSizes[name]!]),
    );
    return { path, model: groups!.model!, settings };
  });
}

function graphOf({ path, model, settings }: Program, more: Readonly<Record<string, string>> = {}): Graph {
  const { file } = parse(read(path));
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const resolveUse = (name: string): Source => read(folder + name);
  const lowered = lower(file, { model, settings: { ...settings, ...more }, resolveUse });
  if (lowered.model === undefined)
    throw new Error(lowered.diagnostics.map(({ message }) => message).join("\n"));
  return lowered.model.graph;
}

const files = (folder: string): string[] =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".lmg"))
    .map((name) => folder + name);

const examples = files("examples/").flatMap(programsOf);
/** A ResNet of full size: its convolutions take the interpreter a minute. */
const slow = new Set(["resnet", "dense_then_experts"]);
const programs = files("test/programs/")
  .flatMap(programsOf)
  .filter(({ model }) => !slow.has(model));

/** Norms that read the join of an edge as it is: what add+norm fusion must not leave. */
function normsBehindJoins(graph: Graph): Node[] {
  const joins = new Set(
    graph.nodes
      .filter((node) => node.op !== "add_norm" && node.origin.edges.some(({ role }) => role === "join"))
      .flatMap((node) => node.results),
  );
  return graph.nodes.filter((node) => isNorm(node) && joins.has(operandValues(node)[0]!));
}

/** How many edges there are, how many of their adds are in an add_norm, and why the others are not. */
function fusionOf(graph: Graph): string {
  const remarks: Remark[] = [];
  const after = runPasses(graph, { report: (remark) => remarks.push(remark), verify: true });
  expect(normsBehindJoins(after)).toEqual([]);
  const edges = explainEdges(after, remarks);
  const inNorm = edges.filter(({ fused }) =>
    fused.some(({ roles, into }) => roles.includes("join") && into.startsWith("add_norm")),
  );
  const reasons = edges
    .filter((edge) => !inNorm.includes(edge))
    .flatMap(({ refused }) =>
      refused.filter(({ roles }) => roles.includes("join")).map(({ reason }) => reason),
    );
  return [`${inNorm.length} of ${edges.length}`, ...new Set(reasons)].join("; ");
}

test("every example fuses every add+norm pair that the rules allow, and says why the others are none", () => {
  const table = examples.map((program) => `${program.model}: ${fusionOf(graphOf(program))}`);
  expect(table).toMatchInlineSnapshot(`
    [
      "bert: 4 of 4",
      "chars: 5 of 5",
      "cohere: 4 of 4",
      "deepnorm: 4 of 4",
      "depth: 5 of 5",
      "digits: 0 of 1; not_last_axis",
      "digits_plain: 0 of 0",
      "gemma2: 4 of 4",
      "gpt2: 5 of 5",
      "gptj: 2 of 2",
      "granite: 4 of 4",
      "layerscale: 3 of 4; no_norm",
      "llama: 4 of 4",
      "neox: 2 of 2",
      "norm_tanh: 0 of 1; no_norm",
      "olmo2: 4 of 4",
      "placement: 5 of 5",
      "qwen3: 4 of 4",
      "residual_dense: 0 of 1; no_norm",
      "rezero: 0 of 4; no_norm",
      "unet: 31 of 42; no_norm",
    ]
  `);
});

test("the placement of the norms is one word, and each word fuses", () => {
  const program = examples.find(({ path }) => path.endsWith("placement.lmg"))!;
  const table = ["pre", "out", "post", "sandwich", "none"].map(
    (placement) => `${placement}: ${fusionOf(graphOf(program, { placement }))}`,
  );
  expect(table).toMatchInlineSnapshot(`
    [
      "pre: 5 of 5",
      "out: 4 of 5; no_norm",
      "post: 4 of 5; in_between",
      "sandwich: 5 of 5",
      "none: 1 of 5; no_norm; in_between",
    ]
  `);
});

describe("every pass keeps what a model computes", () => {
  test.each(
    [...examples, ...programs].map((program) => [`${program.path} ${program.model}`, program] as const),
  )("%s", (_name, program) => {
    const difference = checkPasses(graphOf(program));
    expect(difference && showDifference(difference)).toBeUndefined();
  });
});
