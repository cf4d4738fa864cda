import { hashText } from "../tensor/hash.ts";
import type { StateTensor } from "./form.ts";

/** Elements of a tensor that are hashed, evenly spaced: whoever trains on changes nearly all, and loading stays as fast. */
const SAMPLES = 1024;

/**
 * 64 bits of weights as text: their names, shapes and some elements of each. `bytesOf` gives the bytes of a tensor that lies
 * in the memory of a file, so that its elements need not be made.
 */
export function hashOfWeights(
  tensors: ReadonlyMap<string, StateTensor>,
  bytesOf: (tensor: StateTensor) => Uint8Array | undefined,
): string {
  const hashes = [0x811c9dc5, 0x01234567];
  for (const [name, tensor] of tensors) {
    const text = `${name}[${tensor.shape.join()}]${sampleText(tensor, bytesOf(tensor))}`;
    hashes.forEach((hash, index) => (hashes[index] = hashText(text, hash)));
  }
  return hashes.map((hash) => hash.toString(16).padStart(8, "0")).join("");
}

function sampleText(tensor: StateTensor, bytes: Uint8Array | undefined): string {
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  const stride = Math.max(1, Math.floor(size / SAMPLES));
  const width = bytes === undefined || size === 0 ? 0 : Math.floor(bytes.length / size);
  let text = "";
  for (let at = 0; at < size; at += stride)
    text += bytesText(
      bytes?.subarray(at * width, (at + 1) * width) ??
        new Uint8Array(Float32Array.of(tensor.data[at]!).buffer),
    );
  return text;
}

const bytesText = (bytes: Uint8Array): string =>
  String.fromCharCode.apply(undefined, bytes as unknown as number[]);
