import { append } from "../support/lists.ts";

/** What powers of ten are multiplied by to be marks of a log axis: also 2 and 5 if it spans less than a factor of 100. */
const digitsOf = (low: number, high: number): readonly number[] => (high / low < 100 ? [1, 2, 5] : [1]);

/** The marks from the power of ten at or below `low` to the one at or above `high`, every `stride` powers. */
function marksOf(low: number, high: number, digits: readonly number[], stride: number): readonly number[] {
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    if (power % stride === 0)
      append(
        marks,
        digits.map((digit) => Number(`${digit}e${power}`)),
      );
  return marks;
}

/** The smallest range between two marks of a log axis that holds a range; never a single number. */
export function logDomain(low: number, high: number): readonly [low: number, high: number] {
  const marks = marksOf(low / 10, high * 10, digitsOf(low, high), 1);
  const [first, last] = [marks.findLastIndex((mark) => mark <= low), marks.findIndex((mark) => mark >= high)];
  const spread = first === last ? 1 : 0;
  return [marks[first - spread]!, marks[last + spread]!];
}

/** Where a log axis is marked: every so many powers of ten that there are about six, and between them if it is short. */
export function logTicks(low: number, high: number): number[] {
  const powers = Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low));
  const marks = marksOf(low, high, digitsOf(low, high), Math.max(1, Math.ceil(powers / 6)));
  return marks.filter((mark) => mark >= low * (1 - 1e-9) && mark <= high * (1 + 1e-9));
}

/** `0.001`, `5`, `200`, `30k`, `1e-9`. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000 && size < 1e6 && Number.isInteger(value / 1000)) return `${value / 1000}k`;
  const rounded = Number(value.toPrecision(6));
  return size === 0 || (size >= 1e-3 && size < 1e6)
    ? String(rounded)
    : rounded.toExponential().replace("+", "");
}
