import { sizeOf, type HostTensor } from "../../tensor/host.ts";

/** `f32[1, 5, 512]` */
export const showTensorType = ({ dtype, shape }: Pick<HostTensor, "dtype" | "shape">): string =>
  `${dtype}[${shape.join(", ")}]`;

/** How many elements a summary shows. */
const SHOWN = 6;

/** A tensor in a line: its first elements and its range. */
export function summarize(tensor: HostTensor): string {
  const { data } = tensor;
  const size = sizeOf(tensor.shape);
  const first = Array.from(data.subarray(0, SHOWN), showNumber).join(", ");
  let low = Infinity;
  let high = -Infinity;
  let unusual = 0;
  for (const value of data) {
    if (!Number.isFinite(value)) unusual++;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = size > SHOWN ? `, … from ${showNumber(low)} to ${showNumber(high)}` : "";
  const warning = unusual === 0 ? "" : ` (${unusual} not finite)`;
  return `${showTensorType(tensor)} = ${first}${range}${warning}`;
}

/** Four digits are enough to recognize a number. */
export const showNumber = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
