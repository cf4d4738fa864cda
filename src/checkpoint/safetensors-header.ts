import { dtypeBytes, dtypes, isDtype, type Dtype } from "../tensor/dtype.ts";
import {
  decodeUtf8,
  isJsonObject,
  ownValue,
  parseJsonObject,
  type JsonObject,
  type JsonValue,
} from "./json.ts";
import { Problem, quote, showJson, showSizes } from "./problem.ts";
import type { StatedSize } from "./unpacking.ts";

/** Where a tensor stands in a safetensors file; offsets in bytes from the start of the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  /** Its bytes are of this dtype, and u8 only as they lie. */
  readonly scaled?: ScaledDtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/**
 * Dtypes of 8 bits that are numbers of a model only together with scales: E4M3 (OCP 8-bit Floating Point Specification), and E8M0,
 * the powers of two that are such scales (OCP Microscaling Formats).
 */
export type ScaledDtype = "F8_E4M3" | "F8_E8M0";

const isScaled = (word: string): word is ScaledDtype => word === "F8_E4M3" || word === "F8_E8M0";

/** Whether a header may have such dtypes: what reads them must know of scales. */
export interface HeaderOptions {
  readonly takesScaled?: boolean;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes in front of the header: its length, 64 bits, little endian. */
export const LENGTH_BYTES = 8;

/** The limit of the reference implementation (MAX_HEADER_SIZE in huggingface/safetensors), in bytes. */
const MAX_HEADER = 100_000_000;

/** The length of the header in bytes, from the first eight bytes of a file of `fileSize` bytes. */
export function readHeaderLength(first: Uint8Array, fileSize: number, name: string): number | Problem {
  if (fileSize < LENGTH_BYTES || first.length < LENGTH_BYTES)
    return new Problem(
      "E701",
      `${name}: expected a safetensors file, which has at least 8 bytes, found ${fileSize}`,
    );
  const length = new DataView(first.buffer, first.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER))
    return new Problem(
      "E702",
      `${name}: the header claims ${length.toString()} bytes; the limit is ${MAX_HEADER}`,
      new TextDecoder().decode(first) === "version "
        ? "this is a pointer of Git LFS; `git lfs pull` fetches the file itself"
        : "is this a safetensors file?",
    );
  if (Number(length) > fileSize - LENGTH_BYTES)
    return new Problem(
      "E701",
      `${name}: the file is truncated: the header has ${length.toString()} bytes, but only ${fileSize - LENGTH_BYTES} follow`,
    );
  return Number(length);
}

/**
 * Parses and checks a header: every tensor's offsets fit its dtype and shape, and the tensors cover the data part of
 * the file exactly, as the format's specification asks.
 */
export function parseHeader(
  header: Uint8Array,
  fileSize: number,
  name: string,
  options: HeaderOptions = {},
): SafetensorsHeader | Problem {
  const read = readEntries(header, name, options);
  if (read instanceof Problem) return read;
  return checkCover(read.entries, LENGTH_BYTES + header.length, fileSize, name) ?? read;
}

/** The size of a safetensors file by its beginning: the end of its last tensor. */
export function statedSafetensorsSize(start: Uint8Array, name: string): StatedSize | Problem {
  const length = readHeaderLength(start.subarray(0, LENGTH_BYTES), Infinity, name);
  if (length instanceof Problem) return length;
  const dataStart = LENGTH_BYTES + length;
  if (start.length < dataStart) return { needs: dataStart };
  const header = readEntries(start.subarray(LENGTH_BYTES, dataStart), name);
  return header instanceof Problem ? header : { total: header.entries.at(-1)?.end ?? dataStart };
}

/** The tensors of a header in the order of their bytes, each checked by itself. */
function readEntries(
  header: Uint8Array,
  name: string,
  options: HeaderOptions = {},
): SafetensorsHeader | Problem {
  const text = decodeUtf8(header, name);
  if (text instanceof Problem) return text;
  const object = parseJsonObject(text, name);
  if (object instanceof Problem) return object;
  const dataStart = LENGTH_BYTES + header.length;
  const metadata = new Map<string, string>();
  const entries: TensorEntry[] = [];
  for (const key of Object.keys(object)) {
    const value = ownValue(object, key);
    const problem =
      key === "__metadata__"
        ? addMetadata(metadata, value, name)
        : addEntry(entries, key, value, dataStart, name, options);
    if (problem !== undefined) return problem;
  }
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  return { entries, metadata };
}

