import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { planBatch } from "../../cli/prompts_file.ts";
import { readClipEnd } from "../../plugins/encode_picture/read.ts";
import { assertNothingOpen, sluice } from "../_sluice.ts";
import { run } from "./_run.ts";

const { signal } = new AbortController();

/** How many pictures of a video can be decoded. */
async function pictures(path: string): Promise<number> {
  const wanted = { height: 32, width: 32, fps: 16, most: 100, signal };
  return (await readClipEnd(path, wanted)).length;
}

Deno.test("planBatch() names videos by line, words and seed, the same every time", () => {
  const plan = planBatch(["A red ball!", "雪", "a red ball"], {
    seed: 7,
    samples: 2,
    extension: "webm",
  });
  assertEquals(plan.map(({ name }) => name), [
    "001-a-red-ball-7.webm",
    "001-a-red-ball-8.webm",
    "002-雪-7.webm",
    "002-雪-8.webm",
    "003-a-red-ball-7.webm",
    "003-a-red-ball-8.webm",
  ]);
  assertEquals(plan.map(({ seed }) => seed), [7, 8, 7, 8, 7, 8]);
  const folders = planBatch(["A red ball!"], { seed: 7, samples: 1, extension: undefined });
  assertEquals(folders.map(({ name }) => name), ["001-a-red-ball-7"]);
});

Deno.test("generate --prompts makes each video that is not there, whatever fails", async () => {
  const prompts = "\ufeff# two balls\r\na red ball bounces\r\n\r\n  a \u0007 bell\r\na blue ball\n";
  const words = ["generate", "--prompts", "p.txt", "--out", "v", "--frames", "9", "--seed", "3"];
  const { code, out, err, files } = await sluice(words, { "p.txt": prompts }, async () => {
    const names = [...Deno.readDirSync("v")].map(({ name }) => name).sort();
    assertEquals(names, ["001-a-red-ball-bounces-3.mp4", "003-a-blue-ball-3.mp4"]);
    for (const name of names) assertEquals(await pictures(join("v", name)), 9);
    const before = Deno.statSync(join("v", names[0]!)).mtime;
    await Deno.remove(join("v", names[1]!));
    await Deno.writeTextFile(join("v", `.${names[1]}.01234567.part`), "left by a kill");
    const folder = Deno.cwd();
    const again = await sluice([
      ...["generate", "--prompts", join(folder, "p.txt"), "--out", join(folder, "v"), "--json"],
      ...["--frames", "9", "--seed", "3"],
    ]);
    const { made, skipped, failed } = JSON.parse(again.out);
    assertEquals([again.code, made.length, skipped, failed.length], [2, 1, 1, 1]);
    assertEquals([made[0].prompt, made[0].seed, made[0].frames], ["a blue ball", 3, 9]);
    assertEquals([...Deno.readDirSync("v")].map(({ name }) => name).sort(), names);
    assertEquals(Deno.statSync(join("v", names[0]!)).mtime, before);
  });
  assertEquals([code, out, files], [2, "", ["v"]]);
  assertStringIncludes(err, "002-a-bell-3.mp4: error: ");
  assertStringIncludes(err, "The prompt holds a control character (U+0007)");
  assertMatch(err, /\[1\/3\] v\/001-a-red-ball-bounces-3\.mp4: 9 frames in [\d.]+ s/);
  assertStringIncludes(err, "2 made, 0 there before, 1 failed, in v");
  assertNothingOpen();
});

Deno.test("generate --prompts makes a folder of pictures of each, whole or not there", async () => {
  const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();
  const words = ["generate", "--prompts", "p.txt", "--out", "v", "--frames", "9"];
  const png = [...words, "--encode-video-container", "png"];
  const prompts = "a red ball\na blue ball\n";
  await sluice(png, { "p.txt": prompts }, async (folder) => {
    assertEquals(names("v"), ["001-a-red-ball-0", "002-a-blue-ball-0"]);
    const pictures = Array.from({ length: 9 }, (_, i) => `0000${i}.png`);
    for (const name of names("v")) assertEquals(names(join("v", name)), pictures);
    const before = Deno.statSync("v/001-a-red-ball-0/00000.png").mtime;
    // What a kill leaves: some pictures in a hidden folder.
    await Deno.rename("v/002-a-blue-ball-0", "v/.002-a-blue-ball-0.01234567.part");
    await Deno.remove("v/.002-a-blue-ball-0.01234567.part/00008.png");
    const again = await sluice([
      ...["generate", "--prompts", join(folder, "p.txt"), "--out", join(folder, "v"), "--json"],
      ...["--frames", "9", "--encode-video-container", "png"],
    ]);
    const { made, skipped, failed } = JSON.parse(again.out);
    assertEquals([again.code, made.length, skipped, failed.length], [0, 1, 1, 0]);
    assertEquals([made[0].path, made[0].frames], [join(folder, "v", "002-a-blue-ball-0"), 9]);
    assertEquals(names("v"), ["001-a-red-ball-0", "002-a-blue-ball-0"]);
    assertEquals(names("v/002-a-blue-ball-0"), pictures);
    assertEquals(Deno.statSync("v/001-a-red-ball-0/00000.png").mtime, before);
  });
  // A video that fails leaves no folder.
  const broken = { "p.txt": "a \u0007 bell\n" };
  const { code } = await sluice(png, broken, () => assertEquals(names("v"), []));
  assertEquals(code, 2);
  assertNothingOpen();
});

