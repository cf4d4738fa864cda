import type { ProgramPlan } from "../../../plan/plan.ts";
import type { Piece } from "../piece.ts";
import { fragment } from "../text.ts";
import { optionsParameter } from "./types.ts";

/** What makes a model of a safetensors file. */
const loadRuntime = (program: ProgramPlan): string[] => [
  ...fragment`
    /**
     * Reads a safetensors file into a model. Floats are read as float32, whole numbers as int32. Throws WeightsError for a
     * file that is cut off or contradicts itself, and for tensors that do not fit the model. Of a checkpoint in several
     * files, createModel takes the tensors of all: createModel(new Map(files.flatMap((file) => [...readSafetensors(file)])))
     */
  `,
  `export function loadSafetensors(bytes«: Uint8Array | ArrayBuffer», ${optionsParameter(program)})«: Model» {`,
  "  return createModel(readSafetensors(bytes), options);",
  "}",
];

/** What reads a safetensors file: 8 bytes with the length of the header, the header as JSON, the tensors' bytes. */
export const readerRuntime: Piece = {
  declares: [
    ...["readSafetensors", "storedTensor", "bytesOf", "elementBytes", "readHeader", "isSize", "readEntry"],
    ...["readElements", "halfToNumber"],
  ],
  code: fragment`
  /** The tensors of a safetensors file. F32 data that is aligned stays where it is in the file's bytes. */
  export function readSafetensors(file«: Uint8Array | ArrayBuffer»)«: Map<string, Tensor>» {
    const bytes = bytesOf(file);
    const { header, start } = readHeader(bytes);
    const tensors = new Map«<string, Tensor>»();
    const space = bytes.length - start;
    for (const [name, entry] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const { dtype, shape, begin, end } = readEntry(name, entry);
      const width = elementBytes.get(dtype);
      if (width === undefined) throw new WeightsError(["the tensor " + name + " has the unknown dtype " + dtype]);
      const size = shape.reduce((product, length) => product * length, 1);
      if (end - begin !== size * width)
        throw new WeightsError(["the tensor " + name + " needs " + size * width + " bytes, its offsets span " + (end - begin)]);
      if (end > space)
        throw new WeightsError(["the file is cut off: " + name + " ends at byte " + end + " of " + space]);
      tensors.set(name, storedTensor(dtype, bytes.subarray(start + begin, start + end), shape, size));
    }
    return tensors;
  }

  /** A tensor in the memory of its file. Its elements are made when they are asked for: a model keeps those that it makes. */
  function storedTensor(dtype«: string», bytes«: Uint8Array», shape«: readonly number[]», size«: number»)«: Tensor» {
    let made«: Float32Array | Int32Array | undefined»;
    const read = () => made ?? readElements(dtype, bytes, size);
    const tensor = { shape, get data() { return (made ??= read()); } };
    storedAs.set(tensor, { isFloat: dtype.includes("F"), size, read, bytes });
    return tensor;
  }

  /** Bytes, also those that another realm made, such as a page's frame: instanceof does not know them. */
  function bytesOf(file«: Uint8Array | ArrayBuffer»)«: Uint8Array» {
    if (file instanceof Uint8Array) return file;
    if (ArrayBuffer.isView(file)) return new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
    if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(file))) return new Uint8Array(file);
    const what = Array.isArray(file) ? "an array; of several files each is read by itself" : typeof file;
    throw new WeightsError(["expected the bytes of a safetensors file, as Uint8Array or ArrayBuffer, got " + what]);
  }

  const elementBytes = new Map«<string, number>»([
    ["F64", 8], ["F32", 4], ["F16", 2], ["BF16", 2], ["I64", 8], ["I32", 4], ["U32", 4], ["I16", 2], ["I8", 1], ["U8", 1], ["BOOL", 1],
  ]);

  function readHeader(bytes«: Uint8Array»)«: { header: object; start: number }» {
    if (bytes.length < 8) throw new WeightsError(["not a safetensors file: it has " + bytes.length + " bytes"]);
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
    if (length > bytes.length - 8)
      throw new WeightsError(["not a safetensors file, or cut off: the header says " + length + " bytes, there are " + (bytes.length - 8)]);
    let header«: unknown»;
    try {
      header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
    } catch {
      throw new WeightsError(["the header of the safetensors file is not JSON"]);
    }
    if (typeof header !== "object" || header === null || Array.isArray(header))
      throw new WeightsError(["the header of the safetensors file is not an object"]);
    return { header, start: 8 + length };
  }

  const isSize = (value«: unknown»)«: value is number» => Number.isSafeInteger(value) && value« as number» >= 0;

  function readEntry(name«: string», entry«: unknown»)«: { dtype: string; shape: number[]; begin: number; end: number }» {
    const { dtype, shape, data_offsets: offsets } = (entry ?? {})« as Record<string, unknown>»;
    const isShape = Array.isArray(shape) && shape.every(isSize);
    const isRange = Array.isArray(offsets) && offsets.length === 2 && offsets.every(isSize) && offsets[0] <= offsets[1];
    if (typeof dtype !== "string" || !isShape || !isRange)
      throw new WeightsError(["the header's entry of " + name + " has no dtype, shape and data_offsets"]);
    return { dtype, shape, begin: offsets[0], end: offsets[1] };
  }

  /** Elements of any byte order and alignment; the file is little-endian. */
  function readElements(dtype«: string», bytes«: Uint8Array», size«: number»)«: Float32Array | Int32Array» {
    const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
    if (dtype === "F32" && littleEndian && bytes.byteOffset % 4 === 0)
      return new Float32Array(bytes.buffer, bytes.byteOffset, size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const all = «<N extends Float32Array | Int32Array>»(into«: N», read«: (at: number) => number»)«: N» => {
      for (let i = 0; i < size; i++) into[i] = read(i);
      return into;
    };
    switch (dtype) {
      case "F64":
        return all(new Float32Array(size), (i) => view.getFloat64(8 * i, true));
      case "F32":
        return all(new Float32Array(size), (i) => view.getFloat32(4 * i, true));
      case "F16":
        return all(new Float32Array(size), (i) => halfToNumber(view.getUint16(2 * i, true)));
      case "BF16": {
        // bfloat16 is the upper half of a float32.
        const words = new Uint32Array(size);
        for (let i = 0; i < size; i++) words[i] = view.getUint16(2 * i, true) << 16;
        return new Float32Array(words.buffer);
      }
      case "I64":
        return all(new Int32Array(size), (i) => Number(view.getBigInt64(8 * i, true)));
      case "I32":
        return all(new Int32Array(size), (i) => view.getInt32(4 * i, true));
      case "U32":
        return all(new Int32Array(size), (i) => view.getUint32(4 * i, true));
      case "I16":
        return all(new Int32Array(size), (i) => view.getInt16(2 * i, true));
      case "I8":
        return all(new Int32Array(size), (i) => view.getInt8(i));
      default:
        return all(new Int32Array(size), (i) => view.getUint8(i));
    }
  }

  function halfToNumber(bits«: number»)«: number» {
    const sign = bits >> 15 === 0 ? 1 : -1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
`,
};

/** What reads weights from a file. */
export const safetensorsRuntime = (program: ProgramPlan): Piece => ({
  declares: ["loadSafetensors", ...readerRuntime.declares],
  code: [...loadRuntime(program), "", ...readerRuntime.code],
});
