import type { Code } from "../../../support/text.ts";
import { fragment } from "../../module/text.ts";
import { indented } from "../text.ts";

/** What a runner has beside runs: a state of its own, which is a session's, with parts that tell of logits where they lie. */
interface RunnerParts {
  readonly hasState: boolean;
  readonly hasSessions: boolean;
  readonly hasPicks: boolean;
}

/** The class that runs the parts of a model on weights that are there. */
export const runnerRuntime = ({ hasState, hasSessions, hasPicks }: RunnerParts): Code[] => [
  ...(hasPicks ? [...pickTypes, ""] : []),
  ...opening,
  ...indented(running, 1),
  ...(hasState ? indented(repacking, 3) : []),
  ...indented(reading, 1),
  ...(hasState ? ["", ...indented(keeping, 1)] : []),
  ...(hasSessions ? ["", ...indented(taking, 1)] : []),
  ...(hasPicks ? ["", ...indented(picking, 1)] : []),
  "}",
];

const opening = fragment`
  /** Runs the parts of a model, one run after the other, in memory of its own beside the weights. */
  class Runner {
    «readonly» #loaded«: Loaded»;
    «readonly» #memory«: DeviceMemory»;
    «readonly» #ready«: Map<object, Ready[]>»;
    #last«: Promise<unknown>» = Promise.resolve();
    #isDestroyed = false;

    constructor(loaded«: Loaded») {
      this.#loaded = loaded;
      this.#memory = new DeviceMemory(loaded.device, loaded.memory);
      this.#memory.reserve("run-time dims", DIM_BYTES, usage.uniform | usage.target);
      // What is bound is the own memory.
      this.#ready = new Map([...loaded.compiled].map(([part, list]) => [part, list.map((dispatch) => ({ ...dispatch }))]));
      loaded.users++;
    }

    destroy()«: void» {
      if (this.#isDestroyed) return;
      this.#isDestroyed = true;
      this.#memory.free();
      if (--this.#loaded.users === 0) this.#loaded.memory.free();
    }

    /** Runs after what was begun before, whatever became of that. Nothing runs on memory that is freed. */
    inTurn«<T>»(run«: () => Promise<T>»)«: Promise<T>» {
      const result = this.#last.then(() => orLoss(this.#loaded.device, async () => {
        try {
          if (!this.#isDestroyed) return await run();
        } catch (error) {
          if (!this.#isDestroyed) throw error;
        }
        throw new DeviceError("the model was destroyed");
      }));
      this.#last = result.catch(() => undefined);
      return result;
    }

    /** Makes room for a run of these sizes; what was bound to memory that moved is bound again. */
    #makeRoom(places«: readonly Memory[]», d«: Dims»)«: void» {
      const { storage, source, target, read } = usage;
      let isNew = false;
      for (const { name, bytes, isOutput } of places) {
        if (this.#memory.reserve(name, bytes(d), storage | target | source)) isNew = true;
        if (isOutput) this.#memory.reserve(name + " read back", bytes(d), target | read);
      }
      if (isNew) for (const list of this.#ready.values()) for (const dispatch of list) dispatch.bound = undefined;
      this.#memory.write("run-time dims", dimWords(d));
    }
`;

const running = fragment`

  run«<Inputs, Outputs>»(part«: Part<Inputs, Outputs>», inputs«: Inputs», bindDims«: () => Dims»)«: Promise<Outputs>» {
    return this.inTurn(async () => {
      const { device } = this.#loaded;
      const memory = this.#memory;
      const d = bindDims();
      const given = part.read(inputs, d);
      const outputs = part.memory.filter(({ isOutput }) => isOutput);
      const { copies } = await guarded(device, "running the model", () => {
        this.#makeRoom(part.memory, d);
        for (const [name, data] of given) memory.write(name, stored(data));
        const encoder = device.createCommandEncoder();
`;

/** Vectors that the last run changed are copied beside the others again. */
const repacking = fragment`
  for (const { name, parts: vectors, moves } of packs) if (moves) memory.pack(encoder, name, vectors, usage.storage | usage.target);
`;

