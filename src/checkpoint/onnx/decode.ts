import { wire, type Kind, type Schema, type SchemaOf } from "./protobuf.ts";

/** A message as it is read: a field that a file leaves out is undefined, one that may stand several times is a list. */
export type Read<M> = {
  readonly [K in keyof M]-?: NonNullable<M[K]> extends Uint8Array
    ? Uint8Array | undefined
    : NonNullable<M[K]> extends readonly (infer T)[]
      ? readonly ReadValue<T>[]
      : ReadValue<NonNullable<M[K]>> | undefined;
};

type ReadValue<T> = T extends number | string ? T : Read<T>;

/** Bytes that are no message of a schema. */
export class Malformed extends Error {}

/** Messages within messages, of which those of honest files are a few deep: a model, a graph, a node, an attribute, a tensor. */
const MAX_DEPTH = 40;

/**
 * The message that bytes are in the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding): fields that
 * the schema has not are passed over, numbers may stand packed or one by one, bytes are views. Whole numbers beyond 2⁵³ are
 * the nearest float. Throws Malformed.
 */
export const decodeMessage = <M extends object>(schema: SchemaOf<M>, bytes: Uint8Array): Read<M> =>
  new Decoder(bytes).message(schema, bytes.length, 0) as Read<M>;

interface Known {
  readonly name: string;
  readonly kind: Kind;
  readonly many: boolean;
}

const fieldsOf = (schema: Schema): ReadonlyMap<number, Known> =>
  new Map(
    Object.entries(schema).map(([name, [number, kind, many]]) => [
      number,
      { name, kind, many: many === "many" },
    ]),
  );

const utf8 = new TextDecoder();

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fields = new Map<Schema, ReadonlyMap<number, Known>>();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message(schema: Schema, end: number, depth: number): Record<string, unknown> {
    if (depth > MAX_DEPTH) throw new Malformed(`messages lie more than ${MAX_DEPTH} deep in each other`);
    const fields = this.#fields.get(schema) ?? fieldsOf(schema);
    this.#fields.set(schema, fields);
    const made: Record<string, unknown> = {};
    for (const { name, many } of fields.values()) made[name] = many ? [] : undefined;
    while (this.#at < end) {
      const tag = this.#varint(end);
      const field = fields.get(Math.floor(tag / 8));
      if (field === undefined) this.#pass(tag % 8, end);
      else this.#field(made, field, tag % 8, end, depth);
    }
    return made;
  }

  #field(
    made: Record<string, unknown>,
    { name, kind, many }: Known,
    type: number,
    end: number,
    depth: number,
  ): void {
    if (many && type === wire.bytes && (kind === "int" || kind === "float" || kind === "double")) {
      const list = made[name] as unknown[];
      const to = this.#length(end);
      while (this.#at < to) list.push(this.#scalar(kind, to));
      return;
    }
    if (type !== wireOf(kind)) throw new Malformed(`the field ${name} is of wire type ${type}`);
    const value = this.#value(kind, end, depth);
    if (many) (made[name] as unknown[]).push(value);
    else made[name] = value;
  }

  #value(kind: Kind, end: number, depth: number): unknown {
    if (kind === "int" || kind === "float" || kind === "double") return this.#scalar(kind, end);
    const to = this.#length(end);
    if (typeof kind === "function") return this.message(kind(), to, depth + 1);
    const bytes = this.#bytes.subarray(this.#at, to);
    this.#at = to;
    return kind === "text" ? utf8.decode(bytes) : bytes;
  }

  #scalar(kind: "int" | "float" | "double", end: number): number {
    if (kind === "int") return this.#signed(end);
    const at = this.#skip(kind === "float" ? 4 : 8, end);
    return kind === "float" ? this.#view.getFloat32(at, true) : this.#view.getFloat64(at, true);
  }

  #length(end: number): number {
    const length = this.#varint(end);
    this.#need(length, end);
    return this.#at + length;
  }

  #need(count: number, end: number): void {
    if (count > end - this.#at) throw new Malformed("it ends before it should");
  }

  #skip(count: number, end: number): number {
    this.#need(count, end);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  #pass(type: number, end: number): void {
    if (type === wire.varint) this.#signed(end);
    else if (type === wire.eight) this.#skip(8, end);
    else if (type === wire.four) this.#skip(4, end);
    else if (type === wire.bytes) this.#at = this.#length(end);
    else throw new Malformed(`a field is of wire type ${type}`);
  }

  /** Tags and lengths, which are small and not negative. */
  #varint(end: number): number {
    const value = this.#signed(end);
    if (value < 0 || value > 2 ** 40) throw new Malformed("a length is beyond all files");
    return value;
  }

  /** Seven bits a byte, the lowest first, as two's complement of 64 bits. */
  #signed(end: number): number {
    let [low, scale] = [0, 1];
    const start = this.#at;
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[this.#skip(1, end)]!;
      if (count >= 6 && (byte & 127) !== 0) return this.#large(start, end);
      low += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) return low;
    }
    throw new Malformed("a number has more than ten bytes");
  }

  #large(start: number, end: number): number {
    this.#at = start;
    let [value, shift] = [0n, 0n];
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[this.#skip(1, end)]!;
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
    throw new Malformed("a number has more than ten bytes");
  }
}

const wireOf = (kind: Kind): number =>
  kind === "int" ? wire.varint : kind === "float" ? wire.four : kind === "double" ? wire.eight : wire.bytes;