Deno.test("generate --prompts gives what a run of its own gives", async () => {
  const common = ["--frames", "9", "--quiet"];
  await sluice(["generate", "--prompts", "p.txt", "--num-samples", "2", ...common], {
    "p.txt": "a red ball\na green square\n",
  }, async (folder) => {
    const alone = ["generate", "a green square", "--seed", "1", ...common];
    await sluice([...alone, "-o", join(folder, "alone.mp4")]);
    const [batch, own] = ["002-a-green-square-1.mp4", "alone.mp4"].map((name) =>
      Deno.readFileSync(join(folder, name))
    );
    assertEquals(batch, own);
  });
});

Deno.test("generate --prompts, killed again and again, ends with every video whole", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
  try {
    const list = Array.from({ length: 6 }, (_, i) => `a red ball, number ${i}`).join("\n");
    await Deno.writeTextFile(join(folder, "p.txt"), list);
    const root = new URL("../../", import.meta.url);
    const begin = () =>
      new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "-A", "-q", "--config", fromFileUrl(new URL("deno.json", root))],
          ...[fromFileUrl(new URL("cli/main.ts", root)), "generate", "--prompts", "p.txt"],
          ...["--out", "v", "--frames", "33", "--quiet"],
        ],
        cwd: folder,
        stdout: "piped",
        stderr: "null",
      }).spawn();
    const printed: string[] = [];
    for (const wait of [900, 1100, 1300]) {
      const child = begin();
      const output = child.output();
      const timer = setTimeout(() => {
        try {
          child.kill("SIGKILL");
        } catch {
          // It was done before.
        }
      }, wait);
      const { stdout } = await output;
      clearTimeout(timer);
      printed.push(...new TextDecoder().decode(stdout).split("\n").filter(Boolean));
    }
    const { code, stdout } = await begin().output();
    printed.push(...new TextDecoder().decode(stdout).split("\n").filter(Boolean));
    assertEquals(code, 0);
    const names = [...Deno.readDirSync(join(folder, "v"))].map(({ name }) => name);
    assertEquals([names.length, new Set(printed).size === printed.length], [6, true]);
    for (const name of names) assertEquals(await pictures(join(folder, "v", name)), 33);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("generate --prompts shows in a terminal how far the video in hand has come", async () => {
  const words = ["generate", "--prompts", "p.txt", "--diffuse-pause", "150"];
  const { code, err } = await run(words, { live: true, files: ["p.txt"] });
  assertEquals(code, 0);
  assertMatch(err, /\r\[1\/1\] · 0\/21 frames · 0\.\d\d s/);
  assertMatch(err, /\r\[1\/1\] · chunk \d\/2, step 1\/2 · 9\/21 frames/);
  // What stays are whole lines, and nothing of the moving one is left at the end.
  const kept = err.split("\x1b[J").find((part) => part.startsWith("[1/1] 001-"));
  assertMatch(kept!, /^\[1\/1\] 001-p-txt-0\.mp4: 21 frames in 0\.\d\d s\n/);
  assertStringIncludes(err.split("\n").at(-1)!, "\x1b[J");
  const plain = await run(words, { files: ["p.txt"] });
  assertEquals(plain.err.includes("chunk"), false);
});

const MISTAKES: [words: string[], message: string][] = [
  [["a", "--prompts", "p.txt"], "Give a prompt or --prompts, not both"],
  [["a", "--num-samples", "2"], "--num-samples is for a file of --prompts"],
  [["--prompts", "none.txt"], "--prompts: there is no file none.txt"],
  [["--prompts", "."], "--prompts: . is no file"],
  [["--prompts", "empty.txt"], "there is no prompt in empty.txt"],
  [["--prompts", "bytes.txt"], "bytes.txt is no text in UTF-8"],
  [["--prompts", "p.txt", "--num-samples", "0"], "--num-samples: expected at least 1, got 0"],
  [["--prompts", "p.txt", "--out", "p.txt"], "--out: cannot make the folder p.txt"],
];
for (const [words, message] of MISTAKES) {
  Deno.test(`generate ${words.join(" ")} is the user's mistake`, async () => {
    const given = {
      "p.txt": "a ball",
      "empty.txt": "# nothing\n\n",
      "bytes.txt": Uint8Array.of(0xff, 0xfe, 0x00),
    };
    const { code, err, files } = await sluice(["generate", ...words], given);
    assertEquals([code, files], [2, []], err);
    assertStringIncludes(err, message);
  });
}
