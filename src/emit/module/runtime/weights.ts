import type { Helper } from "../helpers.ts";
import type { Piece } from "../piece.ts";
import { fragment } from "../text.ts";
import { namesRuntime } from "./names.generated.ts";
import { openRuntime } from "./open.generated.ts";

const checkRuntime = fragment`
  /** What was found of the parameters among tensors that were given. */
  «interface Matched {»
  «  readonly tensors: Map<string, Given>;»
  «  readonly problems: string[];»
  «  /** Tensors that no parameter is. */»
  «  readonly surplus: readonly (readonly [string, Given])[];»
  «  readonly names: readonly string[];»
  «}»

  /** The tensor of each parameter, by its name, with all that is missing or of a wrong shape. */
  function findWeights(source«: Readonly<Record<string, Given>> | ReadonlyMap<string, Given>», options«: WeightOptions»)«: Matched» {
    if (typeof source !== "object" || source === null)
      throw new WeightsError(["a model takes its weights by name: an object or a Map of { data, shape }, not " + source]);
    const given = source instanceof Map ? source« as Map<string, Given>» : new Map(Object.entries(source));
    const names = parameters.map((parameter) => parameter.name);
    const [takenOff, putInFront] = choosePrefix(names, given, options.prefix);
    const stored = new Map(names.map((name) => [name, storedName(name, given, takenOff, putInFront)]));
    const used = new Set([...stored.values(), ...notNeeded.map((name) => storedName(name, given, takenOff, putInFront))]);
    const ignore = [...harmlessTensors, ...(options.ignore ?? [])];
    const surplus = [...given].filter(([name]) => !used.has(name) && !ignore.some((pattern) => pattern.test(name)));
    for (const [pattern, what] of otherForms) {
      const found = surplus.find(([name]) => pattern.test(name));
      if (found !== undefined) throw new WeightsError([found[0] + " is of " + what]);
    }
    const problems«: string[]» = [];
    const tensors = new Map«<string, Given>»();
    for (const { name, shape, dtype } of parameters) {
      const tensor = given.get(stored.get(name) ?? name);
      if (tensor === undefined) {
        problems.push("missing: " + name + " [" + shape.join(", ") + "]" + suggest(name, surplus.map(([other]) => other)));
        continue;
      }
      problems.push(...tensorProblems(name, shape, dtype, tensor));
      tensors.set(name, tensor);
    }
    return { tensors, problems, surplus, names };
  }

  /** That nothing of the model is called so. */
  const isSurplus = (name«: string», names«: readonly string[]»)«: string» =>
    "surplus: " + name + ", which the model does not have" + suggest(name, names);

  /** Tensors that may be what another one is. */
  const likeTensors = (tensor«: Given», tensors«: Map<string, Given>»)«: readonly Given[]» =>
    tensor?.shape?.length !== 2 ? [] : [...tensors.values()].filter(({ shape }) => shape.length === 2 && shape.every((size, axis) => size === tensor.shape[axis]));

  /** What is taken off the names that were given, and what is put in front of them. */
  function choosePrefix(
    names«: readonly string[]», given«: ReadonlyMap<string, unknown>», prefix«: string | undefined»,
  )«: readonly [string, string]» {
    const [first, second] = prefixesFor(names, given, prefix);
    if (first === undefined)
      throw new WeightsError(["neither a tensor nor a parameter of the model begins with the prefix " + prefix]);
    if (second !== undefined)
      throw new WeightsError(["every parameter has a tensor with the prefix " + first.join("") + " and with " + second.join("") + ": say which with the option prefix"]);
    return first;
  }

  function tensorProblems(name«: string», shape«: readonly number[]», dtype«: string», tensor«: Given»)«: string[]» {
    const { isFloat, size: count } = kindOfGiven(tensor);
    if (typeof tensor?.shape?.length !== "number" || typeof count !== "number")
      return ["not a tensor: " + name + " must be { data, shape }, with all elements in one array"];
    if (dtype === "f32" && !isFloat)
      return ["whole numbers: " + name + " takes floats; quantized weights must be multiplied by their scales before"];
    const found = "[" + tensor.shape.join(", ") + "]";
    if (tensor.shape.length !== shape.length || shape.some((size, axis) => size !== tensor.shape[axis]))
      return ["wrong shape: " + name + " is " + found + ", the model has [" + shape.join(", ") + "]"];
    const size = shape.reduce((product, length) => product * length, 1);
    return count === size ? [] : ["wrong length: " + name + " " + found + " has " + count + " elements, not " + size];
  }

  /** The name that is nearest, if it is near: at most a third of the letters differ. */
  function suggest(name«: string», candidates«: readonly string[]»)«: string» {
    let best = "";
    let least = Math.floor(name.length / 3) + 1;
    for (const candidate of candidates) {
      if (Math.abs(candidate.length - name.length) >= least) continue;
      const distance = editDistance(name, candidate);
      if (distance < least) [best, least] = [candidate, distance];
    }
    return best === "" ? "" : "; did you mean " + best + "?";
  }

  function editDistance(a«: string», b«: string»)«: number» {
    let last = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const row = [i];
      for (let j = 1; j <= b.length; j++)
        row.push(Math.min(last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1));
      last = row;
    }
    return last[b.length];
  }
`;

