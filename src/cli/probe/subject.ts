import { probeEdges, type ProbeGraph } from "../../autodiff/probe.ts";
import { edgeLines } from "../../autodiff/theory.ts";
import { initialParameters } from "../../ir/initialize.ts";
import type { Graph } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import type { EdgeSizes, ProbedCase } from "../../report/probed.ts";
import { isError } from "../../support/diagnostic.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { seedOf } from "../../train/settings.ts";
import { completeDims, parseDims, parseNumber, showDims } from "../arguments.ts";
import type { Out } from "../out.ts";
import { lowerOptions, readModelFile } from "../source.ts";
import { orStop, showDiagnostics, stop, Stop } from "../stop.ts";
import type { TrainOptions } from "../train/options.ts";
import { prepareTraining, type PreparedTraining } from "../train/prepare.ts";
import { formOf, usualForm } from "./edge-form.ts";
import type { Form } from "./forms.ts";
import { openMeters, type Measurement, type Meter } from "./measure.ts";
import type { ProbeOptions } from "./options.ts";
import { randomBatch, withSurrogateLoss } from "./random.ts";

/** One form of the model, ready to be measured. */
export interface Subject {
  readonly form: Form;
  readonly graph: Graph;
  readonly batch: Readonly<Record<string, HostTensor>>;
  readonly seed: number;
  /** What goes in, and what the loss is. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Undefined with random inputs. */
  readonly prepared: PreparedTraining | undefined;
}

/** Lowers a form of the model and gives it data; every mistake ends the command. */
export function openSubject(path: string, form: Form, options: ProbeOptions, out: Out): Subject {
  if (options.data === undefined) return randomSubject(path, form, options, out);
  const prepared = prepareTraining(path, trainOptionsOf(form, options), out);
  const { model, training } = prepared;
  const { graph } = model.train;
  const { seed } = training.settings;
  const settings = [
    ["input", training.batches.description],
    ["loss", lossWords(graph)],
  ] as const;
  return { form, graph, batch: training.batches.at(0), seed, settings, prepared };
}

/** The form as `lmg train` would take it. */
export const trainOptionsOf = (form: Form, options: ProbeOptions): TrainOptions => ({
  ...options,
  set: form.set,
  target: "ts",
  checkpointEvery: "60s",
  // Nothing is trained without --steps, but a training must know how long it would be.
  steps: options.steps ?? "1",
});

function randomSubject(path: string, form: Form, options: ProbeOptions, out: Out): Subject {
  const { file, diagnostics: syntax } = parse(readModelFile(path));
  if (syntax.some(isError)) throw new Stop(syntax);
  const lowering = { ...lowerOptions(path, { ...options, set: form.set }), training: true };
  const { model, diagnostics } = lower(file, lowering);
  if (model === undefined) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  const { train } = model;
  const loss =
    train === undefined
      ? withSurrogateLoss(model.graph)
      : { graph: train.graph, description: lossWords(train.graph) };
  if (loss === undefined)
    return stop(
      "E863",
      "there is no loss: the model has no `train` section, and none of its outputs is a float",
    );
  const given =
    options.seed === undefined
      ? undefined
      : orStop(parseNumber("--seed", options.seed, 0, 2 ** 31 - 1, true));
  const seed = train === undefined ? (given ?? 0) : seedOf(train, { seed: given });
  const sizes = orStop(completeDims(loss.graph.symbols, orStop(parseDims(options.dims))));
  const settings = [
    ["input", `random, ${showDims(sizes)}`],
    ["loss", loss.description],
  ] as const;
  return {
    form,
    graph: loss.graph,
    batch: randomBatch(loss.graph, sizes, seed),
    seed,
    settings,
    prepared: undefined,
  };
}

/** The losses of a `train` section, by the ops that make the summands of its loss; other terms have no name. */
function lossWords({ nodes, outputs }: Graph): string {
  const terms = new Set(outputs.filter(({ name }) => name === "loss").map(({ value }) => value));
  const words = new Set<string>();
  for (const node of nodes.toReversed()) {
    if (!node.results.some((value) => terms.has(value))) continue;
    if (node.op === "add") for (const value of operandValues(node)) terms.add(value);
    else words.add(isLoss(node.op) ? node.op.replaceAll("_", " ") : OTHER);
  }
  const named = [...words].filter((word) => word !== OTHER).reverse();
  if (named.length === 0) return "as the `train` section says";
  return [...named, ...(words.has(OTHER) ? [OTHER] : [])].join(" + ");
}

const isLoss = (op: string): boolean => op === "cross_entropy" || op === "mean_squared_error";

const OTHER = "another term";

/** A subject with its probe, measured at initialization. */
export interface MeasuredSubject {
  readonly subject: Subject;
  readonly meter: Meter;
  readonly found: ProbedCase;
}

/** Measures a form at initialization, beside what theory says of it. */
export async function measureSubject(subject: Subject): Promise<MeasuredSubject> {
  const { form, graph, batch, seed } = subject;
  const probe = probeOf(graph);
  const { exact, asTrained } = await openMeters(probe, batch);
  const parameters = initialParameters(graph, seed);
  const measured = await exact(parameters);
  const single = await asTrained(parameters);
  const lines = edgeLines(measured.edges);
  const found: ProbedCase = {
    variant: form.variant,
    depth: form.depth,
    form: usualForm(measured.edges.map(formOf)),
    loss: measured.loss,
    edges: measured.edges.map(({ edge, activation, gradient }, index) => {
      const before = { activation, gradient };
      const inFloat32 = sizesOf(single.edges[index]!);
      return {
        name: edge.name,
        before,
        inFloat32: isLost(before, inFloat32) ? inFloat32 : undefined,
        lines: lines[index]!,
        after: undefined,
      };
    }),
    training: undefined,
  };
  return { subject, meter: exact, found };
}

const sizesOf = ({ activation, gradient }: EdgeSizes): EdgeSizes => ({ activation, gradient });

/** The share of a measure by which float32 may miss it before that is told: what three digits show. */
const TOLD = 0.01;

/** Whether float32 misses one of the sizes. */
const isLost = (exact: EdgeSizes, single: EdgeSizes): boolean =>
  (["activation", "gradient"] as const).some(
    (size) => !(Math.abs(single[size] - exact[size]) <= TOLD * Math.abs(exact[size])),
  );

function probeOf(graph: Graph): ProbeGraph {
  const probe = probeEdges(graph);
  if (probe.diagnostics.some(isError)) throw new Stop(probe.diagnostics);
  if (probe.edges.length > 0) return probe;
  return graph.edges.length === 0
    ? stop(
        "E864",
        "the model has no residual edge to measure at",
        "`residual { … }` makes one; `residual skip 0 { … }` makes one that carries nothing",
      )
    : stop("E864", "the loss depends on no residual edge of the model");
}

/** The case with what was measured after training. */
export const withAfter = (found: ProbedCase, after: Measurement): ProbedCase => ({
  ...found,
  edges: found.edges.map((edge, index) => {
    return { ...edge, after: sizesOf(after.edges[index]!) };
  }),
});
