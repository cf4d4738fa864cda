import { readFileSync } from "node:fs";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import type { Dtype } from "../../src/tensor/dtype.ts";

/** Expected values are stored as float32: half a unit in the last place, doubled for the sum of two roundings. */
export const STORED_ROUNDING = 2 ** -23;

export interface GoldenCase {
  readonly name: string;
  readonly kind: string;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly scalars: Readonly<Record<string, number>>;
  readonly tensor: (name: string) => HostTensor;
  readonly optional: (name: string) => HostTensor | undefined;
}

const ownFolder = new URL("../golden/torch/", import.meta.url);

interface Listing {
  readonly cases: readonly {
    name: string;
    kind: string;
    attrs: Record<string, unknown>;
    scalars?: Record<string, number>;
  }[];
}

/** The cases of one group of PyTorch goldens, by name; from another folder of the same form, if one is given. */
export function goldenCases(group: string, folder: URL = ownFolder): ReadonlyMap<string, GoldenCase> {
  const { cases } = JSON.parse(readFileSync(new URL(`${group}.json`, folder), "utf8")) as Listing;
  const tensors = readTensors(readFileSync(new URL(`${group}.safetensors`, folder)));
  return new Map(
    cases.map(({ name, kind, attrs, scalars = {} }) => {
      const optional = (tensor: string): HostTensor | undefined => tensors.get(`${name}/${tensor}`);
      const tensor = (wanted: string): HostTensor => {
        const found = optional(wanted);
        if (found === undefined) throw new Error(`the golden case ${name} has no ${wanted}`);
        return found;
      };
      return [name, { name, kind, attrs, scalars, tensor, optional }];
    }),
  );
}

const readers: Readonly<
  Record<string, { dtype: Dtype; read: (view: DataView, at: number) => number; size: number }>
> = {
  F32: { dtype: "f32", read: (view, at) => view.getFloat32(at, true), size: 4 },
  F64: { dtype: "f64", read: (view, at) => view.getFloat64(at, true), size: 8 },
  I32: { dtype: "i32", read: (view, at) => view.getInt32(at, true), size: 4 },
  BOOL: { dtype: "bool", read: (view, at) => view.getUint8(at), size: 1 },
};

/** A reader of its own, so that these tests do not lean on the one they ship beside. */
function readTensors(file: Buffer): ReadonlyMap<string, HostTensor> {
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const view = new DataView(file.buffer, file.byteOffset + 8 + headerLength);
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return new Map(
    entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const { dtype: own, read, size } = readers[dtype]!;
        const values = Array.from({ length: (to - from) / size }, (_, i) => read(view, from + i * size));
        return [name, hostTensor(own, shape, values)];
      },
    ),
  );
}
