import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertNothingOpen, sluice } from "../_sluice.ts";

const GENERATE = ["generate", "a red ball bounces", "--out", "o.mp4"];

/** A config whose `diffuse` has these options. */
function config(options: string): string {
  return [
    "name: mine",
    "stages:",
    "  - use: encode-text",
    "  - use: diffuse",
    `    with: { ${options} }`,
    "  - use: decode",
    "  - use: encode-video",
  ].join("\n");
}

/** What the program says of words that are the user's mistake; nothing may come of them. */
async function refusal(words: readonly string[], file?: string): Promise<string> {
  const all = file === undefined ? words : [...words, "--config", "./mine.yaml"];
  const { code, out, err, files } = await sluice(
    all,
    file === undefined ? {} : {
      "mine.yaml": file,
    },
  );
  assertEquals([code, out, files], [2, "", []], err);
  assertNothingOpen();
  return err;
}

Deno.test("an unknown option is refused by name, with the nearest", async () => {
  assertStringIncludes(
    await refusal([...GENERATE, "--diffuse-windw", "9"]),
    "unknown option '--diffuse-windw'. Did you mean --diffuse-window?",
  );
  assertStringIncludes(
    await refusal([...GENERATE, "--set", "diffuse.windw=9"]),
    'error: --set diffuse.windw=9: there is no such option. Did you mean "window"? Known: network,',
  );
  assertStringIncludes(
    await refusal(GENERATE, config("latent-frames: 3, windw: 9")),
    'error: ./mine.yaml:5:31: stages[1].with.windw: there is no such option. Did you mean "window"?',
  );
});

Deno.test("everything that is wrong is told at once, in the file and in settings", async () => {
  const said = await refusal(
    [...GENERATE, "--set", "encode-video.fps=0", "--set", "difuse.sink=1"],
    config("latent-frames: 3, windw: 9, sink: many"),
  );
  const [first, ...lines] = said.trimEnd().split("\n");
  assertEquals(first, "error: 4 problems in ./mine.yaml and --set:");
  assertEquals(lines.map((line) => line.replace(/\. (Did|Known).*/, ".")), [
    "  ./mine.yaml:5:31: stages[1].with.windw: there is no such option.",
    '  ./mine.yaml:5:47: stages[1].with.sink: expected a number, got "many".',
    '  --set difuse.sink=1: there is no stage "difuse".',
    "  --set encode-video.fps=0: expected more than 0, got 0.",
  ]);
});

Deno.test("stages in a wrong order are refused by names, kinds and line", async () => {
  const wrong = "name: w\nstages:\n  - use: encode-text\n  - use: decode\n  - use: diffuse\n";
  assertEquals(
    await refusal(GENERATE, wrong),
    'error: ./mine.yaml:4:10: stages[1].use: The stage "decode" cannot follow "encode-text": ' +
      'expected latents, got conditioning. Between them fits "diffuse".\n',
  );
});

Deno.test("an unknown plugin is refused with the nearest and all that are known", async () => {
  assertEquals(
    await refusal(GENERATE, "name: w\nstages:\n  - use: encode-txt\n"),
    'error: ./mine.yaml:3:10: stages[0].use: there is no plugin "encode-txt". Did you mean ' +
      '"encode-text"? Known: extend-prompt, encode-text, encode-picture, diffuse, decode, encode-video. A module of ' +
      "your own is named by ./file.ts, npm:package or https://….\n",
  );
  assertStringIncludes(
    await refusal(GENERATE, "name: w\nstages:\n  - use: ./nowhere.ts\n"),
    'stages[0].use: the module "./nowhere.ts" could not be imported: Module not found',
  );
});

Deno.test("an unknown network is refused with those that are known", async () => {
  assertStringIncludes(
    await refusal([...GENERATE, "--set", "diffuse.network=embeded"]),
    '--set diffuse.network=embeded: expected one of "embedded", "wan2.1-1.3b"',
  );
  assertStringIncludes(
    await refusal(GENERATE, config("network: embeded")),
    './mine.yaml:5:22: stages[1].with.network: expected one of "embedded", "wan2.1-1.3b"',
  );
  assertStringIncludes(await refusal([...GENERATE, "--decode-network", "taef1"]), '"taef1"');
});

