/** Words of WGSL (keywords and reserved words, §15.1 and §15.2) that begin with a capital letter, as run-time dims do. */
const reserved = ["NULL", "Self"];

/**
 * The field of a run-time dim in the uniform block of the shaders, and in the host's object: its name, with a line under
 * what WGSL keeps for itself. No two dims have one field.
 */
export const dimField = (name: string): string =>
  reserved.includes(name.replace(/_+$/, "")) ? `${name}_` : name;
