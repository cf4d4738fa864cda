import type { Code } from "../../../support/text.ts";
import { fragment } from "../../module/text.ts";
import { indented } from "../text.ts";

/** What of a module's own goes into the function that makes a model. */
export interface ModelParts {
  /** The parameter with its options. */
  readonly options: string;
  readonly hasState: boolean;
  readonly stateType: string;
  /** Lines that check the sizes of the state. */
  readonly fixed: readonly Code[];
  /** The names of the parts, the lines that make their functions, and these as a model has them. */
  readonly names: readonly string[];
  readonly runs: readonly string[];
  readonly functions: readonly string[];
}

/** What `createModel` declares beside the functions of parts. */
export const modelWords = [
  ...["device", "source", "options", "tensors", "memory", "storage", "copied", "target", "uniform", "read"],
  ...[
    "preparing",
    "compiled",
    "ready",
    "makeRoom",
    "runOnce",
    "isDestroyed",
    "unlessDestroyed",
    "last",
    "inTurn",
  ],
  ...["fixed", "kept", "readState", "writeState", "destroy"],
];

/** What makes a model of shaders and weights, and runs it; with state if the plan keeps some. */
export const createRuntime = ({
  options,
  hasState,
  stateType,
  fixed,
  names,
  runs,
  functions,
}: ModelParts): Code[] => [
  ...opening,
  `export async function createModel(device«: GPUDevice», source«: WeightSource», ${options})«: Promise<Model>» {`,
  fixed,
  ...indented(compiling, 1),
  `  const ready = { ${names.map((name) => `${name}: compiled.get(parts.${name})«!»`).join(", ")} };`,
  "",
  ...indented(loading, 1),
  ...(hasState ? indented(loadingState, 2) : []),
  ...indented(running, 1),
  ...(hasState ? indented(repacking, 3) : []),
  ...indented(reading, 1),
  runs,
  ...(hasState ? indented(keepingState(stateType), 1) : []),
  ...indented(destroying, 1),
  [`return { ${[...functions, ...(hasState ? ["readState", "writeState"] : []), "destroy"].join(", ")} };`],
  "}",
  "",
  ...losing,
];

const opening = fragment`
  /**
   * The model with its weights on the device. Throws WeightsError for weights that do not fit the model, DeviceError for a
   * device that cannot run it.
   */
`;

const compiling = fragment`
    const tensors = matchWeights(source, options);
    for (const feature of requiredFeatures)
      if (!device.features.has(feature)) throw new DeviceError("the device was not requested with the feature " + feature);
    if (await isLost(device)) await orLoss(device, () => Promise.reject(new Error("no device")));
    const memory = new DeviceMemory(device);
    const { storage, source: copied, target, uniform, read } = usage;
    const [preparing, compiled] = await orLoss(device, () => guarded(device, "compiling the model", async () => {
      const pipelines = new Pipelines(device);
      const first = await pipelines.of(prepare);
      const others = Object.values(parts).map(async (part) => [part, await pipelines.of(part.steps)]« as const»);
      return [first, new Map«<object, Ready[]>»(await Promise.all(others))]« as const»;
    }));
`;

const loading = fragment`
    await orLoss(device, () => guarded(device, "loading the weights", async () => {
      for (const [name, data] of givenTensors(tensors)) {
        const words = stored(data);
        memory.reserve(name, words.byteLength, storage | target | copied);
        memory.write(name, words);
      }
`;

const loadingState = fragment`
  for (const { memory: place, begins } of stateTensors(tensors, fixed)) {
    memory.reserve(place, begins.byteLength, storage | target | copied);
    memory.write(place, begins);
  }
`;

const running = fragment`
      for (const [name, bytes] of preparedMemory) memory.reserve(name, bytes, storage | target | copied);
      memory.reserve("run-time dims", DIM_BYTES, uniform | target);
      const encoder = device.createCommandEncoder();
      encode(device, encoder, memory, preparing, {}« as Dims»);
      for (const { name, parts: vectors } of packs) memory.pack(encoder, name, vectors, storage | target);
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      memory.free(spentWeights);
    }));

    /** Makes room for a run of these sizes; what was bound to memory that moved is bound again. */
    function makeRoom(places«: readonly Memory[]», d«: Dims»)«: void» {
      let isNew = false;
      for (const { name, bytes, isOutput } of places) {
        if (memory.reserve(name, bytes(d), storage | target | copied)) isNew = true;
        if (isOutput) memory.reserve(name + " read back", bytes(d), target | read);
      }
      if (isNew) for (const list of Object.values(ready)) for (const dispatch of list) dispatch.bound = undefined;
      memory.write("run-time dims", dimWords(d));
    }

    async function runOnce«<Inputs, Outputs>»(part«: Part<Inputs, Outputs>», list«: readonly Ready[]», inputs«: Inputs», d«: Dims»)«: Promise<Outputs>» {
      const given = part.read(inputs, d);
      const outputs = part.memory.filter(({ isOutput }) => isOutput);
      await guarded(device, "running the model", () => {
        makeRoom(part.memory, d);
        for (const [name, data] of given) memory.write(name, stored(data));
        const encoder = device.createCommandEncoder();
`;

