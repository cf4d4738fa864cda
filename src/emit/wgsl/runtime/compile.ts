import { fragment } from "../../module/text.ts";

/** What compiles shaders, and turns what a device refuses into errors. */
export const compileRuntime = fragment`
  /** What a device cannot do or did not survive: too small a limit, no memory, a refused shader, a loss. */
  export class DeviceError extends Error {
    «override readonly» name = "DeviceError";
  }

  /** GPUBufferUsage and GPUMapMode by number: not every place that has WebGPU has these names. */
  const usage = { read: 0x1, source: 0x4, target: 0x8, uniform: 0x40, storage: 0x80 };

  const share = (count«: number», per«: number»)«: number» => Math.ceil(count / per);

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
    const all«: readonly Step[]» = [...prepare, ...Object.values(parts).flatMap((part) => part.steps)];
    const places = all.filter((step) => step.dispatches.some(({ kernel }) => kernel === name));
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
  class Pipelines {
    «readonly» #device«: GPUDevice»;
    «readonly» #modules«: Map<KernelName, Promise<GPUShaderModule>>»;
    «readonly» #pipelines«: Map<string, Promise<GPUComputePipeline>>»;

    constructor(device«: GPUDevice») {
      this.#device = device;
      this.#modules = new Map();
      this.#pipelines = new Map();
    }

    of(list«: readonly Step[]»)«: Promise<Ready[]>» {
      const wanted = list.flatMap(({ place, dispatches }, step) =>
        dispatches.flatMap((dispatch) =>
          partsOf(this.#device, dispatch).map((part, turn) => ({ ...dispatch, ...part, place, step, turn, bound: undefined })),
        ),
      );
      return Promise.all(
        wanted.map(async ({ parts: _, ...dispatch }) => {
          const key = dispatch.kernel + JSON.stringify(dispatch.constants);
          const pipeline = this.#pipelines.get(key) ?? this.#compile(dispatch.kernel, dispatch.constants, dispatch.place);
          this.#pipelines.set(key, pipeline);
          return { ...dispatch, pipeline: await pipeline };
        }),
      );
    }

    async #compile(kernel«: KernelName», constants«: Readonly<Record<string, number>>», place«: string»)«: Promise<GPUComputePipeline>» {
      const known = this.#modules.get(kernel) ?? compileKernel(this.#device, kernel);
      this.#modules.set(kernel, known);
      const module = await known;
      try {
        return await this.#device.createComputePipelineAsync({ label: kernel, layout: "auto", compute: { module, entryPoint: kernel, constants } });
      } catch (error) {
        throw new DeviceError("the device refuses the kernel " + kernel + " of " + place + ": " + (error« as Error»).message);
      }
    }
  }

  /** Of the dispatches of each step those that are meant for these sizes. */
  function chosen(ready«: readonly Ready[]», dims«: Dims»)«: Ready[]» {
    const kernelOf = new Map«<number, string>»();
    return ready.filter(({ step, kernel, when }) => {
      if (!kernelOf.has(step) && (when === undefined || when(dims))) kernelOf.set(step, kernel);
      return kernelOf.get(step) === kernel;
    });
  }
`;

/** What the step tables call, each if they do. */
export const groupRuntime = {
  list: {
    code: fragment`
      /** The most workgroups along one axis that every device allows. */
      const MAX_GROUPS = 65535;

      /** Workgroups in a list, over two axes where one is too short. */
      function list(count«: number», per«: number»)«: number[]» {
        const groups = share(count, per);
        const columns = Math.min(groups, MAX_GROUPS);
        return [columns, columns === 0 ? 0 : share(groups, columns), 1];
      }
    `,
  },
} as const;
