import type { GainProbe, ProbeGraph } from "../../autodiff/probe.ts";
import type { EdgeMeasure } from "../../autodiff/theory.ts";
import type { Edge } from "../../ir/graph.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { importModule, type CpuModule, type EmittedTensors } from "../../emit/emitted.ts";
import { emitTypeScript } from "../../emit/ts/emit.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { planGraph } from "../../plan/build.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { attempt } from "../attempt.ts";
import { emittedTensor } from "../tensors.ts";

/** What was measured of a model with some parameters: the loss, and each edge. */
export interface Measurement {
  readonly loss: number;
  readonly edges: readonly MeasuredEdge[];
  readonly taps: readonly MeasuredTap[];
}

export interface MeasuredTap {
  readonly name: string;
  readonly activation: number;
  readonly gradient: number | undefined;
  readonly largest: number;
}

export interface MeasuredEdge extends EdgeMeasure {
  readonly edge: Edge;
  /** The largest |y|. */
  readonly largest: number;
  /** The size of y in each of its lanes. */
  readonly lanes: readonly number[] | undefined;
  /** The gradient along some of its ways. */
  readonly paths: PathGradients | undefined;
}

/** Norms of the gradient with the branches cut, and with the weights of attention held fixed. */
export interface PathGradients {
  readonly carried: number;
  readonly held: number;
}

/** Measures a model on one batch, with whatever parameters. */
export type Meter = (parameters: EmittedTensors) => Promise<Measurement | Problem>;

/**
 * Compiles a probe once. It measures in float64, where the parameters and the inputs stay the float32 numbers that they are:
 * through a deep stack float32 can lose a gradient altogether. `asTrained` measures in float32, as a training computes.
 * Inputs that it does not read are left out.
 */
export async function openMeters(
  { graph, edges, taps }: ProbeGraph,
  batch: Readonly<Record<string, HostTensor>>,
): Promise<{ readonly exact: Meter; readonly asTrained: Meter }> {
  const plan = planGraph(runPasses(graph));
  const inputs = Object.fromEntries(
    plan.inputs.flatMap(({ name }) =>
      batch[name] === undefined ? [] : [[name, emittedTensor(batch[name])]],
    ),
  );
  const open = async (floats: "f32" | "f64"): Promise<Meter> => {
    const { createModel } = await importModule<CpuModule>(
      emitTypeScript(plan, { types: false, floats }).files[0]!.text,
    );
    return async (parameters) => {
      const weights = Object.fromEntries(
        Object.entries(parameters).map(([name, { shape, data }]) => [
          name,
          { shape, data: Float32Array.from(data) },
        ]),
      );
      const outputs = await attempt(() => createModel(weights, { ignore: [/^/] }).run(inputs));
      return outputs instanceof Problem ? outputs : measurementOf((name) => outputs[name]!.data);
    };
  };
  const measurementOf = (dataOf: (name: string) => ArrayLike<number>): Measurement => {
    const valueOf = (name: string): number => dataOf(name)[0]!;
    const gainOf = ({ scale, tensor }: GainProbe): number =>
      Math.abs(scale) * (tensor === undefined ? 1 : valueOf(tensor));
    return {
      loss: valueOf("loss"),
      edges: edges.map((probe) => ({
        edge: graph.edges[probe.edge]!,
        form: probe.form,
        activation: valueOf(probe.activation),
        gradient: valueOf(probe.gradient),
        source: valueOf(probe.source),
        branch: valueOf(probe.branch),
        sum: valueOf(probe.sum),
        skipGain: gainOf(probe.skipGain),
        branchGain: gainOf(probe.branchGain),
        largest: valueOf(probe.largest),
        lanes: probe.lanes === undefined ? undefined : Array.from(dataOf(probe.lanes)),
        paths: probe.paths && { carried: valueOf(probe.paths.carried), held: valueOf(probe.paths.held) },
      })),
      taps: taps.map(({ name, activation, gradient, largest }) => ({
        name,
        activation: valueOf(activation),
        gradient: gradient === undefined ? undefined : valueOf(gradient),
        largest: valueOf(largest),
      })),
    };
  };
  return { exact: await open("f64"), asTrained: await open("f32") };
}
