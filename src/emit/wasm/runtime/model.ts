import type { Piece } from "../../module/piece.ts";
import { fragment } from "../../module/text.ts";
import { refusals } from "../../loops/refusals.ts";
import type { Refusal } from "../../loops/tree.ts";
import { control, refusalKinds } from "../map.ts";
import { constants } from "./constants.ts";

/** The types of what a model is made of. */
export const modelTypes: Piece = {
  declares: ["Part", "Loaded", "KnownList"],
  code: fragment`
  /** What a function of the model does. */
  interface Part<Inputs, Outputs> {
    readonly list: (w: Places, dims: Dims, list: List) => RunPlaces;
    readonly read: (inputs: Inputs, dims: Dims) => readonly (Float32Array | Int32Array)[];
    readonly results: (data: readonly (Float32Array | Int32Array)[], dims: Dims) => Outputs;
  }

  /** What a part does, and where, in runs of some sizes on the state that lies at \`w\`. */
  interface KnownList {
    readonly w: Places;
    /** Where its memory begins. */
    readonly from: number;
    readonly sizes: string;
    readonly list: Listed;
    readonly places: RunPlaces;
  }

  /** A model in memory. */
  interface Loaded {
    readonly engine: Engine;
    readonly w: Places;
    /** Where the memory of runs begins. */
    from: number;
  }
`,
};

