import { assertEquals } from "@std/assert";
import { freeName, slug } from "../../cli/file_name.ts";

const SLUGS: [prompt: string, name: string][] = [
  ["A red ball bounces!", "a-red-ball-bounces"],
  ["  ../../etc/passwd\0 ", "etc-passwd"],
  ["Über den Wölken", "uber-den-wolken"],
  ["红球 弹跳", "红球-弹跳"],
  ["🎈🎈", "video"],
  ["", "video"],
  ["CON: a \\ b | c", "con-a-b-c"],
  ["word ".repeat(20), "word-word-word-word-word-word-word-word-word"],
  ["x".repeat(100_000), "x".repeat(48)],
];
for (const [prompt, name] of SLUGS) {
  Deno.test(`slug() of ${JSON.stringify(prompt).slice(0, 30)} is ${name}`, () => {
    assertEquals(slug(prompt), name);
  });
}

Deno.test("freeName() adds a number to a name that is taken", () => {
  const taken = new Set<string>();
  const name = () => freeName("A red ball", 7, "mp4", (each) => taken.has(each));
  const names = [1, 2, 3].map(() => {
    taken.add(name());
    return [...taken].at(-1);
  });
  assertEquals(names, ["a-red-ball-7.mp4", "a-red-ball-7-2.mp4", "a-red-ball-7-3.mp4"]);
});
