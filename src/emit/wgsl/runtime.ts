import { fragment } from "../ts/text.ts";

/** What runs the model, as the emitted module declares it. */
export const modelType = fragment`
  export interface Model {
    /**
     * Runs the model. The run-time dims come from the shapes of the inputs. Memory on the device is kept for the next run
     * and grows when the inputs do. Runs that overlap wait for each other.
     */
    readonly run: (inputs: Inputs) => Promise<Outputs>;
    /** Frees the device's memory; the device itself is the caller's. */
    readonly destroy: () => void;
  }

  interface Dispatch {
    readonly kernel: KernelName;
    readonly constants: Readonly<Record<string, number>>;
    /** Names of the memory of its bindings. */
    readonly memory: readonly string[];
    /** Workgroups along x, y and z; "rows" are those of a part of the matrix that is too large for one binding. */
    readonly groups: (dims: Dims, rows: number) => readonly number[];
    /** Whether it is meant for a run of these sizes. */
    readonly when?: (dims: Dims) => boolean;
    /** The binding of a matrix that may be too large to bind, and its rows. */
    readonly parts?: { readonly binding: number; readonly rows: number; readonly rowBytes: number };
  }

  interface Step {
    /** The layer and its line in the model's file. */
    readonly place: string;
    /** Of these the first that is meant for the run's sizes is run. */
    readonly dispatches: readonly Dispatch[];
  }

  interface Memory {
    readonly name: string;
    readonly bytes: (dims: Dims) => number;
    readonly isOutput?: boolean;
  }

  /** A dispatch with all that does not change from run to run. */
  interface Ready extends Omit<Dispatch, "parts"> {
    readonly place: string;
    readonly pipeline: GPUComputePipeline;
    readonly rows: number;
    /** The bytes of one binding, if it is a part of a matrix. */
    readonly part: { readonly binding: number; readonly offset: number; readonly size: number } | undefined;
    /** Which dispatches stand for each other: one of them runs. */
    readonly step: number;
    /** Which part of a matrix this is. */
    readonly turn: number;
    bound: GPUBindGroup | undefined;
  }
`;

