import { fragment } from "../../module/text.ts";
import { indented } from "../text.ts";

/** What makes a model of shaders and weights, and runs it; with state if the plan keeps some. */
export const createRuntime = (hasState: boolean): string[] => [
  ...opening,
  `export async function createModel(device«: GPUDevice», source«: WeightSource», options«: ${hasState ? "ModelOptions" : "WeightOptions"}» = {})«: Promise<Model>» {`,
  ...indented(compiling, 1),
  ...(hasState ? indented(loadingState, 2) : []),
  ...indented(running, 1),
  ...(hasState ? indented(repacking, 3) : []),
  ...indented(reading, 1),
  ...indented(hasState ? returningState : returning, 1),
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
    const [preparing, running] = await orLoss(device, () => guarded(device, "compiling the model", async () =>
      [await compileSteps(device, prepare), await compileSteps(device, steps)]« as const»));

    await orLoss(device, () => guarded(device, "loading the weights", async () => {
      for (const [name, data] of givenTensors(tensors)) {
        const words = stored(data);
        memory.reserve(name, words.byteLength, storage | target | copied);
        memory.write(name, words);
      }
`;

/** State that another model has is that one's memory. */
const loadingState = fragment`
  for (const { name, memory: place } of stateTensors) {
    const shared = options.state?.get(name);
    if (shared !== undefined) {
      memory.share(place, shared);
      continue;
    }
    const data = floats(tensors, name);
    memory.reserve(place, data.byteLength, storage | target | copied);
    memory.write(place, data);
  }
`;

const running = fragment`
      for (const [name, bytes] of preparedMemory) memory.reserve(name, bytes, storage | copied);
      memory.reserve("run-time dims", DIM_BYTES, uniform | target);
      const encoder = device.createCommandEncoder();
      encode(device, encoder, memory, preparing, {}« as Dims»);
      for (const { name, parts } of packs) memory.pack(encoder, name, parts, storage | target);
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      memory.free(spentWeights);
    }));

    /** Makes room for a run of these sizes; what was bound to memory that moved is bound again. */
    function makeRoom(d«: Dims»)«: void» {
      let isNew = false;
      for (const { name, bytes, isOutput } of runMemory) {
        if (memory.reserve(name, bytes(d), storage | target | copied)) isNew = true;
        if (isOutput) memory.reserve(name + " read back", bytes(d), target | read);
      }
      if (isNew) for (const dispatch of running) dispatch.bound = undefined;
      memory.write("run-time dims", dimWords(d));
    }

    async function runOnce(inputs«: Inputs»)«: Promise<Outputs>» {
      const d = bindDims(inputs);
      const given = readInputs(inputs, d);
      const outputs = runMemory.filter(({ isOutput }) => isOutput);
      await guarded(device, "running the model", () => {
        makeRoom(d);
        for (const [name, data] of given) memory.write(name, stored(data));
        const encoder = device.createCommandEncoder();
`;

/** Vectors that the last run changed are copied beside the others again. */
const repacking = fragment`
  for (const { name, parts, moves } of packs) if (moves) memory.pack(encoder, name, parts, storage | target);
`;

const reading = fragment`
        encode(device, encoder, memory, running, d);
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
      return resultsOf(bytes, d);
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
    const run = (inputs«: Inputs»)«: Promise<Outputs>» => inTurn(() => runOnce(inputs));
`;

const returning = fragment`
  const destroy = ()«: void» => {
    isDestroyed = true;
    memory.free();
  };
  return { run, destroy };
`;

const returningState = fragment`
  const readState = ()«: Promise<Record<string, FloatTensor>>» => inTurn(() => guarded(device, "reading the state", async () => {
    const encoder = device.createCommandEncoder();
    const copies = stateTensors.map(({ name, memory: place, shape }) => {
      const from = memory.get(place);
      const to = device.createBuffer({ label: name + " read back", size: from.size, usage: target | read });
      encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
      return { name, shape, to };
    });
    device.queue.submit([encoder.finish()]);
    const found«: [string, FloatTensor][]» = [];
    for (const { name, shape, to } of copies) {
      await to.mapAsync(usage.read);
      found.push([name, { data: new Float32Array(to.getMappedRange().slice(0), 0, shape.reduce((product, size) => product * size, 1)), shape }]);
      to.destroy();
    }
    return Object.fromEntries(found);
  }));
  const writeState = (source«: WeightSource»)«: Promise<void>» => inTurn(() => guarded(device, "writing the state", () => {
    const given = [...(source instanceof Map ? source : Object.entries(source))]« as [string, Tensor][]»;
    const problems = given.flatMap(([name, tensor]) => {
      const kept = stateTensors.find((state) => state.name === name);
      return kept === undefined ? ["surplus: " + name + ", which the model does not keep"] : tensorProblems(name, kept.shape, "f32", tensor);
    });
    if (problems.length > 0) throw new WeightsError(problems);
    for (const [name, { data }] of given)
      memory.write(stateTensors.find((state) => state.name === name)«!».memory, Float32Array.from(data));
  }));
  const state = new Map(stateTensors.map(({ name, memory: place }) => [name, memory.get(place)]));
  const destroy = ()«: void» => {
    isDestroyed = true;
    memory.forget(stateTensors.flatMap(({ name, memory: place }) => (options.state?.has(name) ? [place] : [])));
    memory.free();
  };
  return { run, state, readState, writeState, destroy };
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
