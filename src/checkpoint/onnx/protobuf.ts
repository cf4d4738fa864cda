import { joinBytes } from "../../support/bytes.ts";
import { append } from "../../support/lists.ts";

/** What stands in a field: a whole number, a float of 32 or 64 bits, text, bytes, or a message of another schema. */
export type Kind = "int" | "float" | "double" | "text" | "bytes" | (() => Schema);

/** A field of a message: its number, what it holds, and whether it may stand several times. */
export type Field = readonly [number: number, kind: Kind, many?: "many"];

/** The fields of a message by the names that it has here. */
export type Schema = Readonly<Record<string, Field>>;

type KindOf<T> = T extends number
  ? "int" | "float" | "double"
  : T extends string
    ? "text"
    : T extends Uint8Array
      ? "bytes"
      : () => Schema;

/** The fields of messages of type M, each with a kind that its type has. */
export type SchemaOf<M> = {
  readonly [K in keyof M]-?: NonNullable<M[K]> extends Uint8Array
    ? readonly [number, "bytes"]
    : NonNullable<M[K]> extends readonly (infer T)[]
      ? readonly [number, KindOf<T>, "many"]
      : readonly [number, KindOf<NonNullable<M[K]>>];
};

export type Message = Readonly<Record<string, unknown>>;

/** How the bytes of a field are marked (https://protobuf.dev/programming-guides/encoding). */
export const wire = { varint: 0, eight: 1, bytes: 2, four: 5 } as const;

const utf8 = new TextEncoder();

/** A message in the wire format of Protocol Buffers: fields in the order of the schema, those that are undefined left out. */
export function encodeMessage<M extends object>(schema: SchemaOf<M>, message: M): Uint8Array {
  const parts: Uint8Array[] = [];
  encodeInto(parts, schema, message as Message);
  return joinBytes(parts);
}

function encodeInto(parts: Uint8Array[], schema: Schema, message: Message): void {
  for (const [name, [number, kind, many]] of Object.entries(schema)) {
    const value = message[name];
    if (value === undefined) continue;
    const values = many === "many" ? (value as readonly unknown[]) : [value];
    for (const each of values) append(parts, encodedField(number, kind, each));
  }
}

function encodedField(number: number, kind: Kind, value: unknown): readonly Uint8Array[] {
  const tag = (type: number): Uint8Array => varint(BigInt(number * 8 + type));
  if (kind === "int") return [tag(wire.varint), varint(BigInt(value as number))];
  if (kind === "float") {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value as number, true);
    return [tag(wire.four), bytes];
  }
  if (kind === "double") {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value as number, true);
    return [tag(wire.eight), bytes];
  }
  const bytes =
    kind === "text"
      ? utf8.encode(value as string)
      : kind === "bytes"
        ? (value as Uint8Array)
        : nested(kind, value);
  return [tag(wire.bytes), varint(BigInt(bytes.length)), bytes];
}

function nested(schema: () => Schema, value: unknown): Uint8Array {
  const parts: Uint8Array[] = [];
  encodeInto(parts, schema(), value as Message);
  return joinBytes(parts);
}

/** Seven bits a byte, the lowest first; negative numbers as 64 bits of two's complement. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