/** What fills the memory of a model, and runs it. */
export const modelRuntime: Piece = {
  declares: ["STOP_WORD", "refusals", ...["sizesText", "performed", "fillMemory", "partsLoaded", "runnerOf"]],
  code: [
    "/** What a kernel says of what it does not take, by the number of its kind. */",
    "const refusals = [",
    ...Object.keys(refusalKinds).map(
      (kind) => `  (index«: number», end«: number») => \`${refusals[kind as Refusal]("index", "end")}\`,`,
    ),
    "];",
    ...constants({ STOP_WORD: control.STOP / 4 }),
    "",
    ...fragment`
    const sizesText = (dims«: Dims»)«: string» => Object.entries(dims).map((entry) => entry.join("=")).join(", ");

    /** What a job gives; what became of it otherwise is thrown. */
    async function performed(engine«: Engine», job«: Job», listed«: Listed | undefined», what«: string», signal«?: AbortSignal»)«: Promise<readonly (Float32Array | Int32Array)[]>» {
      if (engine.ended.why !== undefined) throw new EngineError("the model runs no more: " + engine.ended.why);
      // A memory of 2^32 bytes is all that addresses reach.
      const outcome«: Outcome» = job.bytes > 2 ** 32 ? { kind: "full" } : await engine.perform(job);
      if (outcome.kind === "done") return outcome.data;
      if (outcome.kind === "full")
        throw new InputError("there is no memory for " + what + ": it needs " + job.bytes + " bytes in one piece");
      if (outcome.kind === "refused") {
        const [kind, index, end] = outcome.what;
        throw new InputError(refusals[kind - 1](index, end));
      }
      if (outcome.kind === "aborted") throw signal?.reason;
      const { trapped, at, message }«: Failure» = outcome.kind === "trapped" ? outcome : await engine.whyFailed();
      const why = trapped === undefined ? message : (listed?.stepAt(at« as number») ?? "a step") + " failed: " + trapped;
      engine.ended.why = why;
      engine.close();
      throw trapped === undefined ? new EngineError("the model runs no more: " + why) : new Error(why);
    }

    /** Fills the memory of a model as \`load\` says, and makes what is made of weights once; each part of a tensor is seen. */
    async function fillMemory(
      engine«: Engine», from«: number», tensors«: Map<string, Given>», options«: ThreadOptions»,
      load«: (list: LoadingList) => Promise<void>», see«: (name: string, first: number, elements: Elements) => void»,
    )«: Promise<void>» {
      const { ranks } = engine;
      const parts = await partsLoaded(ranks, from, tensors, load);
      const reader = new PartReader(parts.wanted, options);
      const { place, end } = placesFrom(from);
      let list = emptyList(from, ranks);
      let writes«: [number, Elements][]» = [[CONSTANTS_AT, new Int32Array(bytesOfText(kernelConstants).buffer)]];
      const flush = async ()«: Promise<void>» => {
        const listed = list.isEmpty() ? undefined : list.finish();
        if (listed !== undefined) writes.push([listed.at, listed.words]);
        const job = { bytes: Math.max(parts.end, end(), listed?.end ?? 0), writes, reads: [], ...(listed === undefined ? {} : { list: listed.at }) };
        await performed(engine, job, listed, "the weights", options.signal« as AbortSignal | undefined»);
        writes = [];
        list = emptyList(end(), ranks);
      };
      await load({
        ranks,
        place,
        call: (kernel, ...record) => {
          if (list.isEmpty()) list = emptyList(end(), ranks);
          list.call(kernel, ...record);
        },
        meet: () => list.meet(),
        settle: () => list.settle(),
        put: (address, data) => writes.push([address, data]),
        load: async (name, address, first = 0, last) => {
          if (!list.isEmpty()) await flush();
          for (const part of partsBetween(tensors.get(name)«!», kindIn(tensors, name), first, last)) {
            const elements = await reader.take();
            writes.push([address + 4 * (part.first - first), elements]);
            await flush();
            see(name, part.first, elements);
            reader.tell();
          }
        },
      });
      await flush();
    }

    /** What \`load\` will read, in its order, and how far the memory that it fills goes: nothing is read for that. */
    async function partsLoaded(ranks«: number», from«: number», tensors«: Map<string, Given>», load«: (list: LoadingList) => Promise<void>») {
      const { place, end } = placesFrom(from);
      const wanted«: WantedPart[]» = [];
      const nothing = ()«: void» => {};
      await load({
        ranks,
        place,
        call: nothing,
        meet: nothing,
        settle: nothing,
        put: nothing,
        load: async (name, _, first, last) => {
          wanted.push(...partsBetween(tensors.get(name)«!», kindIn(tensors, name), first, last));
        },
      });
      return { wanted, end: end() };
    }

    /** What runs parts of a model on its memory, one after the other. */
    function runnerOf(loaded«: Loaded») {
      const { engine } = loaded;
      let last«: Promise<unknown>» = Promise.resolve();
      const inTurn = «<T>»(work«: () => Promise<T>»)«: Promise<T>» => {
        const result = last.then(work);
        last = result.catch(() => undefined);
        return result;
      };
      /** The last list of each part; parts that take turns are not listed anew. */
      const lists = new WeakMap«<object, KnownList>»();
      /** What stands in memory since the last run. */
      let standing«: KnownList | undefined»;
      function listOf(part«: Pick<Part<never, object>, "list">», dims«: Dims», w«: Places»)«: KnownList» {
        const sizes = sizesText(dims);
        const { from } = loaded;
        const known = lists.get(part);
        if (known !== undefined && known.w === w && known.from === from && known.sizes === sizes) return known;
        const list = emptyList(from, engine.ranks);
        const places = part.list(w, dims, list);
        const made = { w, from, sizes, list: list.finish(), places };
        lists.set(part, made);
        return made;
      }

      async function runOnce«<Inputs, Outputs>»(part«: Part<Inputs, Outputs>», inputs«: Inputs», dims«: Dims», w«: Places», signal«?: AbortSignal»)«: Promise<Outputs>» {
        signal?.throwIfAborted();
        const given = part.read(inputs, dims);
        const listed = listOf(part, dims, w);
        const { list, places, sizes } = listed;
        const writes = given.map((data, index) => [places.inputs[index]«!», data]« as [number, Float32Array | Int32Array]»);
        if (standing !== listed) writes.push([list.at, list.words]);
        standing = listed;
        const abort = ()«: void» => {
          if (engine.memory !== undefined) Atomics.or(new Int32Array(engine.memory.buffer, 0, 64), STOP_WORD, ABORTED);
        };
        signal?.addEventListener("abort", abort);
        try {
          const job = { bytes: list.end, writes, list: list.at, reads: places.outputs };
          const data = await performed(engine, job, list, sizes === "" ? "a run" : "a run with " + sizes, signal);
          // A worker whose memory is its own hears of no signal until it is done.
          signal?.throwIfAborted();
          return part.results(data, dims);
        } catch (error) {
          standing = undefined;
          throw error;
        } finally {
          signal?.removeEventListener("abort", abort);
          if (signal !== undefined && engine.memory !== undefined) Atomics.store(new Int32Array(engine.memory.buffer, 0, 64), STOP_WORD, 0);
        }
      }

      return {
        run: «<Inputs, Outputs>»(part«: Part<Inputs, Outputs>», inputs«: Inputs», bind«: () => Dims», options«: RunOptions | undefined», w«: Places» = loaded.w) =>
          inTurn(async () => runOnce(part, inputs, bind(), w, options?.signal)),
        inTurn,
        /** What lies where runs have their memory is no list any more. */
        forget: ()«: void» => {
          standing = undefined;
        },
        close: engine.close,
      };
    }
  `,
  ],
};

/** What reads and writes the state of a model where it lies. */
export const stateTypes: Piece = {
  declares: ["Kept"],
  code: fragment`
  interface Kept {
    readonly name: string;
    readonly at: number;
    readonly shape: readonly number[];
    readonly kind: "f32" | "i32";
    /** What all its elements begin as, if it is a session's. */
    readonly begin?: number;
  }
`,
};