export const deviceRuntime = fragment`
  /** What a device cannot do or did not survive: too small a limit, no memory, a refused shader, a loss. */
  export class DeviceError extends Error {
    «override readonly» name = "DeviceError";
  }

  /** GPUBufferUsage and GPUMapMode by number: not every place that has WebGPU has these names. */
  const usage = { read: 0x1, source: 0x4, target: 0x8, uniform: 0x40, storage: 0x80 };

  /** The most workgroups along one axis that every device allows. */
  const MAX_GROUPS = 65535;

  const share = (count«: number», per«: number»)«: number» => Math.ceil(count / per);

  /** Workgroups in a list, over two axes where one is too short. */
  function list(count«: number», per«: number»)«: number[]» {
    const groups = share(count, per);
    const columns = Math.min(groups, MAX_GROUPS);
    return [columns, share(groups, columns), 1];
  }

  /** Runs something and turns what the device says against it into one error. */
  async function guarded«<T>»(device«: GPUDevice», what«: string», run«: () => T | Promise<T>»)«: Promise<T>» {
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    let result«: T | undefined»;
    let failure«: unknown»;
    try {
      result = await run();
    } catch (error) {
      failure = error;
    }
    const [invalid, full] = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
    if (failure instanceof DeviceError) throw failure;
    if (full !== null) throw new DeviceError(what + ": the device is out of memory. " + full.message);
    if (invalid !== null) throw new DeviceError(what + ": " + invalid.message);
    if (failure !== undefined) throw failure;
    return result« as T»;
  }

  /** A shader's module; what the device says against it comes with the line and the step that it is for. */
  async function compileKernel(device«: GPUDevice», name«: KernelName»)«: Promise<GPUShaderModule>» {
    const code = kernels[name];
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label: name, code });
    const { messages } = await module.getCompilationInfo();
    await device.popErrorScope();
    const errors = messages.filter(({ type }) => type === "error");
    if (errors.length === 0) return module;
    const lines = code.split("\n");
    const shown = errors.map(({ lineNum, linePos, message }) =>
      "  line " + lineNum + ":" + linePos + ": " + message + "\n    " + (lines[lineNum - 1] ?? "").trim());
    const places = [...prepare, ...steps].filter((step) => step.dispatches.some(({ kernel }) => kernel === name));
    throw new DeviceError("the device refuses the kernel " + name + ", which " + (places[0]?.place ?? "no step") + " runs:\n" + shown.join("\n"));
  }

  /** The parts in which a device can bind a matrix: 64 rows or a multiple of it, so that each begins at 256 bytes. */
  function partsOf(device«: GPUDevice», { parts, constants }«: Dispatch») {
    if (parts === undefined) return [{ constants, rows: 0, part: undefined }];
    const { binding, rows, rowBytes } = parts;
    const most = Math.floor(device.limits.maxStorageBufferBindingSize / rowBytes / 64) * 64;
    if (most === 0) throw new DeviceError("a row of " + rowBytes + " bytes does not fit into a binding of the device");
    return Array.from({ length: share(rows, most) }, (_, index) => {
      const first = index * most;
      const count = Math.min(most, rows - first);
      return {
        constants: { ...constants, first, part: count },
        rows: count,
        part: { binding, offset: first * rowBytes, size: count * rowBytes },
      };
    });
  }

  /** Compiles what steps need, each pipeline once. */
  async function compileSteps(device«: GPUDevice», list«: readonly Step[]»)«: Promise<Ready[]>» {
    const modules = new Map«<KernelName, Promise<GPUShaderModule>>»();
    const pipelines = new Map«<string, Promise<GPUComputePipeline>>»();
    const compile = async (kernel«: KernelName», constants«: Readonly<Record<string, number>>», place«: string»)«: Promise<GPUComputePipeline>» => {
      const known = modules.get(kernel) ?? compileKernel(device, kernel);
      modules.set(kernel, known);
      const module = await known;
      try {
        return await device.createComputePipelineAsync({ label: kernel, layout: "auto", compute: { module, entryPoint: kernel, constants } });
      } catch (error) {
        throw new DeviceError("the device refuses the kernel " + kernel + " of " + place + ": " + (error« as Error»).message);
      }
    };
    const wanted = list.flatMap(({ place, dispatches }, step) =>
      dispatches.flatMap((dispatch) =>
        partsOf(device, dispatch).map((part, turn) => ({ ...dispatch, ...part, place, step, turn, bound: undefined })),
      ),
    );
    return Promise.all(
      wanted.map(async ({ parts: _, ...dispatch }) => {
        const key = dispatch.kernel + JSON.stringify(dispatch.constants);
        const pipeline = pipelines.get(key) ?? compile(dispatch.kernel, dispatch.constants, dispatch.place);
        pipelines.set(key, pipeline);
        return { ...dispatch, pipeline: await pipeline };
      }),
    );
  }

  /** Of the dispatches of each step those that are meant for these sizes. */
  function chosen(ready«: readonly Ready[]», dims«: Dims»)«: Ready[]» {
    const kernelOf = new Map«<number, string>»();
    return ready.filter(({ step, kernel, when }) => {
      if (!kernelOf.has(step) && (when === undefined || when(dims))) kernelOf.set(step, kernel);
      return kernelOf.get(step) === kernel;
    });
  }

  /** The memory of a model on a device. */
  class DeviceMemory {
    «readonly» #device«: GPUDevice»;
    «readonly» #buffers«: Map<string, GPUBuffer>»;

    constructor(device«: GPUDevice») {
      this.#device = device;
      this.#buffers = new Map();
    }

    get(name«: string»)«: GPUBuffer» {
      return this.#buffers.get(name)«!»;
    }

    /** A buffer of at least so many bytes; true if it is a new one. */
    reserve(name«: string», bytes«: number», use«: number»)«: boolean» {
      const size = Math.max(4, Math.ceil(bytes / 4) * 4);
      const old = this.#buffers.get(name);
      if (old !== undefined && old.size >= size) return false;
      const most = this.#device.limits.maxBufferSize;
      if (size > most) throw new DeviceError(name + " needs " + size + " bytes, the device allows buffers of " + most);
      old?.destroy();
      this.#buffers.set(name, this.#device.createBuffer({ label: name, size, usage: use }));
      return true;
    }

    write(name«: string», data«: Float32Array | Int32Array | Uint16Array | Uint32Array»)«: void» {
      this.#device.queue.writeBuffer(this.get(name), 0, data.buffer« as ArrayBuffer», data.byteOffset, data.byteLength);
    }

    /** Copies buffers into one. */
    pack(encoder«: GPUCommandEncoder», name«: string», parts«: readonly string[]», use«: number»)«: void» {
      const sizes = parts.map((part) => Math.ceil(this.get(part).size / PAIR_BYTES) * PAIR_BYTES);
      this.reserve(name, sizes.reduce((sum, size) => sum + size, 0), use);
      let at = 0;
      parts.forEach((part, index) => {
        encoder.copyBufferToBuffer(this.get(part), 0, this.get(name), at, this.get(part).size);
        at += sizes[index]«!»;
      });
    }

    free(names«: Iterable<string>» = [...this.#buffers.keys()])«: void» {
      for (const name of names) {
        this.#buffers.get(name)?.destroy();
        this.#buffers.delete(name);
      }
    }
  }

  /** The bind group of a dispatch; "auto" layouts number bindings as the shader does: the dims first, if it reads them. */
  function bind(device«: GPUDevice», memory«: DeviceMemory», ready«: Ready»)«: GPUBindGroup» {
    const entries«: GPUBindGroupEntry[]» = readsDims.has(ready.kernel) ? [{ binding: 0, resource: { buffer: memory.get("dims") } }] : [];
    ready.memory.forEach((name, index) => {
      const buffer = memory.get(name);
      const part = ready.part?.binding === index ? ready.part : { offset: 0, size: buffer.size };
      const most = device.limits.maxStorageBufferBindingSize;
      if (part.size > most)
        throw new DeviceError(ready.place + " binds " + name + ", " + part.size + " bytes; the device allows " + most);
      entries.push({ binding: entries.length, resource: { buffer, offset: part.offset, size: part.size } });
    });
    return device.createBindGroup({ label: ready.place, layout: ready.pipeline.getBindGroupLayout(0), entries });
  }

  /** Records dispatches into one pass. */
  function encode(device«: GPUDevice», encoder«: GPUCommandEncoder», memory«: DeviceMemory», ready«: readonly Ready[]», dims«: Dims»)«: void» {
    const most = device.limits.maxComputeWorkgroupsPerDimension;
    const pass = encoder.beginComputePass();
    for (const dispatch of chosen(ready, dims)) {
      const [x, y, z] = dispatch.groups(dims, dispatch.rows);
      if (Math.max(x, y ?? 1, z ?? 1) > most)
        throw new DeviceError(dispatch.place + " needs " + [x, y, z].join(" × ") + " workgroups; the device allows " + most + " along an axis");
      dispatch.bound ??= bind(device, memory, dispatch);
      pass.setPipeline(dispatch.pipeline);
      pass.setBindGroup(0, dispatch.bound);
      pass.dispatchWorkgroups(x, y, z);
    }
    pass.end();
  }
`;

