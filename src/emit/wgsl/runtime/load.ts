import { fragment } from "../../module/text.ts";

/** What compiles the shaders of a model and brings its weights to a device. */
export const loadRuntime = fragment`
  async function load(device«: GPUDevice», tensors«: Map<string, Tensor>»)«: Promise<Loaded>» {
    for (const feature of requiredFeatures)
      if (!device.features.has(feature)) throw new DeviceError("the device was not requested with the feature " + feature);
    if (await isLost(device)) await orLoss(device, () => Promise.reject(new Error("no device")));
    const memory = new DeviceMemory(device);
    const { storage, source, target, uniform } = usage;
    const [preparing, compiled] = await orLoss(device, () => guarded(device, "compiling the model", async () => {
      const pipelines = new Pipelines(device);
      const first = await pipelines.of(prepare);
      const others = Object.values(parts).map(async (part) => [part, await pipelines.of(part.steps)]« as const»);
      return [first, new Map«<object, Ready[]>»(await Promise.all(others))]« as const»;
    }));
    await orLoss(device, () => guarded(device, "loading the weights", async () => {
      for (const [name, data] of givenTensors(tensors)) {
        const words = stored(data);
        memory.reserve(name, words.byteLength, storage | target | source);
        memory.write(name, words);
      }
      for (const [name, bytes] of preparedMemory) memory.reserve(name, bytes, storage | target | source);
      memory.reserve("run-time dims", DIM_BYTES, uniform | target);
      const encoder = device.createCommandEncoder();
      encode(device, encoder, memory, preparing, {}« as Dims»);
      for (const { name, parts: vectors, moves } of packs) if (moves !== true) memory.pack(encoder, name, vectors, storage | target);
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      memory.free(spentWeights);
    }));
    return { device, memory, compiled, users: 0 };
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
