/** An option of a bench that says how many; throws for what is no whole number above 0. */
export function wholeNumber<Name extends string>(name: Name, values: Readonly<Record<Name, string>>): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a whole number above 0`);
  return value;
}

/** An option that is several of these, with commas between them. */
export const wholeNumbers = <Name extends string>(
  name: Name,
  values: Readonly<Record<Name, string>>,
): readonly number[] =>
  values[name].split(",").map((value) => wholeNumber(name, { [name]: value } as Record<Name, string>));
