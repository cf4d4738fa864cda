import { fragment } from "../../module/text.ts";

/** What compiles the shaders of a model and brings its weights to a device. */
export const loadRuntime = fragment`
  /** Bytes that are on their way to a device at a time. */
  const QUEUED_BYTES = 2 ** 26;

  /** Brings tensors to memory of a device, a part at a time; each part is seen. */
  async function upload(
    device«: GPUDevice», memory«: DeviceMemory», tensors«: Map<string, Given>», options«: LoadOptions»,
    places«: readonly (readonly [memory: string, name: string])[]»,
    form«: { readonly stored: (elements: Elements) => Elements | Uint16Array; readonly floatBytes: number }»,
    see«: (name: string, first: number, elements: Elements) => void»,
  )«: Promise<void>» {
    const wanted = places.flatMap(([to, name]) => partsBetween(tensors.get(name)«!», kindIn(tensors, name)).map((part) => ({ ...part, to, name })));
    const reader = new PartReader(wanted, options);
    let queued = 0;
    for (const { to, name, kind, first } of wanted) {
      const elements = await reader.take();
      memory.write(to, form.stored(elements), first * (kind === "f32" ? form.floatBytes : 4));
      see(name, first, elements);
      queued += 4 * elements.length;
      if (queued > QUEUED_BYTES) {
        await device.queue.onSubmittedWorkDone();
        queued = 0;
      }
      reader.tell();
    }
  }

  async function load(
    device«: GPUDevice», tensors«: Map<string, Given>», options«: LoadOptions»,
    see«: (name: string, first: number, elements: Elements) => void» = () => {},
  )«: Promise<Loaded>» {
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
      for (const [name, data] of constantMemory) {
        const words = stored(data);
        memory.reserve(name, words.byteLength, storage | target | source);
        memory.write(name, words);
      }
      for (const [to, name] of weightMemory)
        memory.reserve(to, countOfShape(tensors.get(name)«!».shape) * (kindIn(tensors, name) === "f32" ? PAIR_BYTES / 2 : 4), storage | target | source);
      await upload(device, memory, tensors, options, weightMemory, { stored, floatBytes: PAIR_BYTES / 2 }, see);
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
