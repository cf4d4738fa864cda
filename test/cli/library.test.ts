import { expect, test } from "vitest";
import { describePlan, parse, randomInputs } from "../../src/entries/ir.ts";
import { lowerForTraining, settingsOf, stepOptionsOf, trainingStats } from "../../src/entries/train.ts";
import { compile, describeEdges, dispatchReport, explainEdges } from "../../src/index.ts";
import {
  compareTargets,
  completeDims,
  describeComparison,
  orThrow,
  randomWeights,
  smallDims,
} from "../../src/run/index.ts";
import { inFolder, output, tinyModel, trainableModel } from "./harness.ts";

const trainable = trainableModel("copy", "batch 2", "steps 3");
inFolder({ "tiny.lmg": tinyModel, "copy.lmg": trainable });

const { model, graph, remarks, plan } = compile({ name: "tiny.lmg", text: tinyModel });
const sizes = orThrow(completeDims(plan!.symbols, new Map([["T", 5]])));

/** As JSON has it. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const printed = async (...args: string[]): Promise<unknown> => JSON.parse(await output(...args, "--json"));

test("the library has the edges, steps and dispatches that the command line prints", async () => {
  const edges = plain(describeEdges(explainEdges(model!.graph, remarks)));
  expect(edges).toHaveLength(2);
  expect(await printed("edges", "tiny.lmg")).toEqual(edges);
  expect(await printed("plan", "tiny.lmg", "--dims", "T=5")).toEqual(plain(describePlan(plan!, sizes)));
  const found = (await printed("plan", "tiny.lmg", "--target", "wgsl", "--f16", "--dims", "T=5")) as object;
  expect(found).toMatchObject({ fused: plain(dispatchReport(plan!, sizes, { f16: true })) as object });
});

test("the library compares targets as the command line does", async () => {
  const inputs = new Map(
    Object.entries(randomInputs(model!.graph, orThrow(smallDims(graph!.symbols, new Map())), 0)),
  );
  const compared = { graph: graph!, plan: plan! };
  const comparisons = orThrow(await compareTargets(["ts"], compared, randomWeights(model!.graph, 3), inputs));
  const found = await printed("compare", "tiny.lmg", "--random", "3", "--targets", "ts");
  expect(found).toEqual(plain(comparisons.map(describeComparison)));
});

test("the library counts what a training step takes as the command line does", async () => {
  const { file } = parse({ name: "copy.lmg", text: trainable });
  const { train } = lowerForTraining(file, { settings: { vocab: 11 } }).model!;
  const options = stepOptionsOf(orThrow(settingsOf(train, { perEpoch: 1 }, { steps: 1 })));
  const stats = trainingStats(train, options, new Map([["T", 4]]));
  expect(stats).toMatchObject({ dims: { B: 2, T: 4 }, optimizer: "adamw" });
  const args = ["stats", "copy.lmg", "--train", "--set", "vocab=11", "--dims", "T=4"];
  expect(await printed(...args)).toEqual(plain(stats));
});
