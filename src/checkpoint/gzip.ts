import { Gunzip } from "fflate";
import { crc32 } from "./crc32.ts";
import { Problem } from "./problem.ts";
import { SLICE, Unpacking, type ReadStatedSize } from "./unpacking.ts";

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * The bytes in a gzip file (RFC 1952), of all its members one after the other, as `cat a.gz b.gz` leaves them; a file
 * that is none comes back as it is. Unpacking ends where more comes out than `stated` finds in the file's own header, or
 * than a file of that size may hold.
 */
export function gunzipIfPacked(
  bytes: Uint8Array,
  name: string,
  stated?: ReadStatedSize,
): Uint8Array | Problem {
  if (!isGzip(bytes)) return bytes;
  if (bytes.length < MIN_MEMBER) return damaged(name);
  const unpacking = new Unpacking(name, bytes.length, stated);
  const members: Member[] = [{ start: 0, length: 0, crc: 0 }];
  const stream = new Gunzip((chunk) => {
    const member = members.at(-1)!;
    member.length += chunk.length;
    member.crc = crc32(chunk, member.crc);
    if (!unpacking.add(chunk)) throw new Error("enough");
  });
  stream.onmember = (start) => members.push({ start, length: 0, crc: 0 });
  try {
    for (let at = 0; at < bytes.length; at += SLICE)
      stream.push(bytes.subarray(at, at + SLICE), at + SLICE >= bytes.length);
  } catch {
    return unpacking.problem ?? damaged(name);
  }
  const areWhole = members.every((member, index) =>
    isWhole(member, bytes, members[index + 1]?.start ?? bytes.length),
  );
  return areWhole ? unpacking.bytes() : damaged(name);
}

/** A header of 10 bytes, an empty block of 2, and the trailer of 8 with checksum and size. */
const MIN_MEMBER = 20;

/** What came out of one member. */
interface Member {
  readonly start: number;
  length: number;
  crc: number;
}

/** Whether a member is what its trailer says, which the library does not look at. */
function isWhole({ start, length, crc }: Member, bytes: Uint8Array, end: number): boolean {
  if (end - start < MIN_MEMBER) return false;
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + end - 8, 8);
  return length % 2 ** 32 === trailer.getUint32(4, true) && crc === trailer.getUint32(0, true);
}

const damaged = (name: string): Problem =>
  new Problem("E717", `${name}: expected a gzip file, but it is damaged`);
