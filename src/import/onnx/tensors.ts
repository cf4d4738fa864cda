import type { Read } from "../../checkpoint/onnx/decode.ts";
import { elementTypes, EXTERNAL, type TensorProto } from "../../checkpoint/onnx/schema.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import { toStored, type StoredTensor } from "../../checkpoint/stored.ts";
import { dtypeBytes, isHalf, type Dtype } from "../../tensor/dtype.ts";
import { Unread } from "./unread.ts";

/** The bytes of a file beside the model, by its path from there. */
export type FindFile = (location: string) => Uint8Array | Problem;

const dtypes: ReadonlyMap<number, Dtype> = new Map(
  Object.entries(elementTypes).map(([dtype, type]) => [type, dtype as Dtype]),
);

/** The dtype of a number of TensorProto.DataType; throws Unread. */
export function dtypeOf(type: number | undefined, what: string): Dtype {
  const dtype = dtypes.get(type ?? 0);
  if (dtype === undefined) throw new Unread(`${what} is of the element type ${type ?? 0}, which lmg has not`);
  return dtype;
}

/** Elements of the largest tensor: what is larger no file of tensors holds. */
const MAX_ELEMENTS = 2 ** 40;

/** A tensor with its bytes, wherever they stand: in the model, in numbers of its own kind, or in a file beside it. Throws Unread. */
export function tensorOf(proto: Read<TensorProto>, find: FindFile): StoredTensor {
  const what = `the tensor ${quote(proto.name ?? "")}`;
  const dtype = dtypeOf(proto.dataType, what);
  const shape = proto.dims;
  const elements = shape.reduce((product, size) => product * size, 1);
  if (shape.some((size) => size < 0) || elements > MAX_ELEMENTS)
    throw new Unread(`${what} cannot be of shape [${shape.slice(0, 8).join(", ")}]`);
  const bytes =
    proto.dataLocation === EXTERNAL
      ? externalBytes(proto, find, what)
      : (proto.rawData ?? typedBytes(proto, dtype, elements, what));
  if (bytes.length !== elements * dtypeBytes[dtype])
    throw new Unread(`${what} of ${elements} × ${dtype} has ${bytes.length} bytes`);
  return { dtype, shape, bytes };
}

/** Numbers that stand one by one: halves as their bits, bool and small integers as integers. */
function typedBytes(proto: Read<TensorProto>, dtype: Dtype, elements: number, what: string): Uint8Array {
  const values =
    dtype === "f32"
      ? proto.floatData
      : dtype === "f64"
        ? proto.doubleData
        : dtype === "i64"
          ? proto.int64Data
          : proto.int32Data;
  if (values.length !== elements) throw new Unread(`${what} has ${values.length} of ${elements} elements`);
  if (isHalf(dtype)) {
    const bits = Uint16Array.from(values);
    return new Uint8Array(bits.buffer);
  }
  const data =
    dtype === "f32" || dtype === "f64" ? Float64Array.from(values) : Float64Array.from(values, Math.trunc);
  return toStored({ dtype, shape: [elements], data }).bytes;
}

function externalBytes(proto: Read<TensorProto>, find: FindFile, what: string): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value ?? ""]));
  const location = entries.get("location") ?? "";
  const isWithin = location !== "" && !/^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)/.test(location);
  if (!isWithin) throw new Unread(`${what} lies in ${quote(location)}, which is no file beside the model`);
  const file = find(location);
  if (file instanceof Problem) throw new Unread(`${what}: ${file.message}`);
  const [offset, length] = [Number(entries.get("offset") ?? 0), Number(entries.get("length") ?? file.length)];
  const areWhole = [offset, length].every((each) => Number.isSafeInteger(each) && each >= 0);
  if (!areWhole || offset + length > file.length)
    throw new Unread(`${what} lies beyond the end of ${quote(location)}`);
  return file.subarray(offset, offset + length);
}
