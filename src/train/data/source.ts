import { recognize, RECOGNIZED_BY } from "../../checkpoint/formats.ts";
import { gunzipIfPacked } from "../../checkpoint/gzip.ts";
import { readIdx, statedIdxSize } from "../../checkpoint/idx.ts";
import { decodeUtf8 } from "../../checkpoint/json.ts";
import { readStoredNpy, statedNpySize } from "../../checkpoint/npy.ts";
import { readStoredNpz } from "../../checkpoint/npz.ts";
import { misplaced, places } from "../../checkpoint/places.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { statedSafetensorsSize } from "../../checkpoint/safetensors-header.ts";
import { readSafetensors } from "../../checkpoint/safetensors.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { StatedSize } from "../../checkpoint/unpacking.ts";

/** A file that is given as data, read whole. */
export interface DataSource {
  /** What messages call it; its end may tell what it is: `images.idx.gz`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The input or target that it feeds, from `image=images.idx.gz`; undefined: whatever fits. */
  readonly feeds?: string | undefined;
}

/** Formats that hold arrays. */
const arrayFormats = ["idx", "npy", "npz", "safetensors"] as const;

type ArrayFormat = (typeof arrayFormats)[number];

/** By how a file begins; what is not recognized by the end of its name (`.gz` behind it or not). */
function formatOf(name: string, bytes: Uint8Array): ArrayFormat | "text" {
  const ending = /\.(idx|npy|npz|safetensors|txt)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  const found = recognize(bytes.subarray(0, RECOGNIZED_BY)) ?? ending;
  return arrayFormats.find((format) => format === found) ?? "text";
}

/** Whether it is a text that feeds tokens, and no array. */
export function isText(source: DataSource): boolean {
  const plain = unpacked(source);
  return !(plain instanceof Problem) && formatOf(plain.name, plain.bytes) === "text";
}

/** The source with what its gzip file holds, so that it is unpacked once; refused if that is neither text nor arrays. */
export function unpacked(source: DataSource): DataSource | Problem {
  const { name } = source;
  const bytes = gunzipIfPacked(source.bytes, name, (start) => statedSize(start, name));
  if (bytes instanceof Problem) return bytes;
  return misplaced(bytes.subarray(0, RECOGNIZED_BY), places.data, name) ?? { ...source, bytes };
}

/** What a file says of its size where it begins; texts and archives say nothing. */
function statedSize(start: Uint8Array, name: string): StatedSize | Problem | undefined {
  if (start.length < RECOGNIZED_FROM) return { needs: RECOGNIZED_FROM };
  switch (recognize(start)) {
    case "npy":
      return statedNpySize(start, name);
    case "idx":
      return statedIdxSize(start);
    case "safetensors":
      return statedSafetensorsSize(start, name);
    default:
      return undefined;
  }
}

/** These three are recognized by so many bytes. */
const RECOGNIZED_FROM = 9;

/** The text of a UTF-8 file, also of one in gzip. A byte order mark says how it is encoded, and is no part of it. */
export function textOf(source: DataSource): string | Problem {
  const plain = unpacked(source);
  if (plain instanceof Problem) return plain;
  const text = decodeUtf8(plain.bytes, source.name);
  if (text instanceof Problem)
    return text.code === "E703" ? new Problem(text.code, text.message, encodingHelp(plain.bytes)) : text;
  const content = text.startsWith("\ufeff") ? text.slice(1) : text;
  return content.length > 0 ? content : new Problem("E751", `${source.name}: the text is empty`);
}

function encodingHelp([first, second]: Uint8Array): string {
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return `\`iconv -f ${isUtf16 ? "utf-16" : "ENCODING"} -t utf-8\` writes a text in UTF-8`;
}

/** What a file holds: a text, one array, or arrays by name. */
export type Content = "text" | StoredTensor | ReadonlyMap<string, StoredTensor>;

/** The arrays of a file of any format that has some, also in gzip; `text` for other files, which are not read. */
export function contentOf(source: DataSource): Content | Problem {
  const plain = unpacked(source);
  if (plain instanceof Problem) return plain;
  const { name, bytes } = plain;
  const format = formatOf(name, bytes);
  switch (format) {
    case "text":
      return format;
    case "idx":
      return readIdx(bytes, name);
    case "npy":
      return readStoredNpy(bytes, name);
    case "npz":
      return readStoredNpz(bytes, name);
    case "safetensors": {
      const file = readSafetensors(bytes, name);
      return file instanceof Problem ? file : file.tensors;
    }
  }
}
