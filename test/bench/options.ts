/** An option of a bench that says how many; throws for what is no whole number above 0. */
export function wholeNumber<Name extends string>(name: Name, values: Readonly<Record<Name, string>>): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a whole number above 0`);
  return value;
}
