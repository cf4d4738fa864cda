import { expect, test } from "vitest";
import { wantsColours } from "../../src/cli/out.ts";

const terminal = { isTTY: true };
const pipe = {};

test.each([
  ["a terminal has colours", terminal, {}, true],
  ["a pipe has none", pipe, {}, false],
  ["NO_COLOR takes them away", terminal, { NO_COLOR: "1" }, false],
  ["NO_COLOR that is empty says nothing", terminal, { NO_COLOR: "" }, true],
  ["a dumb terminal has none", terminal, { TERM: "dumb" }, false],
  ["FORCE_COLOR brings them into a pipe", pipe, { FORCE_COLOR: "1" }, true],
  ["FORCE_COLOR that is empty does so too", pipe, { FORCE_COLOR: "" }, true],
  ["FORCE_COLOR=0 takes them away", terminal, { FORCE_COLOR: "0" }, false],
  ["FORCE_COLOR=false takes them away", terminal, { FORCE_COLOR: "false" }, false],
  ["FORCE_COLOR is heard before NO_COLOR", pipe, { FORCE_COLOR: "3", NO_COLOR: "1" }, true],
])("%s", (_, stream, environment, wanted) => {
  expect(wantsColours(stream, environment)).toBe(wanted);
});