const reading = fragment`
        encode(device, encoder, memory, this.#ready.get(part)«!», d);
        for (const { name, bytes } of outputs)
          encoder.copyBufferToBuffer(memory.get(name), 0, memory.get(name + " read back"), 0, Math.ceil(bytes(d) / 4) * 4);
        device.queue.submit([encoder.finish()]);
        // Asked for at once, so that nothing waits for the device twice; what fails here is told by the device.
        const copies = outputs.map(async ({ name }) => [name, await readBack(memory.get(name + " read back"))]« as const»);
        for (const copy of copies) copy.catch(() => undefined);
        return { copies };
      });
      return part.results(new Map(await Promise.all(copies)), d);
    });
  }
`;

const keeping = fragment`
  /** Makes what passes from run to run, as it begins; gives it without its beginnings, which need not be held. */
  async begin(list«: readonly Kept[]», tensors«: Map<string, Given>»)«: Promise<readonly KeptPlace[]>» {
    const { device } = this.#loaded;
    const { storage, source, target } = usage;
    await orLoss(device, () => guarded(device, "making the state", async () => {
      for (const { memory, shape, begins } of list) {
        this.#memory.reserve(memory, 4 * countOfShape(shape), storage | target | source);
        if (begins !== undefined && typeof begins !== "string") this.#memory.write(memory, begins);
      }
      const given = list.flatMap(({ memory, begins }) => (typeof begins === "string" ? [[memory, begins]« as const»] : []));
      await upload(device, this.#memory, tensors, {}, given, { stored: (elements) => elements, floatBytes: 4 }, () => {});
    }));
    return list.map(({ begins: _, ...place }) => place);
  }

  /** A copy of what the runs so far left; of some of it, if names are given. */
  readState(kept«: readonly KeptPlace[]», names«?: readonly string[]»)«: Promise<Record<string, Tensor>>» {
    const { device } = this.#loaded;
    return this.inTurn(() => guarded(device, "reading the state", async () => {
      const encoder = device.createCommandEncoder();
      const copies = kept.filter(({ name }) => names?.includes(name) !== false).map((each) => {
        const from = this.#memory.get(each.memory);
        const to = device.createBuffer({ label: each.name + " read back", size: from.size, usage: usage.target | usage.read });
        encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
        return { ...each, to };
      });
      device.queue.submit([encoder.finish()]);
      const found«: [string, Tensor][]» = [];
      for (const { name, shape, Kind, to } of copies) {
        const size = shape.reduce((product, length) => product * length, 1);
        found.push([name, { data: new Kind(await readBack(to), 0, size), shape }]);
        to.destroy();
      }
      return Object.fromEntries(found);
    }));
  }

  writeState(kept«: readonly KeptPlace[]», source«: WeightSource»)«: Promise<void>» {
    return this.inTurn(() => guarded(this.#loaded.device, "writing the state", () => {
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
        this.#memory.write(place.memory, place.Kind.from(data));
      }
    }));
  }
`;

/** What moves states of one session to another where they lie. */
const taking = fragment`
  /** Takes elements of what another one keeps. */
  takeState(kept«: readonly KeptPlace[]», other«: Runner», moves«: readonly StateMove[]»)«: Promise<void>» {
    const { device } = this.#loaded;
    const places = new Map(kept.map(({ name, memory }) => [name, memory]));
    return this.inTurn(() => guarded(device, "moving the state", () => {
      const encoder = device.createCommandEncoder();
      for (const { name, from, to, count } of moves) {
        const memory = places.get(name)«!»;
        if (count > 0) encoder.copyBufferToBuffer(other.#memory.get(memory), 4 * from, this.#memory.get(memory), 4 * to, 4 * count);
      }
      device.queue.submit([encoder.finish()]);
    }));
  }
`;

const pickTypes = fragment`
  /** A part, and the one that tells of its logits. */
  «interface Picking {»
  «  readonly first: Part<never, unknown>;»
  «  readonly second: Part<never, unknown>;»
  «  readonly inputs: object;»
  «  readonly given: object;»
  «  /** Whether the first part is run on the token that was found last, in place of the one that it is given. */»
  «  readonly follows: boolean;»
  «}»

  /** Memory to read from, as many of it as there are runs under way. */
  const TURNS = 4;
`;

