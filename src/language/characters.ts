/** What a character is to the layout of a text. `plain` ones are the grammar's alone. */
export type CharacterClass = "plain" | "blank" | "newline" | "open" | "close" | "quote" | "semicolon" | "odd";

const classes: readonly (readonly [CharacterClass, string])[] = [
  ["blank", " \t\r"],
  ["newline", "\n"],
  ["open", "([{"],
  ["close", ")]}"],
  ["quote", '"'],
  ["semicolon", ";"],
  ["plain", "_.,:=+-*/%^<>!|"],
];

const classOfCode: readonly CharacterClass[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Za-z0-9]/.test(character)) return "plain";
  return classes.find(([, characters]) => characters.includes(character))?.[0] ?? "odd";
});

/** The class of the character at an offset; all that is not ASCII is odd. */
export const classOf = (text: string, at: number): CharacterClass =>
  classOfCode[text.charCodeAt(at)] ?? "odd";
