import { orThrow } from "../checkpoint/problem.ts";
import {
  importModule,
  type EmittedTensors,
  type EmittedWeights,
  type WebGpuDevice,
} from "../emit/emitted.ts";
import { targets, type Switches, type TargetName } from "../emit/targets.ts";
import { PICKED, picksOf, type Picks } from "../incremental/picks.ts";
import type { Decoding } from "../incremental/program.ts";
import { sessionForm } from "../incremental/session-form.ts";
import type { Graph } from "../ir/graph.ts";
import type { Target } from "../kernels/target.ts";
import { planProgram } from "../plan/build.ts";
import { runPasses } from "../passes/pipeline.ts";
import type { PlanInput, PlanPart, ProgramPlan } from "../plan/plan.ts";
import type { SessionMaker } from "../session/generate.ts";
import type { LoadOptions } from "../weights/stream.ts";
import type { Session, SessionOptions } from "../session/session.ts";
import type { StateTensors } from "../session/form.ts";
import { openDevice, pageAdapter, type FindAdapter } from "./device.ts";
import { loadOptionsOf } from "./engine-options.ts";
import { emittedWeights, streamedWeights } from "./tensors.ts";
import type { Weights } from "./weights.ts";

/** A session of a model whose inputs and outputs are known by their names alone. */
export type AnySession = Session<StateTensors, StateTensors>;

/** A model whose texts are read a few positions at a time, each by a session; all share its weights. */
export interface SessionModel extends SessionMaker<AnySession> {
  /** A session that goes on where one of this model was saved. */
  readonly restore: (
    bytes: Uint8Array,
    options?: Pick<SessionOptions, "capacity" | "chunk">,
  ) => Promise<AnySession>;
  /** Ends its threads; sessions run no more. */
  readonly close: () => void;
}

export interface SessionsOptions extends LoadOptions {
  readonly target: TargetName;
  readonly switches?: Switches;
  /** As many as help, if left off. */
  readonly threads?: number | undefined;
  /** Where a target that needs a device finds one; that of the page if left off. */
  readonly adapter?: FindAdapter;
  /** The output that tokens are drawn from. */
  readonly logits?: string | undefined;
}

/** A decoding program as a plan whose models make sessions; `whole` is the model itself, to stand beside them as `run`. */
export function sessionsPlan(
  decoding: Decoding,
  { target, switches = {}, logits }: SessionsOptions,
  whole?: { readonly graph: Graph; readonly notNeeded: readonly string[] },
): ProgramPlan {
  const { name, parts } = decoding.program;
  const made = targets[target].target(switches);
  const picks = pickingParts(decoding, made, logits);
  const all = { ...(whole && { run: whole.graph }), ...parts, ...picks?.parts };
  const plan = planProgram({ name, parts: all }, { target: made, notNeeded: whole?.notNeeded ?? [] });
  return {
    ...plan,
    parts: plan.parts.map((part) => (picks?.parts[part.name] === undefined ? part : withLink(part))),
    sessions: sessionForm(decoding, logits, picks),
  };
}

/** What tells of the logits of a decoding program, on a target from which copying all of them takes long. */
export function pickingParts(
  decoding: Decoding,
  target: Target,
  logits: string | undefined,
): Picks | undefined {
  const picks = target.isDevice === true ? picksOf(decoding, logits) : undefined;
  if (picks === undefined) return undefined;
  const parts = Object.entries(picks.parts).map(([part, graph]) => [part, runPasses(graph, { target })]);
  return { ...picks, parts: Object.fromEntries(parts) as Picks["parts"] };
}

/** A part of which no caller gives the logits. */
function withLink({ inputs, ...part }: PlanPart): PlanPart {
  const isLinked = ({ name }: PlanInput): boolean => name === PICKED;
  return { ...part, inputs: inputs.filter((each) => !isLinked(each)), linked: inputs.filter(isLinked) };
}

/**
 * Emits a decoding program as a target, imports it, and gives it weights: throws what such modules throw, and a
 * `ProblemError` where there is no device for it.
 */
export async function openSessions(
  decoding: Decoding,
  weights: EmittedTensors | Weights,
  options: SessionsOptions,
): Promise<SessionModel> {
  const { target, switches = {}, threads, adapter = pageAdapter } = options;
  const emit = await targets[target].load();
  const [file] = emit(sessionsPlan(decoding, options), { types: false, switches });
  const loading = loadOptionsOf(options);
  const given = givenWeights(weights, target);
  if (target === "wgsl") return openOnDevice(await importModule(file!.text), given, adapter, loading);
  const { createModel } = await importModule<SessionsModule>(file!.text);
  const model = await createModel(given, { ...loading, ...(threads === undefined ? {} : { threads }) });
  return { session: model.session, restore: model.restore, close: () => model.close?.() };
}

/** Weights of a checkpoint as a module takes them: read when they are wanted, where it takes them so. */
function givenWeights(weights: EmittedTensors | Weights, target: TargetName): EmittedWeights {
  if (!isCheckpoint(weights)) return weights;
  return targets[target].takesWhole === true ? emittedWeights(weights) : streamedWeights(weights);
}

const isCheckpoint = (weights: EmittedTensors | Weights): weights is Weights =>
  weights["tensors"] instanceof Map;

/** The same on a device of its own, which is closed with it. */
async function openOnDevice(
  { requiredFeatures, createModel }: DeviceSessionsModule,
  weights: EmittedWeights,
  adapter: FindAdapter,
  loading: LoadOptions,
): Promise<SessionModel> {
  const { device, close } = orThrow(await openDevice(adapter, requiredFeatures));
  try {
    const { session, restore, destroy } = await createModel(device, weights, loading);
    return {
      session,
      restore,
      close: () => {
        destroy();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** What a module for the CPU exports whose models make sessions; some have nothing to close. */
interface SessionsModule {
  readonly createModel: (
    weights: EmittedWeights,
    options: LoadOptions & { readonly threads?: number },
  ) => Opened | Promise<Opened>;
}

type Opened = Omit<SessionModel, "close"> & { readonly close?: () => void };

/** The same for a device. */
interface DeviceSessionsModule {
  readonly requiredFeatures: readonly string[];
  readonly createModel: (
    device: WebGpuDevice,
    weights: EmittedWeights,
    options: LoadOptions,
  ) => Promise<Omit<SessionModel, "close"> & { readonly destroy: () => void }>;
}
