import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Demuxer } from "node-av/api";
import { TextLineStream } from "./_lines.ts";

/** How often the process is killed. */
const KILLS = 8;

/** Pictures of a finished video. */
async function countPictures(path: string): Promise<number> {
  await using input = await Demuxer.open(path);
  let count = 0;
  for await (using packet of input.packets(0)) if (packet !== null) count++;
  return count;
}

Deno.test(`a studio that is killed ${KILLS} times starts again with whole videos and nothing else`, async () => {
  const folder = await Deno.makeTempDir();
  const gallery = join(folder, "gallery");
  let before: string[] = [];
  let torn = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "-q",
        "--no-check",
        new URL("./_killed.ts", import.meta.url).pathname,
        folder,
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TextLineStream(),
    );
    const reader = lines.getReader();
    const { value = "" } = await reader.read();
    const told: { runs: string[]; warnings: string[] } = JSON.parse(value);
    assertEquals(told.warnings, []);
    // What was listed once stays, and nothing half-written is in the folder.
    assert(before.every((id) => told.runs.includes(id)));
    before = told.runs;
    for (const id of told.runs) {
      assertEquals(await countPictures(join(gallery, id, "video.mp4")), 33, id);
      const poster = await Deno.readFile(join(gallery, id, "poster.jpg"));
      assertEquals([...poster.subarray(0, 2), ...poster.subarray(-2)], [0xff, 0xd8, 0xff, 0xd9]);
    }
    // Every other one dies young; the others have finished a run, and are at the next.
    if (kill % 2 === 0) await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 20 + 37 * kill % 150));
    process.kill("SIGKILL");
    await process.status;
    await reader.cancel();
    for (const { name } of Deno.readDirSync(gallery)) if (name.startsWith(".tmp-")) torn++;
  }
  assert(before.length > 0 && torn > 0, `${before.length} runs, ${torn} cut off`);
  await Deno.remove(folder, { recursive: true });
});
