import { Inflate } from "fflate";
import { crc32 } from "./crc32.ts";
import { allocate } from "./limits.ts";
import { Problem } from "./problem.ts";
import { SLICE } from "./unpacking.ts";

/** A file of a zip archive, as the archive's directory says. */
export interface ZipEntry {
  readonly name: string;
  /** 0 is stored, 8 deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly packed: number;
  readonly size: number;
  readonly crc: number;
  readonly start: number;
}

/** The records of APPNOTE.TXT: 4.3.7 local header, 4.3.12 directory entry, 4.3.16 end of directory. */
const LOCAL = 0x04034b50;
const ENTRY = 0x02014b50;
const END = 0x06054b50;
const LOCAL_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
const MAX_COMMENT = 0xffff;

/** The directory of a zip archive of less than 4 GB; undefined if it is damaged. */
export function readZipDirectory(bytes: Uint8Array): readonly ZipEntry[] | undefined {
  const view = viewOf(bytes);
  const end = findEnd(view);
  if (end === undefined) return undefined;
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const entries: ZipEntry[] = [];
  // More than 65,534 entries are counted elsewhere: they end where the directory ends.
  for (let index = 0; index < count || (count === MAX_COMMENT && at < end); index++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY) break;
    const next =
      at +
      ENTRY_BYTES +
      view.getUint16(at + 28, true) +
      view.getUint16(at + 30, true) +
      view.getUint16(at + 32, true);
    if (next > end) return undefined;
    entries.push(readEntry(bytes, view, at));
    at = next;
  }
  return count === MAX_COMMENT || entries.length === count ? entries : undefined;
}

function readEntry(bytes: Uint8Array, view: DataView, at: number): ZipEntry {
  const name = bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + view.getUint16(at + 28, true));
  return {
    name: new TextDecoder().decode(name),
    method: view.getUint16(at + 10, true),
    encrypted: (view.getUint16(at + 8, true) & 1) === 1,
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    crc: view.getUint32(at + 16, true),
    start: view.getUint32(at + 42, true),
  };
}

/** The last record, behind which a comment may stand. */
function findEnd(view: DataView): number | undefined {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT); at--)
    if (
      view.getUint32(at, true) === END &&
      at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength
    )
      return at;
  return undefined;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/**
 * What an entry holds: exactly the bytes that the directory says, with their checksum; undefined if it is damaged. Nothing
 * beyond its size is unpacked, but the size itself is for the caller to check.
 */
export function unzipEntry(
  bytes: Uint8Array,
  entry: ZipEntry,
  name: string,
): Uint8Array | Problem | undefined {
  const view = viewOf(bytes);
  const { start, packed } = entry;
  if (start + LOCAL_BYTES > bytes.length || view.getUint32(start, true) !== LOCAL) return undefined;
  const from = start + LOCAL_BYTES + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
  if (from + packed > bytes.length) return undefined;
  const stored = bytes.subarray(from, from + packed);
  const content = entry.method === 0 ? stored : inflated(stored, entry.size, name);
  if (content === undefined || content instanceof Problem) return content;
  return content.length === entry.size && crc32(content) === entry.crc ? content : undefined;
}

function inflated(packed: Uint8Array, size: number, name: string): Uint8Array | Problem | undefined {
  const content = allocate(size, name);
  if (content instanceof Problem) return content;
  let filled = 0;
  const stream = new Inflate((chunk) => {
    if (filled + chunk.length > size) throw new Error("enough");
    content.set(chunk, filled);
    filled += chunk.length;
  });
  try {
    for (let at = 0; at < packed.length; at += SLICE)
      stream.push(packed.subarray(at, at + SLICE), at + SLICE >= packed.length);
  } catch {
    return undefined;
  }
  return content.subarray(0, filled);
}