/** Vectors that the last run changed are copied beside the others again. */
const repacking = fragment`
  for (const { name, parts: vectors, moves } of packs) if (moves) memory.pack(encoder, name, vectors, storage | target);
`;

const reading = fragment`
        encode(device, encoder, memory, list, d);
        for (const { name, bytes } of outputs)
          encoder.copyBufferToBuffer(memory.get(name), 0, memory.get(name + " read back"), 0, Math.ceil(bytes(d) / 4) * 4);
        device.queue.submit([encoder.finish()]);
      });
      const bytes = new Map«<string, ArrayBuffer>»();
      await Promise.all(outputs.map(async ({ name }) => {
        const buffer = memory.get(name + " read back");
        await buffer.mapAsync(usage.read);
        bytes.set(name, buffer.getMappedRange().slice(0));
        buffer.unmap();
      }));
      return part.results(bytes, d);
    }

    let isDestroyed = false;
    /** Nothing runs on memory that is freed; what was running then fails because of that. */
    const unlessDestroyed = async «<T>»(run«: () => Promise<T>»)«: Promise<T>» => {
      try {
        if (!isDestroyed) return await run();
      } catch (error) {
        if (!isDestroyed) throw error;
      }
      throw new DeviceError("the model was destroyed");
    };
    let last«: Promise<unknown>» = Promise.resolve();
    /** Runs after what was begun before, whatever became of that. */
    const inTurn = «<T>»(run«: () => Promise<T>»)«: Promise<T>» => {
      const result = last.then(() => orLoss(device, () => unlessDestroyed(run)));
      last = result.catch(() => undefined);
      return result;
    };
`;

const keepingState = (type: string): string[] => [
  "const kept = stateTensors(tensors, fixed).map(({ begins, ...rest }) => ({ ...rest, Kind: begins.constructor« as Float32ArrayConstructor | Int32ArrayConstructor» }));",
  `const readState = ()«: Promise<Record<string, ${type}>>» =>`,
  `  inTurn(() => copyOfState(device, memory, kept))« as Promise<Record<string, ${type}>>»;`,
  "const writeState = (given«: WeightSource»)«: Promise<void>» => inTurn(() => replaceState(device, memory, kept, given));",
];

const destroying = fragment`
  const destroy = ()«: void» => {
    isDestroyed = true;
    memory.free();
  };
`;

/** What reads and writes the state of a model where it lies on a device. */
export const stateRuntime = fragment`
  «type KeptPlace = Omit<Kept, "begins"> & { readonly Kind: Float32ArrayConstructor | Int32ArrayConstructor };»

  const copyOfState = (device«: GPUDevice», memory«: DeviceMemory», kept«: readonly KeptPlace[]») => guarded(device, "reading the state", async () => {
    const encoder = device.createCommandEncoder();
    const copies = kept.map((each) => {
      const from = memory.get(each.memory);
      const to = device.createBuffer({ label: each.name + " read back", size: from.size, usage: usage.target | usage.read });
      encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
      return { ...each, to };
    });
    device.queue.submit([encoder.finish()]);
    const found«: [string, Tensor][]» = [];
    for (const { name, shape, Kind, to } of copies) {
      await to.mapAsync(usage.read);
      const size = shape.reduce((product, length) => product * length, 1);
      found.push([name, { data: new Kind(to.getMappedRange().slice(0), 0, size), shape }]);
      to.destroy();
    }
    return Object.fromEntries(found);
  });

  const replaceState = (device«: GPUDevice», memory«: DeviceMemory», kept«: readonly KeptPlace[]», source«: WeightSource») => guarded(device, "writing the state", () => {
    const places = new Map(kept.map((each) => [each.name, each]));
    const given = [...(source instanceof Map ? source : Object.entries(source))]« as [string, Tensor][]»;
    const problems = given.flatMap(([name, tensor]) => {
      const place = places.get(name);
      if (place === undefined) return ["surplus: " + name + ", which the model does not keep"];
      return tensorProblems(name, place.shape, place.Kind === Int32Array ? "i32" : "f32", tensor);
    });
    if (problems.length > 0) throw new WeightsError(problems);
    for (const [name, { data }] of given) {
      const place = places.get(name)«!»;
      memory.write(place.memory, place.Kind.from(data));
    }
  });
`;

const losing = fragment`
  /** Whatever fails on a lost device fails because of that. */
  async function orLoss«<T>»(device«: GPUDevice», run«: () => Promise<T>»)«: Promise<T>» {
    let failure«: unknown»;
    try {
      return await run();
    } catch (error) {
      failure = error;
      if (!(await isLost(device))) throw error;
    }
    const { message } = await device.lost;
    throw new DeviceError("the device was lost: " + message, { cause: failure });
  }

  const isLost = (device«: GPUDevice»)«: Promise<boolean>» =>
    Promise.race([device.lost.then(() => true), new Promise«<boolean>»((done) => setTimeout(() => done(false)))]);
`;
