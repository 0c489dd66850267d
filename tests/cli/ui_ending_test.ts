import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { StudioProcess } from "../browser/_studio.ts";

/** Starts an endless run and waits for its first picture. */
async function startRun(studio: StudioProcess): Promise<string> {
  await studio.ready();
  const response = await studio.ask("api/runs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a red ball bounces on a green floor", seed: 1, frames: 0 }),
  });
  const { id } = await response.json();
  for (let tries = 0; tries < 200; tries++) {
    const { frames } = await (await studio.ask(`api/runs/${id}`)).json();
    if (frames > 0) return id;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no picture came:\n${studio.errors}`);
}

/** Runs of a gallery, by what their folders hold. */
async function listGallery(gallery: string): Promise<{ id: string; files: string[] }[]> {
  const runs: { id: string; files: string[] }[] = [];
  for await (const { name, isDirectory } of Deno.readDir(gallery)) {
    if (!isDirectory) continue;
    const files = [...Deno.readDirSync(`${gallery}/${name}`)].map((file) => file.name).sort();
    runs.push({ id: name, files });
  }
  return runs;
}

const ignore = Deno.build.os === "windows";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `ui at ${signal} keeps what the run has made, and ends with 0`,
    ignore,
    async fn() {
      const gallery = await Deno.makeTempDir();
      try {
        await using studio = await StudioProcess.start({ gallery });
        const id = await startRun(studio);
        // A page that listens does not keep it from ending.
        const events = await studio.ask(`api/runs/${id}/events`);
        const reading = events.text().catch(() => "");
        assertEquals(await studio.end(signal), 0, studio.errors);
        assertStringIncludes(studio.errors, "Ending: a run keeps what is made of it.");
        await reading;
        const [run, ...others] = await listGallery(gallery);
        assertEquals([run?.id, others], [id, []]);
        assertEquals(run!.files.filter((file) => file.startsWith(".")), []);
        assert(run!.files.some((file) => file.endsWith(".mp4")), run!.files.join());
        await using again = await StudioProcess.start({ gallery });
        const { runs } = await (await again.ask("api/runs")).json();
        assertEquals(runs.length, 1);
        assertEquals([runs[0].id, runs[0].state, runs[0].stopped], [id, "finished", true]);
        assert(runs[0].frames > 0, `${runs[0].frames}`);
      } finally {
        await Deno.remove(gallery, { recursive: true });
      }
    },
  });
}

Deno.test({
  name: "ui that is killed leaves a gallery that lists nothing half-written",
  ignore,
  async fn() {
    const gallery = await Deno.makeTempDir();
    try {
      {
        await using studio = await StudioProcess.start({ gallery });
        await startRun(studio);
        await studio.end("SIGKILL");
      }
      await using studio = await StudioProcess.start({ gallery });
      assertEquals(await (await studio.ask("api/runs")).json(), { runs: [] });
      assertEquals(await listGallery(gallery), []);
    } finally {
      await Deno.remove(gallery, { recursive: true });
    }
  },
});