function addMetadata(
  metadata: Map<string, string>,
  value: JsonValue | undefined,
  name: string,
): Problem | undefined {
  if (!isJsonObject(value))
    return new Problem(
      "E704",
      `${name}: \`__metadata__\` must be an object of texts, found ${showJson(value)}`,
    );
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string")
      return new Problem(
        "E704",
        `${name}: \`__metadata__\` must hold texts, but ${quote(key)} is ${showJson(text)}`,
      );
    metadata.set(key, text);
  }
  return undefined;
}

function addEntry(
  entries: TensorEntry[],
  key: string,
  value: JsonValue | undefined,
  dataStart: number,
  name: string,
  options: HeaderOptions,
): Problem | undefined {
  const tensor = `${name}: tensor ${quote(key)}`;
  if (!isJsonObject(value))
    return new Problem(
      "E704",
      `${tensor} must be an object with dtype, shape and data_offsets, found ${showJson(value)}`,
    );
  const kind = readDtype(ownValue(value, "dtype"), tensor, options);
  if (kind instanceof Problem) return kind;
  const { dtype } = kind;
  const shape = readSizes(ownValue(value, "shape"), "shape", tensor);
  if (shape instanceof Problem) return shape;
  const offsets = readOffsets(value, tensor);
  if (offsets instanceof Problem) return offsets;
  const [start, end] = offsets;
  const expected = shape.reduce((product, size) => product * size, 1) * dtypeBytes[dtype];
  if (!Number.isSafeInteger(expected))
    return new Problem(
      "E704",
      `${tensor} has the shape ${showSizes(shape)}, which is too large for any file`,
    );
  if (expected !== end - start)
    return new Problem(
      "E707",
      `${tensor}: ${dtype}${showSizes(shape)} takes ${expected} bytes, but its data_offsets span ${end - start}`,
    );
  entries.push({ name: key, ...kind, shape, start: dataStart + start, end: dataStart + end });
  return undefined;
}

function readDtype(
  value: JsonValue | undefined,
  tensor: string,
  { takesScaled = false }: HeaderOptions,
): Pick<TensorEntry, "dtype" | "scaled"> | Problem {
  const word = typeof value === "string" ? value.toLowerCase() : "";
  if (typeof value === "string" && isDtype(word) && value === word.toUpperCase()) return { dtype: word };
  if (typeof value === "string" && takesScaled && isScaled(value)) return { dtype: "u8", scaled: value };
  const known = dtypes.map((dtype) => dtype.toUpperCase()).join(" ");
  return value === undefined
    ? new Problem("E704", `${tensor} has no dtype`)
    : new Problem("E705", `${tensor} has the dtype ${showJson(value)}; known are ${known}`);
}

function readSizes(value: JsonValue | undefined, field: string, tensor: string): readonly number[] | Problem {
  if (value === undefined) return new Problem("E704", `${tensor} has no ${field}`);
  if (Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0))
    return value as readonly number[];
  return new Problem(
    "E704",
    `${tensor}: ${field} must be a list of whole numbers from 0, found ${showJson(value)}`,
  );
}

function readOffsets(entry: JsonObject, tensor: string): readonly [number, number] | Problem {
  const offsets = readSizes(ownValue(entry, "data_offsets"), "data_offsets", tensor);
  if (offsets instanceof Problem) return offsets;
  const [start, end] = offsets;
  if (start !== undefined && end !== undefined && offsets.length === 2 && start <= end) return [start, end];
  return new Problem("E706", `${tensor}: data_offsets must be [begin, end], found ${showSizes(offsets)}`);
}

/** The tensors must follow each other without gap or overlap to the last byte. */
function checkCover(
  entries: readonly TensorEntry[],
  dataStart: number,
  fileSize: number,
  name: string,
): Problem | undefined {
  let covered = dataStart;
  let last = "";
  for (const { name: tensor, start, end } of entries) {
    if (start < covered)
      return new Problem("E706", `${name}: the bytes of ${quote(tensor)} overlap those of ${quote(last)}`);
    if (start > covered)
      return new Problem(
        "E706",
        `${name}: ${start - covered} bytes before ${quote(tensor)} belong to no tensor`,
      );
    if (end > fileSize)
      return new Problem(
        "E701",
        `${name}: the file is truncated: ${quote(tensor)} ends at byte ${end}, the file has ${fileSize}`,
      );
    [covered, last] = [end, tensor];
  }
  if (covered === fileSize) return undefined;
  return new Problem("E706", `${name}: the last ${fileSize - covered} bytes belong to no tensor`);
}