const picking = fragment`
  #turn = 0;
  /** What is being read back, by turns. */
  «readonly» #reading«: (Promise<unknown> | undefined)[]» = [];
  /** Where the logits of the last run lie. */
  #logits = "";

  /**
   * Runs a part and one that tells of its logits in one submission; what the latter tells alone comes back. The next run may
   * be under way before that is read.
   */
  async pick({ first, second, inputs, given, follows }«: Picking», bindDims«: () => Dims»)«: Promise<StateTensors>» {
    const { device } = this.#loaded;
    const memory = this.#memory;
    const { d, copies } = await this.inTurn(async () => {
      const turn = this.#turn++ % TURNS;
      await this.#reading[turn];
      const d = bindDims();
      const [read, told] = [first.read(inputs« as never», d), second.read(given« as never», d)];
      const outputs = second.memory.filter(({ isOutput }) => isOutput);
      const logits = first.links«!».logits;
      const copies = await guarded(device, "running the model", () => {
        this.#makeRoom([...first.memory, ...second.memory].map(({ name, bytes }) => ({ name, bytes })), d);
        for (const { name, bytes } of outputs) memory.reserve(name + " read back " + turn, bytes(d), usage.target | usage.read);
        for (const [name, data] of read) memory.write(name, stored(data));
        const encoder = device.createCommandEncoder();
        if (follows) encoder.copyBufferToBuffer(memory.get(parts.best.links.token), 0, memory.get(first.links«!».token«!»), 0, 4);
        encode(device, encoder, memory, this.#ready.get(first)«!», d);
        encoder.copyBufferToBuffer(memory.get(logits), 0, memory.get(second.links«!».logits), 0, LOGIT_BYTES);
        // Until then what the parts are given may share memory with what the first one makes.
        for (const [name, data] of told) {
          const words = stored(data);
          memory.reserve(name + " given", words.byteLength, usage.source | usage.target);
          memory.write(name + " given", words);
          encoder.copyBufferToBuffer(memory.get(name + " given"), 0, memory.get(name), 0, words.byteLength);
        }
        encode(device, encoder, memory, this.#ready.get(second)«!», d);
        const found = outputs.map(({ name, bytes }) => {
          const [from, to] = [memory.get(name), memory.get(name + " read back " + turn)];
          encoder.copyBufferToBuffer(from, 0, to, 0, Math.ceil(bytes(d) / 4) * 4);
          return { name, to };
        });
        device.queue.submit([encoder.finish()]);
        const copies = found.map(async ({ name, to }) => [name, await readBack(to)]« as const»);
        for (const copy of copies) copy.catch(() => undefined);
        return { all: Promise.all(copies) };
      });
      this.#logits = logits;
      this.#reading[turn] = copies.all.catch(() => undefined);
      return { d, copies };
    });
    return second.results(new Map(await orLoss(device, () => copies.all)), d)« as StateTensors»;
  }

  /** The logits of the last run. */
  logits()«: Promise<StateTensor>» {
    const { device } = this.#loaded;
    return this.inTurn(() => guarded(device, "reading the logits", async () => {
      this.#memory.reserve("logits read back", LOGIT_BYTES, usage.target | usage.read);
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(this.#memory.get(this.#logits), 0, this.#memory.get("logits read back"), 0, LOGIT_BYTES);
      device.queue.submit([encoder.finish()]);
      const bytes = await readBack(this.#memory.get("logits read back"));
      return { data: loadedFloats(bytes, LOGITS), shape: [LOGITS] };
    }));
  }
`;

/** Reads a buffer back. */
export const readBackRuntime = fragment`
  /** What a buffer holds, once all that was submitted is done. */
  async function readBack(buffer«: GPUBuffer»)«: Promise<ArrayBuffer>» {
    await buffer.mapAsync(usage.read);
    const bytes = buffer.getMappedRange().slice(0);
    buffer.unmap();
    return bytes;
  }
`;
