/** Small numbers with an exponent, as `.lmg` writes them. */
function shown(value: string | number | boolean): string {
  if (typeof value !== "number") return String(value);
  const plain = String(value);
  const short = value.toExponential();
  return short.length < plain.length ? short : plain;
}

/** A call of a layer, with the arguments that are not what it has without. */
export const call = (
  name: string,
  given: Readonly<Record<string, string | number | boolean | undefined>>,
  ...first: readonly (string | number)[]
): string => {
  const named = Object.entries(given).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${shown(value)}`],
  );
  const all = [...first.map(shown), ...named];
  return all.length === 0 ? name : `${name}(${all.join(", ")})`;
};
