/**
 * Where a log axis is marked: at powers of ten, every so many that there are about six, and also at 2 and 5 if it spans
 * less than a factor of 100.
 */
export function logTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const stride = Math.ceil((last - first) / 6);
  const digits = high / low < 100 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = first; power <= last; power++)
    if (power % Math.max(1, stride) === 0) ticks.push(...digits.map((digit) => Number(`${digit}e${power}`)));
  return ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
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
