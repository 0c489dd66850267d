import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { assertNothingOpen, sluice } from "../_sluice.ts";

const generate = (out: string, frames = "9") => [
  "generate",
  "a red ball bounces",
  ...["--out", out, "--frames", frames, "--quiet"],
];

Deno.test("an output that cannot be written is refused before any work is done", async () => {
  // Nobody, root neither, can make files there.
  const unwritable = Deno.build.os === "linux" ? "/proc/o.mp4" : "/no/such/folder/o.mp4";
  for (const out of [unwritable, "no/such/folder/o.mp4", "taken.txt/o.mp4"]) {
    // Without an end: were it begun, it would tell of its chunks.
    const words = generate(out, "0").filter((word) => word !== "--quiet");
    const { code, out: said, err, files } = await sluice(words, { "taken.txt": "" });
    assertEquals([code, said, files], [2, "", []], err);
    assertMatch(err, /^error: encode-video: Cannot write .*o\.mp4: .+\. .+\.\n$/);
  }
  assertNothingOpen();
});

Deno.test("an output without a format that is known is refused with those that are", async () => {
  for (const out of ["o.avi", "o"]) {
    const { code, err, files } = await sluice(generate(out));
    assertEquals([code, files], [2, []], err);
    assertStringIncludes(err, "expected an extension of .mp4, .m4v, .webm, .gif, .webp, .png, got");
  }
});

Deno.test("a folder as output takes a file with a name of its own, whatever the folder is called", async () => {
  const { code, err, files } = await sluice(generate("sub/clip.mp4"), {}, () => {});
  assertEquals([code, files], [0, ["sub"]], err);
  const folder = await Deno.makeTempDir({ suffix: ".mp4" });
  try {
    const { code, err, files } = await sluice(generate(folder));
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    assertEquals([code, files, names], [0, [], ["a-red-ball-bounces-0.mp4"]], err);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an existing file survives a run that fails, and is replaced by one that does not", async () => {
  const files = { "o.mp4": "precious" };
  const kept = await sluice(
    [...generate("o.mp4"), "--encode-video-overwrite", "false"],
    files,
    async () => assertEquals(await Deno.readTextFile("o.mp4"), "precious"),
  );
  assertEquals([kept.code, kept.files], [2, []]);
  assertStringIncludes(kept.err, "it exists and overwrite is false.");
  const nul = await sluice(
    ["generate", "a\0b", "--out", "o.mp4"],
    files,
    async () => assertEquals(await Deno.readTextFile("o.mp4"), "precious"),
  );
  assertEquals([nul.code, nul.files], [2, []]);
  const replaced = await sluice(generate("o.mp4"), files, async () => {
    assertEquals((await Deno.readFile("o.mp4")).length > 1000, true);
  });
  assertEquals([replaced.code, replaced.files], [0, []], replaced.err);
});

Deno.test("a disk that is full is told, and nothing half-written stays", async () => {
  const disk = await Deno.makeTempDir();
  const mount = async (...words: [string, ...string[]]) => {
    const [program, ...args] = words;
    try {
      return (await new Deno.Command(program, { args, stderr: "null" }).output()).success;
    } catch {
      return false;
    }
  };
  if (!await mount("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk)) {
    await Deno.remove(disk);
    console.warn("skipped: no small file system can be mounted here");
    return;
  }
  try {
    for (const name of ["o.mp4", "o.webm", "o.gif", "o.webp", "pictures/%03d.png"]) {
      // Close to lossless, so that no format fits.
      const { code, err, out } = await sluice([
        ...generate(join(disk, name), "81"),
        ...(/mp4|webm/.test(name) ? ["--encode-video-crf", "1"] : []),
      ]);
      assertEquals([code, out], [1, ""], `${name}: ${err}`);
      assertMatch(err, /No space left on device.*\. Free some room, or write elsewhere\.\n$/);
      assertEquals([...Deno.readDirSync(disk)].map(({ name }) => name), [], name);
    }
  } finally {
    await mount("umount", disk);
    await Deno.remove(disk);
  }
  assertNothingOpen();
});