/** What finds and checks the weights of the model's parameters. */
export const weightRuntime: Piece = {
  declares: [
    ...["Matched", "findWeights", "isSurplus", "likeTensors", "choosePrefix", "tensorProblems"],
    ...["suggest", "editDistance"],
    ...[
      "harmlessTensors",
      "otherForms",
      "spellings",
      "storedName",
      "countNamed",
      "prefixesOf",
      "prefixesFor",
    ],
  ],
  code: [...checkRuntime, "", ...namesRuntime],
};

/** What matches tensors that are all there. */
export const wholeRuntime: Piece = {
  declares: ["Given", "matchWeights", "kindOfGiven", "elementsOf", "isCopy"],
  code: fragment`
  «/** A tensor of weights. */»
  «type Given = Tensor;»

  /** The tensor of each parameter; throws WeightsError with all that is missing, surplus or of a wrong shape. */
  function matchWeights(source«: WeightSource», options«: WeightOptions»)«: Map<string, Tensor>» {
    const { tensors, problems, surplus, names } = findWeights(source, options);
    for (const [name, tensor] of surplus) if (!isCopy(tensor, tensors)) problems.push(isSurplus(name, names));
    if (problems.length > 0) throw new WeightsError(problems);
    return tensors;
  }

  /** Whether a tensor has floats, and how many elements there are. */
  function kindOfGiven(tensor«: Given»)«: { readonly isFloat: boolean; readonly size: number }» {
    const stored = typeof tensor === "object" && tensor !== null ? storedAs.get(tensor) : undefined;
    if (stored !== undefined) return stored;
    const data = tensor?.data;
    return { isFloat: !/^\[object (Big)?(Ui|I)nt/.test(Object.prototype.toString.call(data)), size: data?.length };
  }

  function elementsOf(tensor«: Tensor»)«: ArrayLike<number>» {
    const stored = storedAs.get(tensor);
    return stored === undefined ? tensor.data : stored.read(0, stored.size);
  }

  /** Whether a matrix repeats one that is used: some writers store a tied head again. */
  function isCopy(tensor«: Tensor», tensors«: Map<string, Tensor>»)«: boolean» {
    const others = likeTensors(tensor, tensors);
    if (others.length === 0) return false;
    const own = elementsOf(tensor);
    return others.some((other) => !Array.prototype.some.call(elementsOf(other), (value, at) => value !== own[at]));
  }
`,
};

/** What matches tensors that may come when they are wanted. */
export const streamRuntime: Piece = {
  declares: [
    ...["Given", "matchWeights", "kindOfGiven", "kinds", "kindIn", "isCopy"],
    ...openRuntime.declares,
  ],
  code: [
    ...fragment`
    «/** A tensor of weights. */»
    «type Given = Tensor | StreamedTensor;»

    /** The tensor of each parameter; rejects with WeightsError, which has all that is missing, surplus or of a wrong shape. */
    async function matchWeights(source«: WeightSource | StreamedSource», options«: WeightOptions»)«: Promise<Map<string, Given>>» {
      const { tensors, problems, surplus, names } = findWeights(source, options);
      for (const [name, tensor] of surplus) if (!(await isCopy(tensor, tensors))) problems.push(isSurplus(name, names));
      if (problems.length > 0) throw new WeightsError(problems);
      return tensors;
    }

    /** Whether a tensor has floats, and how many elements there are. */
    function kindOfGiven(tensor«: Given»)«: { readonly isFloat: boolean; readonly size: number }» {
      if (typeof tensor !== "object" || tensor === null) return { isFloat: true, size: NaN };
      if (isStreamed(tensor)) return { isFloat: tensor.dtype === "f32", size: countOfShape(tensor.shape) };
      const { data } = tensor;
      return storedAs.get(tensor) ?? { isFloat: !/^\[object (Big)?(Ui|I)nt/.test(Object.prototype.toString.call(data)), size: data?.length };
    }

    /** Of what kind the elements of a parameter are. */
    const kinds = new Map(parameters.map(({ name, dtype }) => [name, dtype.includes("f") ? "f32" : "i32"]« as const»));

    /** The same of a tensor that is loaded; one that is made of parameters says it itself. */
    const kindIn = (tensors«: Map<string, Given>», name«: string»)«: "f32" | "i32"» =>
      kinds.get(name) ?? (kindOfGiven(tensors.get(name)«!»).isFloat ? "f32" : "i32");

    /** Whether a matrix repeats one that is used: some writers store a tied head again. */
    async function isCopy(tensor«: Given», tensors«: Map<string, Given>»)«: Promise<boolean>» {
      for (const other of likeTensors(tensor, tensors)) {
        let isSame = true;
        for (const { first, end } of partsBetween(tensor, "f32")) {
          // What is read next may take the place of what was read before.
          const own = (await elementsBetween(tensor, "f32", first, end)).slice();
          const others = await elementsBetween(other, "f32", first, end);
          isSame = own.every((value, at) => value === others[at]);
          if (!isSame) break;
        }
        if (isSame) return true;
      }
      return false;
    }
    `,
    "",
    ...openRuntime.code,
  ],
};

