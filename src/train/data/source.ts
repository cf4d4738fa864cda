import { gunzipIfPacked } from "../../checkpoint/gzip.ts";
import { isIdx, readIdx } from "../../checkpoint/idx.ts";
import { decodeUtf8 } from "../../checkpoint/json.ts";
import { readStoredNpy } from "../../checkpoint/npy.ts";
import { readStoredNpz } from "../../checkpoint/npz.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { readSafetensors } from "../../checkpoint/safetensors.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";

/** A file that is given as data, read whole. */
export interface DataSource {
  /** What messages call it; its end may tell what it is: `images.idx.gz`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The input or target that it feeds, from `image=images.idx.gz`; undefined: whatever fits. */
  readonly feeds?: string | undefined;
}

type Format = "idx" | "npy" | "npz" | "safetensors" | "text";

/** By the end of its name (`.gz` behind it or not), else by how it begins. */
function formatOf(name: string, bytes: Uint8Array): Format {
  const ending = /\.(idx|npy|npz|safetensors|txt)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  if (ending !== undefined) return ending === "txt" ? "text" : (ending as Format);
  if (isIdx(bytes)) return "idx";
  if (bytes[0] === 0x93 && bytes[1] === 0x4e) return "npy";
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 ? "npz" : "text";
}

/** Whether it is a text that feeds tokens, and no array. */
export function isText(source: DataSource): boolean {
  const plain = unpacked(source);
  return !(plain instanceof Problem) && formatOf(plain.name, plain.bytes) === "text";
}

/** The source with what its gzip file holds, so that it is unpacked once. */
export function unpacked(source: DataSource): DataSource | Problem {
  const bytes = gunzipIfPacked(source.bytes, source.name);
  return bytes instanceof Problem ? bytes : { ...source, bytes };
}

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
