import { encodeModule } from "../../../src/emit/wasm/assembler/module.ts";
import { KernelWriter, type Kernel, type Word } from "../../../src/emit/wasm/kernel.ts";
import { Constants, type Machine } from "../../../src/emit/wasm/machine.ts";
import { CONSTANTS_AT, REFUSALS_AT } from "../../../src/emit/wasm/map.ts";
import type { Plan, Step } from "../../../src/plan/plan.ts";
import type { Stage } from "../../../src/plan/loops.ts";
import { elementBytes } from "../../../src/kernels/storage.ts";
import type { View } from "../../../src/kernels/view.ts";
import { evaluateDim, type Dim } from "../../../src/tensor/dim.ts";
import { isFloat } from "../../../src/tensor/dtype.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";

export interface Tensor {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

type HostTensors = Readonly<Record<string, HostTensor>>;

interface Given {
  readonly inputs: HostTensors;
  readonly parameters?: HostTensors;
  readonly sizes?: ReadonlyMap<string, number>;
  readonly machine?: Machine;
  /** How many threads there seem to be: they run each phase one after the other, the last one first if they are even. */
  readonly ranks?: number;
  /** What is run: the steps of the plan if left out. */
  readonly stages?: readonly Stage[];
  readonly kernelOf: (stage: Stage, k: KernelWriter) => Kernel;
}

const WORD = 4;
const PAGE = 65536;
const LINE = 64;
const align = (bytes: number): number => Math.ceil(bytes / LINE) * LINE;
/** Bytes behind each piece of memory that nobody may write to: so many leave tensors as they lie to each other in sets of the cache. */
const GUARD = 4096;
/** What stands wherever nothing has been written: no kernel may count on its being 0, and none may write it over behind its tensors. */
const UNTOUCHED = 0xa5;

/** The machine that the tests' own engine has everything of. */
export const plain: Machine = { fma: false, unroll: 1 };
export const unrolled: Machine = { fma: false, unroll: 4 };

/** What a run refused: the kind, the index, what it must be below. */
export class Refused extends Error {
  readonly words: readonly number[];
  constructor(words: readonly number[]) {
    super(`refused: ${words.join(" ")}`);
    this.words = words;
  }
}

/** A kernel wrote beside what it was given. */
export class WrittenBeside extends Error {
  constructor(what: string, byte: number) {
    super(`a kernel wrote ${byte + 1} bytes beyond ${what}`);
  }
}

/** Memory in pieces, each with a guard behind it. */
class Pieces {
  readonly #guards: { readonly what: string; readonly from: number; readonly to: number }[] = [];
  end: number;

  constructor(end: number) {
    this.end = align(end);
  }

  /** Where so many bytes begin. */
  take(what: string, bytes: number): number {
    const at = this.end;
    this.end = at + align(bytes) + GUARD;
    this.#guards.push({ what, from: at + bytes, to: this.end });
    return at;
  }

