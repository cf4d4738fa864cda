import { gunzipSync } from "fflate";
import { Problem } from "./problem.ts";

/** Deflate makes at most 1032 bytes of one (https://zlib.net/zlib_tech.html); a file that claims more is a trap. */
export const MAX_RATIO = 1032;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The bytes in a gzip file (RFC 1952) of one member; a file that is none comes back as it is. */
export function gunzipIfPacked(bytes: Uint8Array, name: string): Uint8Array | Problem {
  if (!isGzip(bytes)) return bytes;
  const damaged = new Problem("E717", `${name}: expected a gzip file, but it is damaged`);
  if (bytes.length < MIN_MEMBER) return damaged;
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8);
  const size = trailer.getUint32(4, true);
  if (size > bytes.length * MAX_RATIO) return damaged;
  try {
    const content = gunzipSync(bytes);
    return content.length === size && crc32(content) === trailer.getUint32(0, true) ? content : damaged;
  } catch {
    return damaged;
  }
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