/** What reads the elements of a tensor, each if the model has such tensors. */
export const elementRuntime = {
  floats: {
    code: fragment`
    /** The elements as float32; a Float32Array as it is. */
    function floats(tensors«: Map<string, Tensor>», name«: string»)«: Float32Array» {
      const data = elementsOf(tensors.get(name)«!»);
      return data instanceof Float32Array ? data : Float32Array.from(data);
    }
    `,
  },
  ints: {
    code: fragment`
    /** The elements as whole numbers; an Int32Array as it is. */
    function ints(tensors«: Map<string, Tensor>», name«: string»)«: Int32Array» {
      const data = elementsOf(tensors.get(name)«!»);
      return data instanceof Int32Array ? data : Int32Array.from(data);
    }
    `,
  },
  ownFloats: {
    code: fragment`
    /** The elements as float32, in an array of the model's own. */
    const ownFloats = (tensors«: Map<string, Tensor>», name«: string»)«: Float32Array» => Float32Array.from(elementsOf(tensors.get(name)«!»));
    `,
  },
  ownInts: {
    code: fragment`
    /** The elements as whole numbers, in an array of the model's own. */
    const ownInts = (tensors«: Map<string, Tensor>», name«: string»)«: Int32Array» => Int32Array.from(elementsOf(tensors.get(name)«!»));
    `,
  },
} as const satisfies Readonly<Record<string, Helper>>;

/** The same where floats are kept in 64 bits. */
export const elementRuntime64 = {
  ...elementRuntime,
  floats: {
    code: fragment`
    /** The elements as float64; a Float64Array as it is. */
    function floats(tensors, name) {
      const data = elementsOf(tensors.get(name));
      return data instanceof Float64Array ? data : Float64Array.from(data);
    }
    `,
  },
  ownFloats: {
    code: fragment`
    /** The elements as float64, in an array of the model's own. */
    const ownFloats = (tensors, name) => Float64Array.from(elementsOf(tensors.get(name)));
    `,
  },
} as const satisfies Readonly<Record<string, Helper>>;

/** What reads and writes the state of a model where it lies in arrays. */
export const stateRuntime: Piece = {
  declares: ["copyOfState", "replaceState"],
  code: fragment`
  function copyOfState(state«: Readonly<Record<string, Kept>>», names«: readonly string[]» = Object.keys(state)) {
    const copies = names.map((name) => [name, { data: state[name]«!».data.slice(), shape: state[name]«!».shape }]« as const»);
    return Object.fromEntries(copies);
  }

  function replaceState(state«: Readonly<Record<string, Kept>>», source«: WeightSource»)«: void» {
    const given = [...(source instanceof Map ? source : Object.entries(source))]« as [string, Tensor][]»;
    const problems = given.flatMap(([name, tensor]) => {
      const kept = Object.hasOwn(state, name) ? state[name] : undefined;
      if (kept === undefined) return ["surplus: " + name + ", which the model does not keep"];
      return tensorProblems(name, kept.shape, kept.data instanceof Int32Array ? "i32" : "f32", tensor);
    });
    if (problems.length > 0) throw new WeightsError(problems);
    for (const [name, { data }] of given) state[name]«!».data.set(data);
  }
`,
};
