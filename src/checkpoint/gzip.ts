import { Gunzip } from "fflate";
import { Problem } from "./problem.ts";

/** Deflate makes at most 1032 bytes of one (https://zlib.net/zlib_tech.html); a file that claims more is a trap. */
export const MAX_RATIO = 1032;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * The bytes in a gzip file (RFC 1952), of all its members one after the other, as `cat a.gz b.gz` leaves them; a file
 * that is none comes back as it is.
 */
export function gunzipIfPacked(bytes: Uint8Array, name: string): Uint8Array | Problem {
  if (!isGzip(bytes)) return bytes;
  const contents = bytes.length < MIN_MEMBER ? undefined : membersOf(bytes);
  return contents === undefined
    ? new Problem("E717", `${name}: expected a gzip file, but it is damaged`)
    : joined(contents);
}

/** What each member holds; undefined if one is damaged. */
function membersOf(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  const starts = [0];
  const chunks: Uint8Array[][] = [[]];
  const stream = new Gunzip((chunk) => chunks.at(-1)!.push(chunk));
  stream.onmember = (start) => {
    starts.push(start);
    chunks.push([]);
  };
  try {
    stream.push(bytes, true);
  } catch {
    return undefined;
  }
  const contents = chunks.map(joined);
  const isWhole = (content: Uint8Array, member: number): boolean => {
    const end = starts[member + 1] ?? bytes.length;
    const trailer = new DataView(bytes.buffer, bytes.byteOffset + end - 8, 8);
    return content.length === trailer.getUint32(4, true) && crc32(content) === trailer.getUint32(0, true);
  };
  return contents.every(isWhole) ? contents : undefined;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A header of 10 bytes, an empty block of 2, and the trailer of 8 with checksum and size. */
const MIN_MEMBER = 20;

/** The checksum of gzip (RFC 1952, section 8), which the library does not look at. */
function crc32(bytes: Uint8Array): number {
  const table = Int32Array.from({ length: 256 }, (_, index) => {
    let rest = index;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
    return rest;
  });
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}
