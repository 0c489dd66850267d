import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readTimeline } from "../../cli/timeline.ts";
import { sluice } from "../_sluice.ts";
import { decodeFile } from "../plugins/_decode.ts";
import { run } from "./_run.ts";

Deno.test("readTimeline() gives each time the next of the other prompts", () => {
  const words = ["a", "--at", "4s", "c", "--at=1:05", "b"];
  assertEquals(readTimeline(["a", "c", "b"], ["4s", "1:05"], words), {
    prompt: "a",
    later: [{ at: 4, prompt: "c" }, { at: 65, prompt: "b" }],
  });
  const options = ["-o", "b", "a", "--seed", "1", "--at", "2", "--", "--at"];
  assertEquals(readTimeline(["a", "--at"], ["2"], options).later, [
    { at: 2, prompt: "--at" },
  ]);
  assertEquals(readTimeline([], [], []), { prompt: undefined, later: [] });
});

Deno.test("generate --at follows each prompt from its chunk on, and says so everywhere", async () => {
  const words = ["generate", "a red ball bounces", "--at", "2.5s", "a blue ball bounces"];
  const sooner = ["--at", "0:01", "a green square spins"];
  const { out, err } = await sluice(
    [...words, ...sooner, "--frames", "57", "-o", "v.mp4", "--json"],
    {},
    async () => {
      const { metadata } = await decodeFile("v.mp4");
      const { prompts } = JSON.parse(metadata.comment!);
      assertEquals(
        prompts.map(({ frame }: { frame: number }) => frame),
        [0, 21, 45],
      );
    },
  );
  // Chunks begin with the pictures 0, 9, 21, 33, 45: 1 s is picture 16, 2.5 s picture 40.
  const { prompts } = JSON.parse(out);
  assertEquals(prompts, [
    { frame: 0, seconds: 0, prompt: "a red ball bounces on a grey floor" },
    { frame: 21, seconds: 21 / 16, prompt: "a green square spins, grey background" },
    { frame: 45, seconds: 45 / 16, prompt: "a blue ball bounces on a grey floor" },
  ]);
  assertEquals(err, "");
});

Deno.test("generate --at tells of a prompt that no chunk is made from", async () => {
  const words = [
    "generate",
    "a red ball",
    "--at",
    "1",
    "a blue ball",
    "--at",
    "1.1",
    "a green ball",
  ];
  const { out, err } = await sluice([...words, "--frames", "33", "-o", "v.mp4"]);
  assertEquals(out, "");
  assertMatch(
    err,
    /warning: The prompt "a blue ball[^"]*" is not seen: no chunk begins before "a green ball/,
  );
  assertMatch(err, /prompt from 1\.31 s on: a green ball/);
});

const MISTAKES: [words: string[], message: string][] = [
  [["a", "--at", "6s", "b"], "--at 6 s: the video is 1.31 s long, 21 frames at 16 a second."],
  [
    ["a", "--at", "1.2", "b"],
    "the last chunk of the video begins at 0.56 s. Choose that or an earlier",
  ],
  [
    ["a", "--at", "-2", "b"],
    "--at -2: a time of the video is not negative; expected seconds such as 2.5s",
  ],
  [
    ["a", "--at", "40f", "b"],
    "--at 40f: that is no time; expected seconds such as 2.5s or 2.5, or minutes",
  ],
  [
    ["a", "--at", "0.3", "b", "--frames", "9"],
    "--at 0.3 s: a prompt is followed from the beginning of a chunk on, and the video is one chunk of 9 frames. Choose",
  ],
  [
    ["a", "--at", "0.5", "b", "--encode-video-fps", "24"],
    "the last chunk of the video begins at 0.37 s. Choose that",
  ],
  [["a", "--at", "0", "b"], "--at 0: there the first prompt begins; expected a later time."],
  [["a", "--at", "0.5", " "], "--at 0.5: the prompt is empty"],
  [["a", "--at", "0.5"], "--at 0.5 has no prompt: write it behind the time"],
  [["--at", "0.5", "b", "a"], "--at stands before the first prompt"],
  [["--at", "0.5"], "--at stands before the first prompt"],
  [
    ["a", "b"],
    'More words follow the prompt "a". Put quotes around a prompt of several words: "a b"; or',
  ],
  [["a", "b", "--at", "0.5", "c"], 'The prompt "b" has no time'],
  [["a", "b", "--at", "0.5"], 'The prompt "b" has no time'],
  [["a", "a", "--at", "0.5", "b"], 'The prompt "a" has no time'],
  [["a", "--at", "0.5", "b", "c", "--at=0.7"], 'The prompt "c" has no time'],
  [["a", "--at", "0.5", "b", "c"], 'The prompt "c" has no time'],
  [["a", "--at", "0.5", "--at", "0.7", "b", "c"], "--at 0.5 has no prompt"],
  [["--at", "0.5", "a", "--at", "0.7", "a"], "--at stands before the first prompt"],
  [["a", "--at", "0.5", "b", "--at", "0.50s", "c"], 'Two prompts begin at 0.5 s: "b" and "c".'],
  [["--prompts", "p.txt", "--at", "0.5", "b"], "--prompts"],
];
for (const [words, message] of MISTAKES) {
  Deno.test(`generate ${words.join(" ")} is the user's mistake`, async () => {
    const { code, err, files } = await run(["generate", ...words]);
    assertEquals([code, files], [2, []], err);
    assertStringIncludes(err, message);
  });
}

