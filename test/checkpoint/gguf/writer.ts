/** A GGUF file made by hand, so that each of its numbers can be wrong. */

/** Little-endian bytes, one value behind the other. */
export class Bytes {
  readonly #parts: number[] = [];

  get length(): number {
    return this.#parts.length;
  }

  u8(value: number): this {
    this.#parts.push(value & 255);
    return this;
  }

  u32(value: number): this {
    for (let byte = 0; byte < 4; byte++) this.#parts.push((value >>> (8 * byte)) & 255);
    return this;
  }

  u64(value: number | bigint): this {
    for (let byte = 0n; byte < 8n; byte++) this.#parts.push(Number((BigInt(value) >> (8n * byte)) & 255n));
    return this;
  }

  f32(value: number): this {
    this.#parts.push(...new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.u64(bytes.length);
    return this.add(bytes);
  }

  add(bytes: Iterable<number>): this {
    this.#parts.push(...bytes);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

/** A value of metadata, written: its type and itself. */
export type Written = (to: Bytes) => Bytes;

export const u32 =
  (value: number): Written =>
  (to) =>
    to.u32(4).u32(value);
export const f32 =
  (value: number): Written =>
  (to) =>
    to.u32(6).f32(value);
export const flag =
  (value: boolean): Written =>
  (to) =>
    to.u32(7).u8(Number(value));
export const text =
  (value: string): Written =>
  (to) =>
    to.u32(8).text(value);
export const u64 =
  (value: bigint): Written =>
  (to) =>
    to.u32(10).u64(value);
export const texts =
  (values: readonly string[]): Written =>
  (to) =>
    values.reduce((bytes, value) => bytes.text(value), to.u32(9).u32(8).u64(values.length));
export const f32s =
  (values: readonly number[]): Written =>
  (to) =>
    values.reduce((bytes, value) => bytes.f32(value), to.u32(9).u32(6).u64(values.length));
export const i32s =
  (values: readonly number[]): Written =>
  (to) =>
    values.reduce((bytes, value) => bytes.u32(value), to.u32(9).u32(5).u64(values.length));

export interface WrittenTensor {
  readonly name: string;
  /** Innermost first, as the file has them. */
  readonly sizes: readonly (number | bigint)[];
  readonly type: number;
  readonly offset?: number | bigint;
  readonly bytes: Uint8Array;
}

export interface WrittenFile {
  readonly magic?: string;
  readonly version?: number;
  readonly metadata?: readonly (readonly [key: string, value: Written])[];
  readonly tensors?: readonly WrittenTensor[];
  /** In the place of how many there are. */
  readonly counts?: { readonly tensors?: number | bigint; readonly keys?: number | bigint };
  readonly alignment?: number;
}

export function ggufFile({
  magic = "GGUF",
  version = 3,
  metadata = [],
  tensors = [],
  counts = {},
  alignment = 32,
}: WrittenFile): Uint8Array {
  const file = new Bytes().add(new TextEncoder().encode(magic)).u32(version);
  file.u64(counts.tensors ?? tensors.length).u64(counts.keys ?? metadata.length);
  for (const [key, value] of metadata) value(file.text(key));
  const data = new Bytes();
  for (const { name, sizes, type, offset, bytes } of tensors) {
    pad(data, alignment);
    file.text(name).u32(sizes.length);
    for (const size of sizes) file.u64(size);
    file.u32(type).u64(offset ?? data.length);
    data.add(bytes);
  }
  if (tensors.length > 0) pad(file, alignment);
  return file.add(data.done()).done();
}

function pad(bytes: Bytes, alignment: number): void {
  while (bytes.length % alignment !== 0) bytes.u8(0);
}

export const floats = (...values: readonly number[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values).buffer);
