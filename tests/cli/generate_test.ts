import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "./_run.ts";

/** The report of a run that must succeed. */
async function report(...words: string[]) {
  const outcome = await run(["generate", "a red ball", "--json", ...words]);
  assertEquals(outcome.code, 0, outcome.out);
  return { ...outcome, json: JSON.parse(outcome.out) };
}

Deno.test("generate --json prints one object and nothing else", async () => {
  const { json, err, out, files } = await report();
  assertEquals(err, "");
  assertEquals(out.split("\n").length, 1);
  assertEquals(files, ["a-red-ball-0.mp4"]);
  const { seconds, loadSeconds, firstFrameSeconds, framesPerSecond, ...rest } = json;
  const { steadyFramesPerSecond, stages, ...fixed } = rest;
  assertEquals(fixed, {
    path: "a-red-ball-0.mp4",
    bytes: 21 * 12,
    frames: 21,
    fps: 16,
    seed: 0,
    prompt: "a red ball",
    extendedPrompt: "a red ball please",
    prompts: [{ frame: 0, seconds: 0, prompt: "a red ball please" }],
    config: "embedded",
    device: "cpu",
    stopped: false,
  });
  assertEquals(0 < loadSeconds && loadSeconds < firstFrameSeconds, true);
  assertEquals(firstFrameSeconds <= seconds, true);
  assertEquals(framesPerSecond > 0 && steadyFramesPerSecond > 0, true);
  assertEquals(
    stages.map((stage: { stage: string; chunks: number }) => [stage.stage, stage.chunks]),
    [["extend-prompt", 1], ["diffuse", 2], ["decode", 2], ["encode-video", 1]],
  );
  for (const stage of stages) {
    assertEquals(typeof stage.seconds, "number");
    assertEquals(typeof stage.loadSeconds, "number");
  }
});

Deno.test("generate --frames counts pictures", async () => {
  assertEquals((await report("--frames", "81")).json.frames, 81);
  assertEquals((await report("--frames", "9")).json.frames, 9);
  assertEquals((await report("--frames", "5", "--diffuse-chunk", "1")).json.frames, 5);
});

Deno.test("generate --frames finds the chunk of a network that the config leaves to the plugin", async () => {
  const words = ["--config", "network-chunk", "--diffuse-noise", "mt19937"];
  assertEquals((await report(...words, "--frames", "33")).json.frames, 33);
  const { code, err } = await run(["generate", "a", ...words, "--frames", "34"]);
  assertEquals(code, 2);
  assertStringIncludes(err, "in chunks of 3 latent frames");
});

Deno.test("generate takes flags of plugins and --set alike", async () => {
  const flags = await report("--diffuse-latent-frames", "9", "--encode-video-fps", "8");
  assertEquals([flags.json.frames, flags.json.fps], [33, 8]);
  const set = await report("--set", "diffuse.latent-frames=9", "--set", "encode-video.fps=8");
  assertEquals([set.json.frames, set.json.fps], [33, 8]);
  const word = await report("--extend-prompt-word", "true");
  assertEquals(word.json.extendedPrompt, "a red ball true");
  assertEquals((await report("--diffuse-steps", "4,2", "--diffuse-warp-steps", "false")).code, 0);
});

Deno.test("generate --seed goes into the prompt and the name; else the config's seed", async () => {
  const set = await report("--seed", "7");
  assertEquals([set.json.seed, set.json.path], [7, "a-red-ball-7.mp4"]);
  const own = await report("--set", "diffuse.seed=3");
  assertEquals([own.json.seed, own.json.path], [3, "a-red-ball-3.mp4"]);
});

Deno.test("generate --out names the file and replaces one that is there", async () => {
  const words = ["generate", "a", "--out", "b.webm", "--quiet"];
  const { code, out, err, files } = await run(words, { files: ["b.webm"] });
  assertEquals({ code, out, err, files }, { code: 0, out: "b.webm", err: "", files: ["b.webm"] });
});

Deno.test("generate without --out replaces nothing", async () => {
  const { out, files } = await run(["generate", "A ball!", "-q"], { files: ["a-ball-0.mp4"] });
  assertEquals(out, "a-ball-0-2.mp4");
  assertEquals(files, ["a-ball-0-2.mp4", "a-ball-0.mp4"]);
});

Deno.test("generate without --out names the container that the config chose", async () => {
  const { out } = await run(["generate", "A ball!", "-q", "--encode-video-container", "webm"]);
  assertEquals(out, "a-ball-0.webm");
});

Deno.test("generate tells of itself in plain lines where standard error is no terminal", async () => {
  const { code, out, err } = await run(["generate", "a ball"]);
  assertEquals([code, out], [0, ""]);
  const lines = err.trimEnd().split("\n");
  assertEquals(lines[0], "prompt: a ball please");
  assertMatch(lines[1] ?? "", /^chunk 1\/2: 9\/21 frames, [\d.]+ frames\/s, 0\.\d\d s$/);
  assertEquals(lines[2], "a-ball-0.mp4");
  assertMatch(lines[3] ?? "", /^ {2}21 frames, 1\.31 s at 16 frames\/s, 252 bytes, seed 0$/);
  assertMatch(lines[4] ?? "", /^ {2}made in .* real time; first frame after 0\.\d\d s$/);
  assertMatch(lines[5] ?? "", /^ {2}extend-prompt {2}\d/);
  assertEquals(lines.length, 9);
});