  /** What is behind each piece is as it was. */
  check(memory: Uint8Array): void {
    for (const { what, from, to } of this.#guards) {
      const found = memory.subarray(from, to).findLastIndex((byte) => byte !== UNTOUCHED);
      if (found !== -1) throw new WrittenBeside(what, found);
    }
  }
}

/** Runs the steps of a plan by their kernels, without the host of an emitted module: one thread that plays several. */
export function runKernels(plan: Plan, given: Given): Record<string, Tensor> {
  const { run, outputs } = loadKernels(plan, given);
  run();
  return outputs();
}

/**
 * A plan's kernels, weights prepared and memory filled: what runs the steps, again and again, and what then reads the outputs, and
 * whether memory beside tensors and scratch, each thread's own, is as it was.
 */
export function loadKernels(
  plan: Plan,
  given: Given,
): { readonly run: () => void; readonly outputs: () => Record<string, Tensor>; readonly bytes: number } {
  const { parameters = {}, sizes = new Map(), machine = plain, ranks = 1, inputs, kernelOf } = given;
  const stages = [...plan.prepare, ...(given.stages ?? plan.steps)];
  const constants = new Constants();
  const kernels = stages.map((stage) => kernelOf(stage, new KernelWriter({ machine, constants })));
  const sizeOf = (size: Dim): number => evaluateDim(size, sizes);
  const homes = new Map<string, number>();
  const pieces = new Pieces(CONSTANTS_AT + constants.bytes.length);
  const homeOf = (buffer: number): number => {
    const { home, elements } = plan.buffers[buffer]!;
    const key =
      home.kind === "slot"
        ? `slot ${home.slot}`
        : home.kind === "state"
          ? `state ${home.state}`
          : `${buffer}`;
    const known = homes.get(key);
    if (known !== undefined) return known;
    const together = home.kind === "slot" ? plan.slots[home.slot]!.buffers : [];
    const words = Math.max(sizeOf(elements), ...together.map((each) => sizeOf(plan.buffers[each]!.elements)));
    const at = pieces.take(`the tensor of buffer ${key}`, WORD * words);
    homes.set(key, at);
    return at;
  };
  const addressOf = ({ buffer, offset }: View): number =>
    homeOf(buffer) + elementBytes(plan.buffers[buffer]!.half ?? "f32") * sizeOf(offset);
  const scratch = kernels.map(({ name, scratch }) => {
    const [own, shared] = [sizeOf(scratch.own), sizeOf(scratch.shared)];
    const ofRanks = Array.from({ length: ranks }, (_, rank) =>
      pieces.take(`the scratch of rank ${rank} of ${name}`, own),
    );
    return {
      own: ofRanks[0]!,
      step: align(own) + GUARD,
      shared: pieces.take(`the shared scratch of ${name}`, shared),
    };
  });
  const wordOf = (word: Word, index: number): number => {
    switch (word.kind) {
      case "address":
        return addressOf(word.view);
      case "size":
        return sizeOf(word.size);
      case "number":
        return word.value;
      case "own":
        return scratch[index]!.own;
      case "ownStep":
        return scratch[index]!.step;
      case "shared":
        return scratch[index]!.shared;
    }
  };
  const records = kernels.map(({ words }, index) => {
    const values = words.map((word) => wordOf(word, index));
    return { values, at: pieces.take("a record", WORD * values.length) };
  });
  plan.buffers.forEach((_, buffer) => homeOf(buffer));
  const memory = new WebAssembly.Memory({ initial: Math.ceil(pieces.end / PAGE), maximum: PAGE });
  const phases = kernels.flatMap(({ phases }, kernel) =>
    phases.map((phase, at) => ({ phase, name: `${kernel}.${at}`, kernel })),
  );
  const binary = encodeModule({
    functions: phases.map(({ phase, name }) => ({
      signature: phase.signature,
      code: phase.encode(),
      exportName: name,
    })),
    table: [],
    memory: { pages: 1, most: PAGE, shared: false },
    data: [{ address: CONSTANTS_AT, bytes: constants.bytes }],
  });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  const words = new Int32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(UNTOUCHED, CONSTANTS_AT + constants.bytes.length);
  const put = (buffer: number | undefined, data: ArrayLike<number | bigint | boolean>): void => {
    if (buffer === undefined) return;
    const array = isFloat(plan.buffers[buffer]!.dtype) ? floats : words;
    array.set(Array.from(data, Number), homeOf(buffer) / WORD);
  };
  plan.buffers.forEach(({ home }, buffer) => {
    if (home.kind === "constant") put(buffer, home.values);
  });
  for (const { name, buffer } of plan.parameters) put(buffer, parameters[name]!.data);
  for (const { name, buffer } of plan.inputs) put(buffer, inputs[name]!.data);
  for (const { at, values } of records) words.set(values, at / WORD);
  const calls = phases.map(({ name, kernel }) => {
    const call = instance.exports[name] as (record: number, rank: number, ranks: number) => void;
    const record = records[kernel]!.at;
    return () => {
      for (let turn = 0; turn < ranks; turn++) call(record, ranks % 2 === 0 ? ranks - 1 - turn : turn, ranks);
    };
  });
  const first = phases.filter(({ kernel }) => kernel < plan.prepare.length).length;
  for (const call of calls.slice(0, first)) call();
  const steps = calls.slice(first);
  const run = (): void => {
    for (const call of steps) call();
    for (let rank = 0; rank < ranks; rank++) {
      const at = REFUSALS_AT / WORD + 4 * rank;
      if (words[at] !== 0) throw new Refused([...words.slice(at, at + 3)]);
    }
  };
  const outputs = (): Record<string, Tensor> => {
    pieces.check(bytes);
    return Object.fromEntries(
      plan.outputs.map(({ name, type, buffer }) => {
        const shape = type.shape.map(sizeOf);
        const count = shape.reduce((product, size) => product * size, 1);
        const from = homeOf(buffer) / WORD;
        return [name, { data: (isFloat(type.dtype) ? floats : words).slice(from, from + count), shape }];
      }),
    );
  };
  return { run, outputs, bytes: binary.length };
}

/** The steps of a stage that is one step. */
export const loneStep = (stage: Stage): Step => {
  if ("steps" in stage) throw new Error("a loop of several steps");
  return stage;
};
