import { probeEdges, type ProbeGraph } from "../../autodiff/probe.ts";
import { edgeLines } from "../../autodiff/theory.ts";
import { Problem } from "../../checkpoint/problem.ts";
import type { Graph } from "../../ir/graph.ts";
import { initialParameters } from "../../ir/initialize.ts";
import { isError, type Diagnostic } from "../../support/diagnostic.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { formOf, usualForm } from "./edge-form.ts";
import { openMeters, type Measurement, type Meter } from "./measure.ts";
import type { EdgeSizes, ProbedCase } from "./probed.ts";

/** What is probed: a graph with the output `loss`, on one batch, with the parameters of a seed. */
export interface ProbedSubject {
  readonly graph: Graph;
  readonly batch: Readonly<Record<string, HostTensor>>;
  readonly seed: number;
}

/** A model that was measured at initialization, and what measures it with other parameters. */
export interface MeasuredModel {
  readonly meter: Meter;
  readonly found: Omit<ProbedCase, "variant" | "depth">;
}

/** Measures the residual edges of a model at initialization, beside what theory says of them. */
export async function probeModel({
  graph,
  batch,
  seed,
}: ProbedSubject): Promise<MeasuredModel | readonly Diagnostic[]> {
  const probe = probeOf(graph);
  if ("length" in probe) return probe;
  const { exact, asTrained } = await openMeters(probe, batch);
  const parameters = initialParameters(graph, seed);
  const measured = await exact(parameters);
  if (measured instanceof Problem) return [measured];
  const single = await asTrained(parameters);
  if (single instanceof Problem) return [single];
  const lines = edgeLines(measured.edges);
  const edges = measured.edges.map(({ edge, activation, gradient }, index) => {
    const before = { activation, gradient };
    const inFloat32 = sizesOf(single.edges[index]!);
    return {
      name: edge.name,
      before,
      inFloat32: isLost(before, inFloat32) ? inFloat32 : undefined,
      lines: lines[index]!,
      after: undefined,
    };
  });
  const form = usualForm(measured.edges.map(formOf));
  return { meter: exact, found: { form, loss: measured.loss, edges, training: undefined } };
}

function probeOf(graph: Graph): ProbeGraph | readonly Diagnostic[] {
  const probe = probeEdges(graph);
  if (probe.diagnostics.some(isError)) return probe.diagnostics;
  if (probe.edges.length > 0) return probe;
  return [
    graph.edges.length === 0
      ? new Problem(
          "E864",
          "the model has no residual edge to measure at",
          "`residual { … }` makes one; `residual skip 0 { … }` makes one that carries nothing",
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
