import { fragment } from "../../module/text.ts";

/** The memory of a model on a device, and the recording of dispatches over it. */
export const memoryRuntime = fragment`
  /** The memory of a model on a device; what it has not itself is that of the weights, if they are beside it. */
  class DeviceMemory {
    «readonly» #device«: GPUDevice»;
    «readonly» #weights«: DeviceMemory | undefined»;
    «readonly» #buffers«: Map<string, GPUBuffer>»;

    constructor(device«: GPUDevice», weights«?: DeviceMemory») {
      this.#device = device;
      this.#weights = weights;
      this.#buffers = new Map();
    }

    get(name«: string»)«: GPUBuffer» {
      return this.#buffers.get(name) ?? this.#weights«!».get(name);
    }

    /** A buffer of at least so many bytes; true if it is a new one. */
    reserve(name«: string», bytes«: number», use«: number»)«: boolean» {
      const needed = Math.max(4, Math.ceil(bytes / 4) * 4);
      const old = this.#buffers.get(name);
      if (old !== undefined && old.size >= needed) return false;
      const { maxBufferSize: most, maxStorageBufferBindingSize: bound } = this.#device.limits;
      if (needed > most) throw new DeviceError(name + " needs " + needed + " bytes, the device allows buffers of " + most);
      // What grows will grow again: half as much more, so that a text that is read token by token seldom moves anything.
      const size = old === undefined ? needed : Math.max(needed, Math.min(Math.ceil(old.size / 8) * 12, most, bound));
      old?.destroy();
      this.#buffers.set(name, this.#device.createBuffer({ label: name, size, usage: use }));
      return true;
    }

    write(name«: string», data«: Float32Array | Int32Array | Uint16Array | Uint32Array», at = 0)«: void» {
      this.#device.queue.writeBuffer(this.get(name), at, data.buffer« as ArrayBuffer», data.byteOffset, data.byteLength);
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
    const entries«: GPUBindGroupEntry[]» = readsDims.has(ready.kernel) ? [{ binding: 0, resource: { buffer: memory.get("run-time dims") } }] : [];
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
      // A size that is 0 for these inputs makes an empty tensor: nobody is to write it.
      if (Math.min(x, y ?? 1, z ?? 1) === 0) continue;
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
