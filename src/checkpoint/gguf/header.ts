import { listWords } from "../../support/text.ts";
import { Problem, ProblemError, quote, showSizes } from "../problem.ts";
import { Cursor, MAX_HEADER, NeedsMore, type ReadFurther } from "./cursor.ts";
import { readMetadataValue, type Metadata, type MetadataValue } from "./metadata.ts";
import { ggufTypes, readTypes, type GgufType } from "./types.ts";

/** Where a tensor stands in a GGUF file; offsets in bytes from the start of the file. */
export interface GgufEntry {
  readonly name: string;
  readonly type: GgufType;
  /** Outermost axis first, as everywhere here; the file has them the other way round. */
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface GgufHeader {
  readonly metadata: Metadata;
  readonly entries: readonly GgufEntry[];
}

/** That more of the file's beginning must be at hand: so many bytes at least. */
export interface More {
  readonly needs: number;
}

/** `GGML_MAX_DIMS`. */
const MAX_AXES = 4;

/** `GGUF`, as a number. */
const MAGIC = 0x46554747;

/** What tensors begin at multiples of, in bytes, if the file does not say. */
const ALIGNMENT = 32;

/**
 * The header of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) of `fileSize` bytes, by its
 * beginning: metadata, and where each tensor stands; or how many bytes must be at hand to say it; or what is wrong. `further`
 * gives more of the beginning where that can be read. Takes memory for what is there only, whatever the file claims.
 */
export function parseGgufHeader(
  start: Uint8Array,
  fileSize: number,
  name: string,
  further?: ReadFurther,
): GgufHeader | More | Problem {
  try {
    return readHeader(new Cursor(start, fileSize, name, further), fileSize);
  } catch (error) {
    if (error instanceof ProblemError) return error.problems[0]!;
    if (!(error instanceof NeedsMore)) throw error;
    return error.needs <= MAX_HEADER
      ? { needs: error.needs }
      : new Problem("E731", `${name}: the header goes on to byte ${error.needs}; the limit is ${MAX_HEADER}`);
  }
}

function readHeader(cursor: Cursor, fileSize: number): GgufHeader {
  requireVersion(cursor);
  const tensors = cursor.count("the number of tensors", LEAST_TENSOR);
  const keys = cursor.count("the number of keys", LEAST_KEY);
  const metadata = new Map<string, MetadataValue>();
  for (let index = 0; index < keys; index++) {
    const key = cursor.text(`the name of key ${index}`);
    if (metadata.has(key)) cursor.refuse("E731", `the key ${quote(key)} stands twice`);
    metadata.set(key, readMetadataValue(cursor, key));
  }
  const alignment = alignmentOf(metadata, cursor);
  const infos = Array.from({ length: tensors }, (_, index) => readInfo(cursor, index, alignment));
  const dataStart = Math.ceil(cursor.at / alignment) * alignment;
  const entries = infos.map((info) => placeOf(info, dataStart, fileSize, cursor));
  requireApart(entries, cursor);
  return { metadata, entries };
}

/** A name of no bytes, no axes, a type and an offset; a name of no bytes, a type and a byte. */
const [LEAST_TENSOR, LEAST_KEY] = [24, 13];

function requireVersion(cursor: Cursor): void {
  const magic = cursor.u32("the magic");
  if (magic !== MAGIC) cursor.refuse("E732", "this is no GGUF file: it does not begin with `GGUF`");
  const version = cursor.u32("the version");
  if (version === 2 || version === 3) return;
  const swapped =
    ((version & 0xff) << 24) | ((version & 0xff00) << 8) | ((version >>> 8) & 0xff00) | (version >>> 24);
  if (swapped === 2 || swapped === 3)
    cursor.refuse(
      "E732",
      "the file is big-endian, and only little-endian GGUF is read",
      "`gguf-convert-endian FILE little` of the Python package gguf turns it round",
    );
  cursor.refuse(
    "E732",
    `GGUF of version ${version}; versions 2 and 3 are read`,
    version === 1
      ? "convert the model again: `convert_hf_to_gguf.py` of llama.cpp writes version 3"
      : undefined,
  );
}

function alignmentOf(metadata: Metadata, cursor: Cursor): number {
  const alignment = metadata.get("general.alignment") ?? ALIGNMENT;
  const isPower = typeof alignment === "number" && alignment > 0 && Number.isInteger(Math.log2(alignment));
  return isPower && alignment <= 2 ** 20
    ? alignment
    : cursor.refuse("E731", `\`general.alignment\` must be a power of 2, found ${showValue(alignment)}`);
}

/** A value as a message shows it, short whatever its size. */
export function showValue(value: MetadataValue | undefined): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return quote(value);
  return typeof value === "object" ? `a list of ${value.length}` : String(value);
}

interface Info extends Pick<GgufEntry, "name" | "type" | "shape"> {
  readonly offset: number;
  readonly bytes: number;
}

/** What stands of a tensor in the header, and that it can be. */
function readInfo(cursor: Cursor, index: number, alignment: number): Info {
  const name = cursor.text(`the name of tensor ${index}`);
  const refuse = (problem: string, help?: string): never =>
    cursor.refuse("E733", `${quote(name)} ${problem}`, help);
  const axes = cursor.u32(`the number of axes of ${quote(name)}`);
  if (axes > MAX_AXES) refuse(`has ${axes} axes; a tensor has at most ${MAX_AXES}`);
  const sizes = Array.from({ length: axes }, (_, axis) =>
    Number(cursor.u64(`axis ${axis} of ${quote(name)}`)),
  );
  const number = cursor.u32(`the type of ${quote(name)}`);
  const offset = Number(cursor.u64(`the offset of ${quote(name)}`));
  const type = ggufTypes.get(number);
  const shape = sizes.toReversed();
  if (type === undefined) return refuse(`has the type ${number}, which ggml does not have`);
  if (type.dtype === undefined && type.layout === undefined)
    return refuse(
      `is ${type.name}, which is not read`,
      `types that are read: ${listWords(readTypes)}; \`llama-quantize\` of llama.cpp makes such of the original`,
    );
  const width = sizes[0] ?? 1;
  if (width % type.elements !== 0)
    return refuse(`has rows of ${width} elements, and ${type.name} has blocks of ${type.elements}`);
  const bytes = sizes.reduce((product, size) => product * size, 1) * (type.bytes / type.elements);
  if (![bytes, ...sizes].every(Number.isSafeInteger)) return refuse(`claims a shape of ${showSizes(shape)}`);
  if (offset % alignment !== 0) return refuse(`begins at ${offset}, which is no multiple of ${alignment}`);
  return { name, type, shape, offset, bytes };
}

function placeOf(
  { name, type, shape, offset, bytes }: Info,
  dataStart: number,
  fileSize: number,
  cursor: Cursor,
): GgufEntry {
  const start = dataStart + offset;
  const end = start + bytes;
  if (end > fileSize)
    cursor.refuse(
      "E733",
      `${quote(name)} ${type.name}${showSizes(shape)} ends at byte ${end}, and the file at ${fileSize}`,
      "the file may be truncated: was it fetched whole?",
    );
  return { name, type, shape, start, end };
}

/** Every name once, and no byte of two tensors. */
function requireApart(entries: readonly GgufEntry[], cursor: Cursor): void {
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name)) cursor.refuse("E733", `${quote(name)} stands twice`);
    names.add(name);
  }
  const sorted = entries.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start);
  for (const [index, entry] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && next.start < entry.end)
      cursor.refuse(
        "E733",
        `${quote(next.name)} begins at byte ${next.start}, within ${quote(entry.name)}, which ends at ${entry.end}`,
      );
  }
}
