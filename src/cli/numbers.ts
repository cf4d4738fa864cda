export { countOf, showBytes, showCount, showScaled } from "../support/text.ts";