Deno.test("generate draws one line anew in a terminal, and leaves none of it behind", async () => {
  const { err } = await run(["generate", "a ball", "--diffuse-pause", "60"], { live: true });
  assertStringIncludes(err, "\rloading");
  assertMatch(err, /chunk \d\/2, step 1\/2 · \d+\/21 frames/);
  assertStringIncludes(err, "\r\x1b[Ja-ball-0.mp4\n");
});

Deno.test("generate --preview draws the pictures below one another in place", async () => {
  const words = ["generate", "a", "--preview", "--seed", "3", "--encode-video-fps", "200"];
  const { code, err } = await run([...words], { live: true });
  assertEquals(code, 0, err);
  const cell = "\x1b[38;2;3;3;3m\x1b[48;2;3;3;3m▀▀\x1b[0m";
  assertEquals(err.split(cell).length - 1 >= 21, true);
  assertStringIncludes(err, `\r\x1b[1A${cell}\x1b[K\r\n`);
});

Deno.test("generate --out puts a new name into a folder", async () => {
  for (const folder of [".", "./", "videos/"]) {
    const outcome = await run(["generate", "a red ball", "--json", "--out", folder]);
    if (folder === "videos/") {
      // The writer of these tests makes no folders.
      assertStringIncludes(outcome.out, "videos/a-red-ball-0.mp4");
      continue;
    }
    assertEquals(JSON.parse(outcome.out).path, "a-red-ball-0.mp4");
    assertEquals(outcome.files, ["a-red-ball-0.mp4"]);
  }
  const taken = { files: ["a-red-ball-0.mp4"] };
  const again = await run(["generate", "a red ball", "--json", "--out", "."], taken);
  assertEquals(JSON.parse(again.out).path, "a-red-ball-0-2.mp4");
});

const MISTAKES: [words: string[], message: string][] = [
  [[], "prompt"],
  [[" "], "The prompt is empty"],
  [["a", "b"], 'More words follow the prompt "a"'],
  [["a", "--config", "embeded"], 'no config "embeded". Did you mean "embedded"?'],
  [["a", "--config", "./none.yaml"], "none.yaml: there is no such file"],
  [["a", "--config", "broken"], "broken.yaml:5:7: stages[0].with.windwo: there is no such option"],
  [["a", "--config", "counting"], 'The pipeline "counting" writes no file'],
  [["a", "--frames", "80"], "Nearest: 81 or 69"],
  [["a", "--frames", "-1"], "--frames: expected a number of pictures"],
  [["a", "--frames", "9.5"], "--frames"],
  [["a", "--seed", "-1"], "--seed: expected a whole number"],
  [["a", "--threads", "0"], "--threads: expected at least 1"],
  [["a", "--set", "diffuse.windwo=3"], 'Did you mean "window"?'],
  [["a", "--set", "window"], "expected stage.option=value"],
  [["a", "--diffuse-noise", "phil"], '"philox"'],
  [["a", "--diffuse-window", "x"], "--diffuse-window"],
  [["a", "--diffuse-windwo", "3"], "--diffuse-windwo"],
  [["a", "--config", "endless", "--extend-prompt-word", "x"], 'no stage "extend-prompt"'],
  [["a", "--preview"], "--preview draws in a terminal"],
  [["a", "--preview", "--quiet"], "--quiet"],
];
for (const [words, message] of MISTAKES) {
  Deno.test(`generate ${words.join(" ")} is the user's mistake`, async () => {
    const { code, out, err, files } = await run(["generate", ...words]);
    assertEquals([code, out, files], [2, "", []], err);
    assertStringIncludes(err, message);
    const json = await run(["generate", ...words, "--json"]);
    const { error } = JSON.parse(json.out);
    assertEquals([json.code, error.code], [2, 2]);
    assertStringIncludes(error.message, message);
  });
}

Deno.test("generate --preview is refused where NO_COLOR forbids colours", async () => {
  const { code, err } = await run(["generate", "a", "--preview"], { live: true, colours: false });
  assertEquals(code, 2);
  assertStringIncludes(err, "NO_COLOR");
});

Deno.test("generate gives 1 for a failure, and its origin only with --verbose", async () => {
  const words = ["generate", "a", "--diffuse-fail", "true"];
  const plain = await run(words);
  assertEquals([plain.code, plain.files], [1, []]);
  assertStringIncludes(plain.err, 'error: The stage "diffuse" failed: the numbers ran out\n');
  assertEquals(plain.err.includes("_fakes.ts"), false);
  const verbose = await run([...words, "--verbose"]);
  assertStringIncludes(verbose.err, "caused by: Error: the numbers ran out");
  assertStringIncludes(verbose.err, "_fakes.ts");
  const json = await run([...words, "--json"]);
  assertEquals(JSON.parse(json.out), {
    error: { message: 'The stage "diffuse" failed: the numbers ran out', code: 1 },
  });
});

Deno.test("generate --help-all teaches the main options first, then each plugin's", async () => {
  const short = await run(["generate", "--help"]);
  assertEquals(short.code, 0);
  assertStringIncludes(short.out, "--help-all");
  assertEquals(short.out.includes("--diffuse-noise"), false);
  const { code, out } = await run(["generate", "--help-all"]);
  assertEquals(code, 0);
  const places = ["--config", "--frames", "--quiet", "--extend-prompt-word", "--diffuse-noise"]
    .map((flag) => out.search(new RegExp(` ${flag} `)));
  assertEquals(places.includes(-1), false, String(places));
  assertEquals(places, places.toSorted((a, b) => a - b));
  assertMatch(out.replace(/\s+/g, " "), /Latent frames remembered \(default: 21\)\./);
  assertMatch(out, /"philox",\s*"mt19937"/);
  assertStringIncludes(out, "SLUICE_DEVICE");
});