/** Floats as a device with 16-bit storage holds them. */
export const halfRuntime = fragment`
  /** Bytes of two floats on the device. */
  const PAIR_BYTES = 4;

  const halfOf = new Float32Array(1);
  const bitsOf = new Uint32Array(halfOf.buffer);

  /** The bits of the nearest half-precision float, ties to even. */
  function numberToHalf(x«: number»)«: number» {
    halfOf[0] = x;
    const bits = bitsOf[0]«!»;
    const sign = (bits >>> 16) & 0x8000;
    const size = bits & 0x7fffffff;
    if (size > 0x7f800000) return sign | 0x7e00;
    if (size >= 0x477ff000) return sign | 0x7c00;
    if (size >= 0x38800000) return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    const scaled = Math.abs(halfOf[0]«!») * 2 ** 24;
    const below = Math.floor(scaled);
    const rest = scaled - below;
    return sign | (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below);
  }

  /** Floats as they are stored on the device; an even number of them, as it copies words. */
  function stored(data«: Float32Array | Int32Array»)«: Uint16Array | Int32Array» {
    if (data instanceof Int32Array) return data;
    const halves = new Uint16Array(data.length + (data.length % 2));
    for (let i = 0; i < data.length; i++) halves[i] = numberToHalf(data[i]«!»);
    return halves;
  }

  const loadedFloats = (bytes«: ArrayBuffer», count«: number»)«: Float32Array» =>
    Float32Array.from(new Uint16Array(bytes, 0, count), halfToNumber);
`;

export const wordRuntime = fragment`
  /** Bytes of two floats on the device. */
  const PAIR_BYTES = 8;

  const stored = «<A extends Float32Array | Int32Array>»(data«: A»)«: A» => data;

  const loadedFloats = (bytes«: ArrayBuffer», count«: number»)«: Float32Array» => new Float32Array(bytes, 0, count);
`;
