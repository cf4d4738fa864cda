import { passedBefore } from "../../autodiff/train/after.ts";
import { probeEdges, type ProbeGraph, type ProbeOptions } from "../../autodiff/probe.ts";
import { edgeLines, type EdgeLines } from "../../autodiff/theory.ts";
import { Problem } from "../../checkpoint/problem.ts";
import type { EmittedTensors } from "../../emit/emitted.ts";
import type { Graph } from "../../ir/graph.ts";
import { initialParameters } from "../../ir/initialize.ts";
import type { AfterStep } from "../../lower/train/by-name.ts";
import { lineOf } from "../../passes/describe-edges.ts";
import { isError, type Diagnostic } from "../../support/diagnostic.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { formOf, usualForm } from "./edge-form.ts";
import { openMeters, type Measurement, type Meter } from "./measure.ts";
import type { EdgeSizes, ProbedCase } from "./probed.ts";

/** What is probed: a graph with the output `loss`, on one batch, with parameters that are given or those of a seed. */
export interface ProbedSubject extends ProbeOptions {
  readonly graph: Graph;
  readonly batch: Readonly<Record<string, HostTensor>>;
  readonly seed: number;
  /** Trained weights; those that a training begins with if they are left out. */
  readonly weights?: EmittedTensors | undefined;
  /** What weights that are drawn pass through before the first step. */
  readonly after?: readonly AfterStep[] | undefined;
}

/** A model that was measured at initialization, and what measures it with other parameters. */
export interface MeasuredModel {
  readonly meter: Meter;
  readonly found: Omit<ProbedCase, "variant" | "depth">;
}

/** Measures the residual edges of a model, beside what theory says of them. */
export async function probeModel({
  graph,
  batch,
  seed,
  weights,
  after = [],
  ...options
}: ProbedSubject): Promise<MeasuredModel | readonly Diagnostic[]> {
  const probe = probeOf(graph, options);
  if ("length" in probe) return probe;
  const { exact, asTrained } = await openMeters(probe, batch);
  const parameters = weights ?? passedBefore(after, drawnParameters(graph, seed));
  const measured = await exact(parameters);
  if (measured instanceof Problem) return [measured];
  const single = await asTrained(parameters);
  if (single instanceof Problem) return [single];
  const lines = weights === undefined ? edgeLines(measured.edges) : measured.edges.map(() => noLines);
  const edges = measured.edges.map((found, index) => {
    const { edge, largest, lanes, paths } = found;
    const before = sizesOf(found);
    const inFloat32 = sizesOf(single.edges[index]!);
    return {
      name: edge.name,
      line: lineOf(edge) ?? undefined,
      before,
      largest,
      share: (found.branchGain * found.branch) / (found.skipGain * found.source),
      lanes,
      paths,
      inFloat32: isLost(before, inFloat32) ? inFloat32 : undefined,
      lines: lines[index]!,
      after: undefined,
    };
  });
  const form = measured.edges.length === 0 ? "" : usualForm(measured.edges.map(formOf));
  return {
    meter: exact,
    found: { form, loss: measured.loss, edges, taps: measured.taps, training: undefined },
  };
}

const noLines: EdgeLines = { uncorrelated: "trained", carried: "trained", alike: "trained" };

/** As a training begins with them, in float32. */
const drawnParameters = (graph: Graph, seed: number): EmittedTensors =>
  Object.fromEntries(
    Object.entries(initialParameters(graph, seed)).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data) },
    ]),
  );

function probeOf(graph: Graph, options: ProbeOptions): ProbeGraph | readonly Diagnostic[] {
  const probe = probeEdges(graph, options);
  if (probe.diagnostics.some(isError)) return probe.diagnostics;
  if (probe.edges.length > 0 || probe.taps.length > 0) return probe;
  return [
    graph.edges.length === 0
      ? new Problem(
          "E864",
          "the model has no residual edge to measure at",
          "`residual { … }` makes one, `residual skip 0 { … }` one that carries nothing; a value that `as NAME` names is measured too",
        )
      : new Problem("E864", "the loss depends on no residual edge of the model"),
  ];
}

const sizesOf = ({ activation, gradient }: EdgeSizes): EdgeSizes => ({ activation, gradient });

/** The share of a measure by which float32 may miss it before that is told: what three digits show. */
const TOLD = 0.01;

/** Whether float32 misses one of the sizes. */
const isLost = (exact: EdgeSizes, single: EdgeSizes): boolean =>
  (["activation", "gradient"] as const).some(
    (size) => !(Math.abs(single[size] - exact[size]) <= TOLD * Math.abs(exact[size])),
  );

/** The case with what was measured after training. */
export const withAfter = <Found extends Pick<ProbedCase, "edges">>(
  found: Found,
  after: Measurement,
): Found => ({
  ...found,
  edges: found.edges.map((edge, index) => ({ ...edge, after: sizesOf(after.edges[index]!) })),
});