Deno.test("generate --at takes any time of an endless video", async () => {
  const words = ["generate", "a", "--at", "9:59", "b", "--frames", "0", "--diffuse-fail", "true"];
  const { code, err } = await run(words);
  assertEquals(code, 1);
  assertStringIncludes(err, "the numbers ran out");
});

const CONFIG = `name: two
timeline: [{ at: 0.5s, prompt: a blue ball bounces }]
stages:
  - use: extend-prompt
    with: { provider: template }
  - use: encode-text
  - use: diffuse
    with: { latent-frames: 6 }
  - use: decode
  - use: encode-video
`;

Deno.test("generate follows a config's timeline, unless the command line has one", async () => {
  const words = ["generate", "a red ball", "--config", "two.yaml", "-o", "v.mp4", "--json"];
  const prompts = ({ out }: { out: string }): string[] =>
    JSON.parse(out).prompts.map(({ prompt }: { prompt: string }) => prompt.slice(0, 6));
  const files = { "two.yaml": CONFIG };
  assertEquals(prompts(await sluice(words, files)), ["a red ", "a blue"]);
  const own = [...words, "--at", "0.4", "a green ball"];
  assertEquals(prompts(await sluice(own, files)), ["a red ", "a gree"]);
});

Deno.test("generate refuses a config's timeline that is too long, or stands in a batch", async () => {
  const late = { "two.yaml": CONFIG.replace("0.5s", "0:09"), "p.txt": "a red ball" };
  const { code, err } = await sluice(["generate", "a red ball", "--config", "two.yaml"], late);
  assertEquals(code, 2);
  assertStringIncludes(err, "timeline 9 s: the video is 1.31 s long, 21 frames at 16 a second.");
  const batch = await sluice(["generate", "--prompts", "p.txt", "--config", "two.yaml"], {
    ...late,
    "two.yaml": CONFIG,
  });
  assertEquals([batch.code, batch.files], [2, []]);
  assertStringIncludes(batch.err, 'the pipeline "two" has a timeline');
});

Deno.test("--set takes a config's timeline out, or another in; describe shows it", async () => {
  const files = { "two.yaml": CONFIG };
  const describe = async (...set: string[]) =>
    (await sluice(["pipeline", "describe", "two.yaml", ...set], files)).out.split("\n")
      .filter((line) => line.startsWith("from "));
  assertEquals(await describe(), ["from 0.5 s on: a blue ball bounces"]);
  assertEquals(await describe("--set", "timeline=[]"), []);
  const other = "timeline=[{ at: 1:05, prompt: a star spins }]";
  assertEquals(await describe("--set", other), ["from 1:05 on: a star spins"]);
  const bad = ["pipeline", "describe", "two.yaml", "--set", "timeline=[{ at: x, prompt: a }]"];
  const { code, err } = await sluice(bad, files);
  assertEquals(code, 2);
  assertStringIncludes(err, "--set timeline=[{ at: x, prompt: a }]: expected a time above 0");
});

Deno.test("generate --frames 0 is refused by its own name where the whole video is made at once", async () => {
  const words = ["generate", "a", "--config", "wan2.1_t2v_1.3b", "--frames", "0"];
  const { code, err } = await sluice(words);
  assertEquals(code, 2);
  assertMatch(
    err,
    /^error: --frames: the pipeline "wan2\.1_t2v_1\.3b" makes the whole video at once/,
  );
});

Deno.test("generate refuses a timeline where the whole video is made at once", async () => {
  const words = ["generate", "a", "--at", "0.5", "b", "--config", "wan2.1_t2v_1.3b"];
  const { code, err } = await sluice(words);
  assertEquals(code, 2);
  assertStringIncludes(err, "makes the whole video at once, so that its prompt cannot change");
});
