import { quote } from "../problem.ts";
import type { Cursor } from "./cursor.ts";
import { TextList } from "./text-list.ts";

/** A value of a GGUF file's metadata. Whole numbers beyond 2⁵³ are big; texts of lists are decoded when they are read. */
export type MetadataValue =
  number | bigint | boolean | string | TextList | NumberList | readonly MetadataValue[];

/** Numbers of a list, as the file has them; those of 64 bits and truths are values of their own. */
export type NumberList =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

export type Metadata = ReadonlyMap<string, MetadataValue>;

interface ValueType {
  readonly name: string;
  /** Fewest bytes that a value takes. */
  readonly bytes: number;
  /** Values of a fixed size. */
  readonly read?: (view: DataView, at: number) => number | bigint | boolean;
  /** What a list of them is. */
  readonly List?: new (bytes: ArrayBuffer) => NumberList;
}

const narrow = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;

/** The 13 types of values, by their number (gguf.md, `gguf_metadata_value_type`). */
const valueTypes: readonly ValueType[] = [
  { name: "u8", bytes: 1, read: (view, at) => view.getUint8(at), List: Uint8Array },
  { name: "i8", bytes: 1, read: (view, at) => view.getInt8(at), List: Int8Array },
  { name: "u16", bytes: 2, read: (view, at) => view.getUint16(at, true), List: Uint16Array },
  { name: "i16", bytes: 2, read: (view, at) => view.getInt16(at, true), List: Int16Array },
  { name: "u32", bytes: 4, read: (view, at) => view.getUint32(at, true), List: Uint32Array },
  { name: "i32", bytes: 4, read: (view, at) => view.getInt32(at, true), List: Int32Array },
  {
    name: "f32",
    bytes: 4,
    read: (view, at) => shortestDecimal(view.getFloat32(at, true)),
    List: Float32Array,
  },
  { name: "bool", bytes: 1, read: (view, at) => view.getUint8(at) !== 0 },
  { name: "text", bytes: 8 },
  { name: "list", bytes: 12 },
  { name: "u64", bytes: 8, read: (view, at) => narrow(view.getBigUint64(at, true)) },
  { name: "i64", bytes: 8, read: (view, at) => narrow(view.getBigInt64(at, true)) },
  { name: "f64", bytes: 8, read: (view, at) => view.getFloat64(at, true), List: Float64Array },
];

const [TEXT, LIST] = [8, 9];

/** Lists in lists in lists are as deep as any writer goes. */
const MOST_NESTED = 3;

/** The value of a key, at the cursor: its type, then itself. */
export function readMetadataValue(cursor: Cursor, key: string): MetadataValue {
  const type = cursor.u32(`the type of ${quote(key)}`);
  return readValue(cursor, type, key, 0);
}

function readValue(cursor: Cursor, number: number, key: string, depth: number): MetadataValue {
  const type = valueType(cursor, number, key);
  if (number === TEXT) return cursor.text(quote(key));
  if (number === LIST) return readList(cursor, key, depth);
  return type.read!(cursor.view(type.bytes, quote(key)), 0);
}

function valueType(cursor: Cursor, number: number, key: string): ValueType {
  const type = valueTypes[number];
  return type ?? cursor.refuse("E731", `${quote(key)} has the type ${number}; types of values are 0 to 12`);
}

function readList(cursor: Cursor, key: string, depth: number): MetadataValue {
  if (depth === MOST_NESTED)
    return cursor.refuse("E731", `the lists of ${quote(key)} nest more than ${MOST_NESTED} deep`);
  const number = cursor.u32(`the type of what ${quote(key)} lists`);
  const type = valueType(cursor, number, key);
  const count = cursor.count(`the length of the list ${quote(key)}`, type.bytes);
  if (number === TEXT) return readTexts(cursor, count, key);
  if (number === LIST) return Array.from({ length: count }, () => readList(cursor, key, depth + 1));
  const { List, bytes, read } = type;
  const view = cursor.view(count * bytes, quote(key));
  return List === undefined
    ? Array.from({ length: count }, (_, index) => read!(view, index * bytes))
    : new List((view.buffer as ArrayBuffer).slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** Bytes of a text's length, in front of it. */
const LENGTH = 8;

function readTexts(cursor: Cursor, count: number, key: string): TextList {
  const begin = cursor.at;
  const what = quote(key);
  // The list grows with what is there: what a file claims takes no memory.
  let ends = new Uint32Array(Math.min(count, 1024));
  for (let index = 0; index < count; index++) {
    cursor.skipText(what);
    if (index === ends.length) {
      const more = new Uint32Array(Math.min(count, 2 * index));
      more.set(ends);
      ends = more;
    }
    ends[index] = cursor.at - begin;
  }
  return new TextList(cursor.copy(begin), ends, LENGTH);
}

/** The decimal of fewest digits that rounds to the same f32: 1e-6, not 9.999999974752427e-7. */
export function shortestDecimal(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    // Also for -0, of which no digits tell.
    if (Math.fround(shorter) === value) return value === 0 ? value : shorter;
  }
  return value;
}
