import { assertEquals, assertStringIncludes } from "@std/assert";
import { sluice } from "../_sluice.ts";

const LENGTHS: [words: string[], frames: number][] = [
  [["--diffuse-independent-first-frame", "true", "--frames", "13"], 13],
  [["--set", "diffuse.independent-first-frame=true", "--frames", "25"], 25],
  [["--set", "diffuse.chunk=2", "--frames", "13"], 13],
  [["--diffuse-chunk", "2", "--diffuse-latent-frames", "7", "--frames", "5"], 5],
];
for (const [words, frames] of LENGTHS) {
  Deno.test(`generate ${words.join(" ")} fits, whatever length the config has`, async () => {
    const { code, out } = await sluice([
      "generate",
      "a red ball",
      "-o",
      "o.mp4",
      "--json",
      ...words,
    ]);
    assertEquals(code, 0, out);
    assertEquals(JSON.parse(out).frames, frames);
  });
}

Deno.test("generate names a length that does not fit where --frames says no other, and what is wrong beside it", async () => {
  const alone = await sluice(["generate", "a red ball", "--set", "diffuse.chunk=2"]);
  assertEquals(alone.code, 2);
  assertStringIncludes(alone.err, "cannot make 21 latent frames in chunks of 2");
  const words = ["--set", "diffuse.chunk=2", "--set", "diffuse.window=1", "--frames", "5"];
  const narrow = await sluice(["generate", "a red ball", ...words]);
  assertEquals(narrow.code, 2);
  assertStringIncludes(narrow.err, "cannot make chunks of 2 latent frames in a window of 1");
});
