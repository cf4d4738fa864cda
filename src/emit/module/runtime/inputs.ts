import type { Helper } from "../helpers.ts";
import { fragment } from "../text.ts";

/** What reads and checks the inputs of a run. */
export const inputRuntime = {
  InputError: {
    code: fragment`
      /** Inputs that do not fit the model. */
      export class InputError extends Error {
        «override readonly» name = "InputError";
      }
  `,
  },
  checkInputNames: {
    uses: ["InputError"],
    code: fragment`
      function checkInputNames(inputs«: object», known«: readonly string[]»)«: void» {
        if (typeof inputs !== "object" || inputs === null)
          throw new InputError("a run takes an object with the inputs by name: { " + known.join(", ") + " }");
        const odd = Object.keys(inputs).find((name) => !known.includes(name));
        if (odd !== undefined) throw new InputError("there is no input " + odd + "; the inputs are " + known.join(", "));
      }
  `,
  },
  inputSize: {
    uses: ["InputError", "checkTensor", "shapeMessage"],
    code: fragment`
      /** The size of one axis of an input: what binds a run-time dim. */
      function inputSize(name«: string», input«: BoolTensor | undefined», axis«: number», form«: string»)«: number» {
        if (input === undefined) throw new InputError("the input " + name + " " + form + " is missing");
        checkTensor(name, input);
        const size = input.shape[axis];
        if (size === undefined) throw new InputError(shapeMessage(name, input, form));
        if (!Number.isSafeInteger(size) || size < 1)
          throw new InputError("the input " + name + " is empty or has no whole shape: [" + input.shape.join(", ") + "]");
        return size;
      }
  `,
  },
  saidSize: {
    uses: ["InputError"],
    code: fragment`
      /** A size that the caller says; it may be 0. */
      function saidSize(name«: string», dims«: Readonly<Record<string, number>> | undefined», most«: number»)«: number» {
        const size = dims?.[name];
        if (size === undefined) throw new InputError("the size " + name + " must be given: { " + name + ": … }");
        if (!Number.isSafeInteger(size) || size < 0) throw new InputError("the size " + name + " is a whole number, got " + String(size));
        if (size > most) throw new InputError(name + " is at most " + most + ", got " + size);
        return size;
      }
    `,
  },
  keptSize: {
    uses: ["InputError"],
    code: fragment`
      /** A size for which the state was made, as an input has it. */
      function keptSize(name«: string», found«: number», kept«: number»)«: number» {
        if (found !== kept) throw new InputError(name + " is " + found + " here, but the state was made for " + kept);
        return found;
      }
    `,
  },
  checkTensor: {
    uses: ["InputError"],
    code: fragment`
      /** Callers without types give bare arrays, and BigInts where tokenizers count in 64 bits. */
      function checkTensor(name«: string», input«: BoolTensor»)«: void» {
        if (typeof input?.shape?.length !== "number" || typeof input.data?.length !== "number")
          throw new InputError("the input " + name + " must be { data, shape }, with all elements in one array");
        if (typeof (input.data[0]« as unknown») === "bigint")
          throw new InputError("the input " + name + " holds BigInts, it takes numbers: Int32Array.from(data, Number)");
      }
  `,
  },
  shapeMessage: {
    code: fragment`
      const shapeMessage = (name«: string», input«: BoolTensor», form«: string»)«: string» =>
        "the input " + name + " is " + form + ", got [" + input.shape.join(", ") + "]";
  `,
  },
  readInput: {
    uses: ["InputError", "checkTensor", "shapeMessage", "checkElements"],
    code: fragment`
      /** Copies an input to its place, checked; one that is left off is filled. */
      function readInput(
        name«: string», input«: BoolTensor | undefined», form«: string», shape«: readonly number[]»,
        fill«: number | undefined», takes«: string», into«: Float32Array | Int32Array», at«: number»,
      )«: void» {
        const size = shape.reduce((product, length) => product * length, 1);
        if (input === undefined) {
          if (fill === undefined) throw new InputError("the input " + name + " " + form + " is missing");
          into.fill(fill, at, at + size);
          return;
        }
        checkTensor(name, input);
        if (input.shape.length !== shape.length) throw new InputError(shapeMessage(name, input, form));
        if (shape.some((length, axis) => length !== input.shape[axis]))
          throw new InputError(shapeMessage(name, input, form + " = [" + shape.join(", ") + "] here"));
        const { data } = input;
        if (data.length !== size)
          throw new InputError("the input " + name + " has " + data.length + " elements, its shape says " + size);
        checkElements(name, data, takes);
        into.set(data« as ArrayLike<number>», at);
      }
  `,
  },
  checkElements: {
    uses: ["InputError"],
    code: fragment`
      /** A typed array holds numbers; other arrays may hold anything, which would become a number without a word. */
      function checkElements(name«: string», data«: ArrayLike<unknown>», takes«: string»)«: void» {
        if (takes === "numbers" && ArrayBuffer.isView(data)) return;
        for (let i = 0; i < data.length; i++) {
          const value = data[i];
          const fits =
            typeof value === "boolean" ? takes === "true and false"
            : typeof value === "number" && (takes === "numbers" || (takes === "whole numbers" ? (value | 0) === value : value === 0 || value === 1));
          if (!fits) throw new InputError("the input " + name + " takes " + takes + ", got " + String(value) + " at " + i);
        }
      }
  `,
  },
  allocate: {
    uses: ["InputError"],
    code: fragment`
      /** An array for a run; where there is no memory for it, the error says for which sizes. */
      function allocate«<T>»(
        Kind«: { new (length: number): T; readonly BYTES_PER_ELEMENT?: number }», length«: number», sizes«: object»,
      )«: T» {
        try {
          return new Kind(length);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          const run = Object.entries(sizes).map((entry) => entry.join("=")).join(", ");
          const bytes = length * (Kind.BYTES_PER_ELEMENT ?? 1);
          throw new InputError("there is no memory for a run with " + run + ": it needs " + bytes + " bytes in one piece", { cause: error });
        }
      }
  `,
  },
} as const satisfies Readonly<Record<string, Helper>>;
