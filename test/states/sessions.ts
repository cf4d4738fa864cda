/// <reference types="@webgpu/types" />
import { emitWgsl } from "../../src/emit/wgsl/emit.ts";
import { initialTensors } from "../../src/ir/initialize.ts";
import { interpretRun } from "../../src/ir/interpret.ts";
import type { Program } from "../../src/ir/program.ts";
import { planProgram } from "../../src/plan/build.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { cpuTargets, instantiate, type CpuTarget } from "../emit/cpu.ts";
import { importText as importWgsl } from "../emit/wgsl/module.ts";

export interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

export type Tensors = Readonly<Record<string, Tensor>>;
type HostTensors = Readonly<Record<string, HostTensor>>;
export type Dims = Readonly<Record<string, number>>;

/** Something that runs the parts of a program on a state that it keeps. */
export interface Session {
  readonly run: (part: string, inputs: HostTensors, dims?: Dims) => Promise<Tensors>;
  readonly readState: () => Promise<Tensors>;
  readonly writeState: (state: Tensors) => Promise<void>;
}

/** The sizes for which the states are made. */
interface Making {
  readonly parameters: HostTensors;
  readonly dims: Dims;
}

/** A program with all passes run over its parts. */
export const passed = ({ name, parts }: Program): Program => ({
  name,
  parts: Object.fromEntries(
    Object.entries(parts).map(([part, graph]) => [part, runPasses(graph, { verify: true })]),
  ),
});

/** The oracle: each part as it was written, in float64. */
export function interpreted({ parts }: Program, { parameters, dims: fixed }: Making): Session {
  const begun = Object.values(parts).flatMap((graph) =>
    Object.entries(initialTensors(graph.states, 0, new Map(Object.entries(fixed)))),
  );
  const state = new Map<string, HostTensor>(begun);
  return {
    run: (part, inputs, said = {}) => {
      const graph = parts[part]!;
      const given = new Set(graph.symbols.flatMap((symbol) => (symbol.given === true ? [symbol.name] : [])));
      const all = Object.entries({ ...fixed, ...said }).filter(([name]) => given.has(name));
      const bindings = { inputs, parameters, states: state, dims: Object.fromEntries(all) };
      const { outputs, states } = interpretRun(graph, bindings);
      for (const [name, tensor] of Object.entries(states)) state.set(name, tensor);
      return Promise.resolve(outputs);
    },
    readState: () => Promise.resolve(Object.fromEntries(state)),
    writeState: (given) => {
      for (const [name, { data, shape }] of Object.entries(given))
        state.set(name, { dtype: state.get(name)!.dtype, shape, data: Float64Array.from(data) });
      return Promise.resolve();
    },
  };
}

type Run = (inputs: Tensors, dims?: Dims) => Tensors | Promise<Tensors>;

interface Emitted {
  readonly readState: () => Tensors | Promise<Tensors>;
  readonly writeState: (state: Tensors) => void | Promise<void>;
}

const sessionOf = (model: Emitted): Session => ({
  run: async (part, inputs, dims) => (model as unknown as Record<string, Run>)[part]!(inputs, dims),
  readState: async () => model.readState(),
  writeState: async (state) => model.writeState(state),
});

/** What opens a program planned as one, emitted for a target. */
export interface SessionTarget {
  readonly name: string;
  readonly open: (program: Program, making: Making) => Promise<Session>;
}

async function onCpu(cpu: CpuTarget, program: Program, { parameters, dims }: Making): Promise<Session> {
  const { createModel } = await instantiate(cpu, planProgram(passed(program), { target: cpu.target }));
  return sessionOf(await createModel(parameters, { dims, threads: 1 }));
}

/** Both kernels for the CPU, and the device if there is one. */
export const sessionTargets = (device: GPUDevice | undefined): readonly SessionTarget[] => [
  ...cpuTargets.map((cpu): SessionTarget => {
    return { name: cpu.name, open: (program, making) => onCpu(cpu, program, making) };
  }),
  ...(device === undefined
    ? []
    : [{ name: "WGSL", open: (program: Program, making: Making) => webgpu(device, program, making) }]),
];

async function webgpu(device: GPUDevice, program: Program, { parameters, dims }: Making): Promise<Session> {
  const { text } = emitWgsl(planProgram(passed(program)), { types: false }).files[0]!;
  const { createModel } = await importWgsl(text);
  return sessionOf(await createModel(device, parameters, { dims }));
}
