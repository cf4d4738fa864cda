import { readFileSync } from "node:fs";

/** The tensors of a safetensors file, which are float32 or int32, by name: `{ data, shape }`. */
export function readTensors(path) {
  const { buffer } = new Uint8Array(readFileSync(path));
  const start = 8 + Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
  return Object.fromEntries(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        const Elements = dtype === "F32" ? Float32Array : Int32Array;
        return [name, { data: new Elements(buffer, start + begin, (end - begin) / 4), shape }];
      },
    ),
  );
}