Deno.test("numbers of frames that no chunks make are refused with the nearest", async () => {
  assertStringIncludes(
    await refusal([...GENERATE, "--frames", "20"]),
    "--frames: A video of 20 frames cannot be made: it is made in chunks of 3 latent frames, which " +
      "give 9, 21, 33, … frames. Nearest: 21 or 9; 0 goes on until it is stopped.",
  );
  assertStringIncludes(await refusal([...GENERATE, "--frames", "-1"]), "--frames");
  assertStringIncludes(await refusal([...GENERATE, "--frames", "many"]), "--frames");
  for (
    const [words, file] of [[[...GENERATE, "--set", "diffuse.latent-frames=4"], undefined], [
      GENERATE,
      config("latent-frames: 4"),
    ]] as const
  ) {
    assertStringIncludes(
      await refusal(words, file),
      "cannot make 4 latent frames in chunks of 3: expected a multiple of 3, such as 3 or 6, got 4.",
    );
  }
});

Deno.test("a sink and a chunk that do not fit the window are refused with what would", async () => {
  assertEquals(
    await refusal([...GENERATE, "--set", "diffuse.sink=7"]),
    "error: --set diffuse.sink=7: cannot keep a sink of 7 latent frames and a chunk of 3 in a " +
      "window of 9: expected sink + chunk ≤ window, got 10 > 9; use a window of at least 10, or a " +
      "sink of at most 6.\n",
  );
  assertEquals(
    await refusal([...GENERATE, "--set", "diffuse.window=2"]),
    "error: --set diffuse.window=2: cannot make chunks of 3 latent frames in a window of 2, for a " +
      "chunk must see itself: expected chunk ≤ window, got 3 > 2; use a window of at least 3 or a " +
      "smaller chunk.\n",
  );
});

Deno.test("sizes and steps that cannot be are refused", async () => {
  for (
    const [setting, reason] of [
      ["diffuse.height=130", "expected a multiple of 32 pixels, got 130."],
      ["diffuse.width=1", "expected a multiple of 32 pixels, got 1."],
      ["diffuse.steps=[500, 1000]", "expected falling numbers such as [1000, 750, 500, 250]"],
      ["diffuse.steps=[]", "expected at least 1 item, got []."],
      ["diffuse.shift=0", "expected more than 0, got 0."],
      ["diffuse.window=nine", 'expected a number, got "nine".'],
      ["encode-video.fps=-1", "expected more than 0, got -1."],
    ] as const
  ) {
    const said = await refusal([...GENERATE, "--set", setting]);
    assertStringIncludes(said, `error: --set ${setting}: ${reason.slice(0, 20)}`);
    assertStringIncludes(said, reason);
  }
});

Deno.test("settings that name no stage, and configs that are none, are refused", async () => {
  assertStringIncludes(
    await refusal([...GENERATE, "--set", "difuse.window=9"]),
    'there is no stage "difuse". Did you mean "diffuse"?',
  );
  assertStringIncludes(
    await refusal([...GENERATE, "--set", "diffuse.window"]),
    "expected stage.option=value, such as diffuse.latent-frames=9.",
  );
  assertStringIncludes(
    await refusal([...GENERATE, "--config", "embeded"]),
    'There is no config "embeded". Did you mean "embedded"?',
  );
  assertStringIncludes(
    await refusal([...GENERATE, "--config", "./none.yaml"]),
    "./none.yaml: there is no such file.",
  );
  assertStringIncludes(await refusal(GENERATE, "name: [\n"), "this is no valid YAML.");
  assertStringIncludes(await refusal(GENERATE, ""), "the file is empty");
});

Deno.test("a text encoder and a network that do not fit are refused by their sizes", async () => {
  const { code, err, files } = await sluice(
    [...GENERATE, "--set", "encode-text.sizes={text-len: 16}"],
  );
  assertEquals([code, files], [2, []], err);
  assertStringIncludes(
    err,
    'error: diffuse: The text encoder gives 16 tokens of 128 channels and the network "embedded" ' +
      "takes 32 of 128: choose the text encoder it was made with.",
  );
  assertNothingOpen();
});