export const stateRuntime: Piece = {
  declares: ["countOf", "copyOfState", "replaceState"],
  code: fragment`
  const countOf = (shape«: readonly number[]»)«: number» => shape.reduce((product, length) => product * length, 1);

  /** A copy of the state. */
  async function copyOfState({ engine, from }«: Loaded», kept«: readonly Kept[]») {
    const reads = kept.map(({ at, shape, kind }) => [at, countOf(shape), kind]« as const»);
    const data = await performed(engine, { bytes: from, writes: [], reads }, undefined, "the state");
    return Object.fromEntries(kept.map(({ name, shape }, index) => [name, { data: data[index]«!», shape }]));
  }

  async function replaceState({ engine, from }«: Loaded», kept«: readonly Kept[]», source«: WeightSource»)«: Promise<void>» {
    const places = new Map(kept.map((each) => [each.name, each]));
    const given = [...(source instanceof Map ? source : Object.entries(source))]« as [string, Tensor][]»;
    const problems = given.flatMap(([name, tensor]) => {
      const place = places.get(name);
      return place === undefined ? ["surplus: " + name + ", which the model does not keep"] : tensorProblems(name, place.shape, place.kind, tensor);
    });
    if (problems.length > 0) throw new WeightsError(problems);
    const writes = given.map(([name, { data }]) => {
      const { at, kind } = places.get(name)«!»;
      return [at, kind === "i32" ? Int32Array.from(data) : Float32Array.from(data)]« as const»;
    });
    await performed(engine, { bytes: from, writes, reads: [] }, undefined, "the state");
  }
`,
};

/** What gives each session a state in the memory of its model. */
export const sessionStateRuntime: Piece = {
  declares: ["SessionStates", "statesOf"],
  code: fragment`
  «/** What makes the state of a session, and lists and reads the parts of the model on it. */»
  «interface SessionStates {»
  «  readonly places: (place: Place) => Places;»
  «  readonly kept: (w: Places) => readonly Kept[];»
  «  readonly parts: Readonly<Record<string, { readonly part: Part<never, object>; readonly bind: (inputs: never, sizes: never) => Dims }>>;»
  «}»

  /** The states of sessions, behind the weights; where one was given back another takes its place. */
  function statesOf(loaded«: Loaded», runner«: ReturnType<typeof runnerOf>») {
    const first = loaded.from;
    /** Where the states of each session lie, by their names. */
    const addresses = new WeakMap«<PartsModel, ReadonlyMap<string, number>>»();
    let regions«: { readonly at: number; readonly end: number }[]» = [];
    const keep = (changed«: typeof regions»)«: void» => {
      regions = changed.sort((a, b) => a.at - b.at);
      loaded.from = regions.at(-1)?.end ?? first;
      runner.forget();
    };
    function take(places«: SessionStates["places"]») {
      const measured = placesFrom(0);
      places(measured.place);
      let at = wholeLines(first);
      for (const region of regions) if (region.at < at + measured.end()) at = region.end;
      const region = { at, end: at + measured.end() };
      keep([...regions, region]);
      return { w: { ...loaded.w, ...places(placesFrom(at).place) }, free: () => keep(regions.filter((each) => each !== region)) };
    }
    return ({ places, kept, parts }«: SessionStates»)«: Promise<PartsModel>» =>
      runner.inTurn(async () => {
        const { w, free } = take(places);
        const tensors = kept(w);
        const isZeros = ({ begin = 0 }«: Kept»)«: boolean» => Object.is(begin, 0);
        const clears = tensors.filter(isZeros).map(({ at, shape }) => [at, countOf(shape)]« as const»);
        const writes = tensors
          .filter((tensor) => !isZeros(tensor))
          .map(({ at, shape, kind, begin }) => [at, new (kind === "i32" ? Int32Array : Float32Array)(countOf(shape)).fill(begin«!»)]« as const»);
        try {
          await performed(loaded.engine, { bytes: loaded.from, writes, clears, reads: [] }, undefined, "a session");
        } catch (error) {
          free();
          throw error;
        }
        const model«: PartsModel» = {
          run: (name, inputs, sizes) => {
            const { part, bind } = parts[name]«!»;
            return runner.run(part, inputs« as never», () => bind(inputs« as never», sizes« as never»), undefined, w)« as Promise<StateTensors>»;
          },
          readState: (names) => runner.inTurn(() => copyOfState(loaded, names === undefined ? tensors : tensors.filter(({ name }) => names.includes(name)))),
          writeState: (given) => runner.inTurn(() => replaceState(loaded, tensors, given)),
          memory: {
            shapes: Object.fromEntries(tensors.map(({ name, shape }) => [name, shape])),
            take: (other, moves) =>
              runner.inTurn(async () => {
                const [from, to] = [addresses.get(other)«!», addresses.get(model)«!»];
                const words = moves.map((move) => [from.get(move.name)«!» + 4 * move.from, to.get(move.name)«!» + 4 * move.to, move.count]« as const»);
                await performed(loaded.engine, { bytes: loaded.from, writes: [], moves: words, reads: [] }, undefined, "the state");
              }),
          },
          close: free,
        };
        addresses.set(model, new Map(tensors.map(({ name, at }) => [name, at])));
        return model;
      });
  }
`,
};
