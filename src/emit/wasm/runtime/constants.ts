/** Numbers that the code in the kernels and the host say to each other, as lines. */
export const constants = (values: Readonly<Record<string, number>>): string[] =>
  Object.entries(values).map(([name, value]) => `const ${name} = ${value};`);
