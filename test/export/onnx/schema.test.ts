import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { encodeMessage } from "../../../src/checkpoint/onnx/protobuf.ts";
import { attributeTypes, elementTypes, EXTERNAL, messages } from "../../../src/checkpoint/onnx/schema.ts";
import type { Field, Schema } from "../../../src/checkpoint/onnx/protobuf.ts";

/** What the package onnx says, by `python test/golden/onnx_schema.py`. */
const golden = JSON.parse(readFileSync("test/golden/onnx_schema.json", "utf8")) as {
  readonly messages: Readonly<Record<string, Readonly<Record<string, readonly [number, string, "many"?]>>>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
};

const nameOf = (schema: unknown): string =>
  `onnx.${Object.entries(messages).find(([, each]) => each === schema)![0]}`;

/** ONNX writes texts of attributes as bytes, which are the same on the wire. */
const kindOf = ([, kind]: Field): readonly string[] =>
  typeof kind === "function" ? [nameOf(kind())] : kind === "text" ? ["text", "bytes"] : [kind];

test.each(Object.entries(messages))("%s has the numbers and kinds that onnx.proto has", (message, schema) => {
  for (const [name, field] of Object.entries(schema as unknown as Schema)) {
    const [number, kind, many] =
      golden.messages[message]![name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]!;
    expect([name, field[0], field[2]]).toEqual([name, number, many]);
    expect(kindOf(field)).toContain(kind);
  }
});

test("types and places go by the numbers that ONNX has for them", () => {
  const { AttributeType, DataLocation, DataType } = golden.enums;
  const { f, i, s, t, g, floats, ints } = attributeTypes;
  expect(AttributeType).toMatchObject({
    FLOAT: f,
    INT: i,
    STRING: s,
    TENSOR: t,
    GRAPH: g,
    FLOATS: floats,
    INTS: ints,
  });
  expect(DataLocation).toMatchObject({ EXTERNAL });
  const named = {
    f32: "FLOAT",
    u8: "UINT8",
    i8: "INT8",
    i16: "INT16",
    i32: "INT32",
    i64: "INT64",
    bool: "BOOL",
  };
  const floatNames = { f16: "FLOAT16", f64: "DOUBLE", u32: "UINT32", bf16: "BFLOAT16" };
  for (const [dtype, name] of Object.entries({ ...named, ...floatNames }))
    expect([dtype, elementTypes[dtype as keyof typeof elementTypes]]).toEqual([dtype, DataType![name]]);
});

// The examples of https://protobuf.dev/programming-guides/encoding: field 1 with 150, field 2 with "testing".
test("is written as the guide to the encoding has it", () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  expect(hex(encodeMessage(messages.OperatorSetIdProto, { domain: "testing", version: 150 }))).toBe(
    "0a0774657374696e67109601",
  );
  // A negative number is ten bytes, as 64 bits of two's complement.
  expect(hex(encodeMessage(messages.OperatorSetIdProto, { domain: "", version: -1 }))).toBe(
    "0a0010ffffffffffffffffff01",
  );
});
