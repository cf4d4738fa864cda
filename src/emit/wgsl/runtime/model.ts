import { fragment } from "../../ts/text.ts";

/** What makes a model of shaders and weights, and runs it. */
export const createRuntime = fragment`
  /**
   * The model with its weights on the device. Throws WeightsError for weights that do not fit the model, DeviceError for a
   * device that cannot run it.
   */
  export async function createModel(device«: GPUDevice», source«: WeightSource», options«: WeightOptions» = {})«: Promise<Model>» {
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
      for (const [name, bytes] of preparedMemory) memory.reserve(name, bytes, storage | copied);
      memory.reserve("dims", DIM_BYTES, uniform | target);
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
      memory.write("dims", dimWords(d));
    }

    async function runOnce(inputs«: Inputs»)«: Promise<Outputs>» {
      const d = bindDims(inputs);
      const given = readInputs(inputs, d);
      const outputs = runMemory.filter(({ isOutput }) => isOutput);
      await guarded(device, "running the model", () => {
        makeRoom(d);
        for (const [name, data] of given) memory.write(name, stored(data));
        const encoder = device.createCommandEncoder();
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

    let last«: Promise<unknown>» = Promise.resolve();
    const run = (inputs«: Inputs»)«: Promise<Outputs>» => {
      const result = last.then(() => orLoss(device, () => runOnce(inputs)));
      last = result.catch(() => undefined);
      return result;
    };
    return { run, destroy: () => memory.free() };
  }

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
