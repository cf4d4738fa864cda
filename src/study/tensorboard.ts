import { joinBytes } from "../support/bytes.ts";

/** Of CRC-32C (Castagnoli), bit-reversed, as RFC 3720 has it. */
const POLYNOMIAL = 0x82f63b78;

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let rest = index;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest >>> 0;
});

/** CRC-32C of bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 255]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** As TFRecord files have it (tensorflow/core/lib/hash/crc32c.h): turned by 15 bits, so that a checksum of data with checksums is none. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** What was measured at a step. */
export interface ScalarRow {
  readonly step: number;
  /** Since the run began, in seconds. */
  readonly seconds: number;
  readonly values: Readonly<Record<string, number>>;
}

/** An event file of TensorBoard with scalars (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto). */
export const eventFile = (rows: readonly ScalarRow[]): Uint8Array =>
  joinBytes([
    record(joinBytes([double(1, 0), text(3, "brain.Event:2")])),
    ...rows.map(({ step, seconds, values }) =>
      record(
        joinBytes([
          double(1, seconds),
          number(2, step),
          message(
            5,
            joinBytes(
              Object.entries(values).map(([tag, value]) =>
                message(1, joinBytes([text(1, tag), float(2, value)])),
              ),
            ),
          ),
        ]),
      ),
    ),
  ]);

/** Length, its checksum, data, its checksum; little-endian. */
function record(data: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(12));
  head.setBigUint64(0, BigInt(data.length), true);
  head.setUint32(8, masked(new Uint8Array(head.buffer, 0, 8)), true);
  const tail = new DataView(new ArrayBuffer(4));
  tail.setUint32(0, masked(data), true);
  return joinBytes([new Uint8Array(head.buffer), data, new Uint8Array(tail.buffer)]);
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...bytes, rest]);
}

/** Kinds of fields as protocol buffers number them. */
const kinds = { varint: 0, double: 1, bytes: 2, float: 5 } as const;

const field = (tag: number, kind: number, content: Uint8Array): Uint8Array =>
  joinBytes([varint(tag * 8 + kind), content]);

const number = (tag: number, value: number): Uint8Array => field(tag, kinds.varint, varint(value));
const message = (tag: number, content: Uint8Array): Uint8Array =>
  field(tag, kinds.bytes, joinBytes([varint(content.length), content]));
const text = (tag: number, content: string): Uint8Array => message(tag, new TextEncoder().encode(content));

function double(tag: number, value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return field(tag, kinds.double, new Uint8Array(view.buffer));
}

function float(tag: number, value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  return field(tag, kinds.float, new Uint8Array(view.buffer));
}
