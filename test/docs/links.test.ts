import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  encoding: "utf8",
})
  .trim()
  .split("\n")
  .filter((page) => existsSync(page));

const withoutCode = (page: string): string =>
  readFileSync(page, "utf8").replaceAll(/^( *)```.*\n(?:.*\n)*?\1```$/gm, "");

/** What a heading is called in an address: small letters, `-` for a blank, no other signs. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, "")
    .replaceAll(" ", "-");

/** What is wrong with a link of a page; undefined of one that leads somewhere, or out of the project. */
function complaintOf(page: string, link: string): string | undefined {
  if (/^(https?|mailto):/.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const file = path === "" ? page : join(dirname(page), path);
  if (!existsSync(file)) return `${page}: ${link}: there is no ${file}`;
  if (anchor === undefined || !file.endsWith(".md")) return undefined;
  const anchors = [...withoutCode(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
  return anchors.includes(anchor) ? undefined : `${page}: ${link}: ${file} has no such heading`;
}

test("the links of all pages lead to files, and to headings in them", () => {
  const links = pages.flatMap((page) =>
    [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => [page, link!] as const),
  );
  expect(links.length).toBeGreaterThan(200);
  expect(links.flatMap(([page, link]) => complaintOf(page, link) ?? [])).toEqual([]);
});

test("a link to nothing is seen", () => {
  expect(complaintOf("README.md", "docs/none.md")).toContain("there is no docs/none.md");
  expect(complaintOf("README.md", "grammar/README.md#none")).toContain("no such heading");
  expect(complaintOf("README.md", "#two-commands")).toBeUndefined();
});
