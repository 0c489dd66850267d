import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { UserError } from "sluice";
import { assertNothingOpen, sluice } from "../_sluice.ts";
import { makeFilm } from "./compose.ts";
import { meanColour, watch } from "./frames.ts";
import { perform } from "./live_prompt.ts";
import { fromConfig, inCode } from "./third_party.ts";
import { change } from "./timeline.ts";

const TEXT = "a red ball bounces on a green floor";
const repository = fromFileUrl(new URL("../../", import.meta.url));

Deno.test("compose.ts writes an MP4", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "ball.mp4");
    const media = await makeFilm(TEXT, path);
    assertEquals([media?.path, media?.frames, media?.part], [path, 33, "file"]);
    const bytes = await Deno.readFile(path);
    assertEquals(new TextDecoder().decode(bytes.subarray(4, 8)), "ftyp");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["ball.mp4"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assertNothingOpen();
});

Deno.test("frames.ts gives pictures chunk by chunk and touches no file", async () => {
  const chunks = await Array.fromAsync(watch(TEXT, 1));
  assertEquals(chunks.map(({ first, shape, last }) => [first, ...shape, last]), [
    [0, 9, 128, 128, 3, false],
    [9, 12, 128, 128, 3, true],
  ]);
  for (const chunk of chunks) {
    const [red, green, blue] = meanColour(chunk);
    assert(green > red && green > blue, `a green floor is mostly green, got ${[red, green, blue]}`);
  }
  assertNothingOpen();
});

Deno.test("frames.ts may be left early and frees everything", async () => {
  for await (const { first } of watch(TEXT, 1)) {
    assertEquals(first, 0);
    break;
  }
  assertNothingOpen();
});

Deno.test("third_party.ts composes a plugin of its own in code", async () => {
  const grey = (await inCode(TEXT, 1))[0]!;
  const plain = (await inCode(TEXT, 0))[0]!;
  assert(plain.data.some((value, i) => i % 3 > 0 && value !== plain.data[i - i % 3]));
  assert(grey.data.every((value, i) => value === grey.data[i - i % 3]), "pictures are not grey");
  const [luma] = meanColour(grey);
  const [red, green, blue] = meanColour(plain);
  assertAlmostEquals(luma, 0.299 * red + 0.587 * green + 0.114 * blue, 0.5);
  assertNothingOpen();
});

Deno.test("third_party.ts names the plugin in a config", async () => {
  const media = await fromConfig(TEXT);
  assertEquals(media.map(({ part, frames }) => [part, frames]), [["init", 0], ["segment", 9]]);
  await assertRejects(() => inCode(TEXT, 2), UserError, "amount: expected at most 1, got 2.");
});

Deno.test("generate runs a config with a plugin beside it, whose options --set changes", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(name, import.meta.url));
  const files = {
    "grey.yaml": await read("grey.yaml"),
    "grey.ts": (await read("grey.ts")).replace(
      `from "sluice"`,
      `from "${new URL("../../mod.ts", import.meta.url)}"`,
    ).replace(`from "zod"`, `from "${import.meta.resolve("zod")}"`),
  };
  const words = ["generate", TEXT, "--config", "./grey.yaml", "--out", "grey.webm", "--quiet"];
  const done = await sluice(words, files);
  assertEquals([done.code, done.out, done.files], [0, "grey.webm", ["grey.webm"]], done.err);
  const refused = await sluice([...words, "--set", "grey.amount=7"], files);
  assertEquals([refused.code, refused.files], [2, []]);
  assertEquals(refused.err, "error: --set grey.amount=7: expected at most 1, got 7.\n");
  assertNothingOpen();
});

Deno.test("live_prompt.ts changes the picture while it runs, pauses and stops", async () => {
  const heard: string[] = [];
  /** When chunks were made, and when the run was told to pause or a little before. */
  const made: number[] = [];
  let paused = 0;
  const chunks = [];
  const run = perform({
    first: "a red heart grows before a red wall",
    second: "a blue heart grows before a blue wall",
    change: 1,
    stop: 8,
    pause: 1,
    onEvent: (event) => {
      if (event.type === "chunk" && event.stage === "diffuse") made.push(performance.now());
      if (event.type === "prompt" && event.stage === "diffuse") heard.push(event.text);
    },
  });
  for await (const frames of run) {
    if (frames.index === 1) paused = performance.now();
    chunks.push(frames);
  }
  const warmth = chunks.map((frames) => {
    const [red, , blue] = meanColour(frames);
    return red - blue;
  });
  assert(warmth[1]! > 50, `the first prompt is red, got red − blue = ${warmth[1]}`);
  assert(warmth[8]! < -50, `the second prompt is blue, got red − blue = ${warmth[8]}`);
  assertEquals(heard, ["a blue heart grows before a blue wall"]);
  assertEquals(chunks[1]?.prompt.text, "a red heart grows before a red wall");
  assertEquals(chunks[8]?.prompt.text, "a blue heart grows before a blue wall");
  assertEquals(chunks.map(({ index }) => index), chunks.map((_, i) => i));
  assert(chunks.length >= 9 && chunks.length <= 11, `stopped after ${chunks.length} chunks`);
  // One chunk is in the making when the pause begins. On slow machines no more would be, paused or not.
  const meanwhile = made.filter((at) => at > paused && at < paused + 1000);
  assert(meanwhile.length <= 2, `no pause was seen: ${meanwhile.length} chunks were made in it`);
  assertNothingOpen();
});

Deno.test("timeline.ts changes the prompt at the first chunk after a second", async () => {
  const chunks = await Array.fromAsync(change());
  assertEquals(chunks.map(({ first, prompt }) => [first, /red|blue/.exec(prompt.text)?.[0]]), [
    [0, "red"],
    [9, "red"],
    [21, "blue"],
    [33, "blue"],
  ]);
  assertNothingOpen();
});

for (const name of ["compose", "frames", "third_party", "live_prompt", "timeline"]) {
  Deno.test(`${name}.ts runs as a program and ends`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", `tests/examples/${name}.ts`, join(folder, "ball.mp4")],
        cwd: repository,
        env: { NO_COLOR: "1" },
        signal: AbortSignal.timeout(30_000),
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      assert(/\d/.test(new TextDecoder().decode(stdout)));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
