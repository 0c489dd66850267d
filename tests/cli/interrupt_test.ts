import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const ENTRY = new URL("./_entry.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Starts an endless run, and sends each signal when standard error has matched its pattern. */
async function interrupt(
  words: readonly string[],
  signals: readonly (readonly [when: RegExp, signal: Deno.Signal])[],
) {
  const folder = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--no-check", "--config", CONFIG, ENTRY, "generate", "a", ...words],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const watch = async () => {
    let err = "";
    let next = 0;
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      err += text;
      const [when, signal] = signals[next] ?? [];
      if (when?.test(err) && signal !== undefined) {
        next++;
        child.kill(signal);
      }
    }
    return err;
  };
  const [err, out, { code }] = await Promise.all([
    watch(),
    new Response(child.stdout).text(),
    child.status,
  ]);
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const sizes = files.map((name) => Deno.statSync(`${folder}/${name}`).size);
  await Deno.remove(folder, { recursive: true });
  return { code, out, err, files, sizes };
}

const ignore = Deno.build.os === "windows";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `generate ends early at ${signal}, with a whole file and exit code 130`,
    ignore,
    async fn() {
      const outcome = await interrupt(["--config", "endless"], [[/chunk \d+: /, signal]]);
      assertEquals(outcome.code, 130, outcome.err);
      assertEquals(outcome.files, ["a-5.mp4"]);
      const frames = Number(outcome.err.match(/(\d+) frames, [\d.]+ s at 16/)?.[1]);
      assertEquals(frames > 0 && outcome.sizes[0] === frames * 12, true, outcome.err);
      assertMatch(outcome.err, /Stopping: .*\na-5\.mp4 \(stopped early/);
    },
  });
}

Deno.test({
  name: "generate --json tells that it was stopped",
  ignore,
  async fn() {
    const words = ["--config", "endless", "--json", "--diffuse-tell", "3"];
    const outcome = await interrupt(words, [[/warning: here/, "SIGINT"]]);
    assertEquals(outcome.code, 130, outcome.err);
    const { stopped, frames, path } = JSON.parse(outcome.out);
    assertEquals([stopped, path, outcome.sizes], [true, "a-5.mp4", [frames * 12]]);
  },
});

Deno.test({
  name: "generate gives up at the second signal, and leaves nothing",
  ignore,
  async fn() {
    // The chunk would take a minute, so the first signal alone ends nothing.
    const words = ["--config", "endless", "--diffuse-pause", "60000", "--diffuse-tell", "0"];
    const outcome = await interrupt(words, [[/warning: here/, "SIGINT"], [/Stopping/, "SIGINT"]]);
    assertEquals([outcome.code, outcome.files], [130, []], outcome.err);
    assertStringIncludes(outcome.err, "error: Given up: nothing was written.");
  },
});
