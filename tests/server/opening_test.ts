/** Runs of the embedded model that begin with a picture, go on from a clip, or are made over one. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { plugins } from "../../mod.ts";
import { parseConfig } from "../../pipeline/config.ts";
import { readClipEnd } from "../../plugins/encode_picture/read.ts";
import { planRun } from "../../server/plan.ts";
import { ProblemError } from "../../server/problem.ts";
import { Studio } from "../../server/studio.ts";
import type { CreateRun, RunServerEvent, RunView, UploadView } from "../../server/wire.ts";
import { png } from "../plugins/_png.ts";
import { apiOf, type Ask } from "./_fakes.ts";

const RED = "a red ball bounces on a green floor";

/** A drawn ball over a floor. */
const BALL = png(128, 128, (x, y) => {
  if (y >= 90) return [60, 154, 60];
  return (x - 64) ** 2 + (y - 50) ** 2 < 18 ** 2 ? [208, 32, 32] : [200, 216, 232];
});

interface Made {
  readonly run: RunView;
  readonly events: readonly RunServerEvent[];
  /** RGB bytes `[128, 128, 3]` each. */
  readonly pictures: readonly Uint8Array[];
}

async function made(studio: Studio, ask: Ask, json: CreateRun): Promise<Made> {
  const response = await ask("/api/runs", { method: "POST", json });
  assertEquals(response.status, 201, await response.clone().text());
  const { id }: RunView = await response.json();
  const events = await Array.fromAsync(studio.running(id)!.log.listen(0), ({ event }) => event);
  const run = studio.find(id)!;
  assertEquals([run.state, run.error], ["finished", undefined]);
  const { signal } = new AbortController();
  const wanted = { height: 128, width: 128, fps: 16, most: 100, signal };
  return { run, events, pictures: await readClipEnd(studio.file(id, "video"), wanted) };
}

async function upload(ask: Ask, body: BodyInit, type: string): Promise<UploadView> {
  const headers = { "content-type": type };
  return await (await ask("/api/uploads", { method: "POST", body, headers })).json();
}

/** Mean difference of two pictures, 0 … 255. */
function apart(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

/** Pixels of a picture that are mostly of a colour. */
function count(pixels: Uint8Array, colour: "red" | "blue"): number {
  let found = 0;
  for (let at = 0; at < pixels.length; at += 3) {
    const [red, green, blue] = [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!];
    const [own, other] = colour === "red" ? [red, blue] : [blue, red];
    if (own >= 120 && other <= 0.6 * own && green <= 0.7 * own) found++;
  }
  return found;
}

Deno.test("a run begins with an uploaded picture, goes on from a video, and is made over it", async () => {
  const folder = await Deno.makeTempDir();
  const studio = await Studio.open({ gallery: join(folder, "gallery") });
  try {
    const ask = await apiOf(studio);
    const { id } = await upload(ask, BALL, "image/png");
    const first = await made(studio, ask, { prompt: RED, seed: 1, image: id, frames: 25 });
    // One latent frame is the picture; chunks of three follow it.
    assertEquals([first.run.frames, first.run.framesTotal, first.run.chunksTotal], [25, 25, 3]);
    assertEquals(first.run.chunks.map(({ frames }) => frames), [1, 12, 12]);
    assertEquals(first.run.opening, { kind: "image", id });
    const [picture] = first.pictures;
    assert(picture![(50 * 128 + 64) * 3]! > 150 && picture![(50 * 128 + 64) * 3 + 1]! < 90);
    const { config } = JSON.parse(
      await Deno.readTextFile(join(folder, "gallery", first.run.id, "run.json")),
    );
    const kept = await parseConfig(config, { plugins, file: "kept.yaml" });
    assertEquals(kept.stages.map(({ use }) => use).slice(-4), [
      ...["encode-picture", "diffuse", "decode", "encode-video"],
    ]);

    const next = await made(studio, ask, {
      ...{ prompt: RED, seed: 2, video: first.run.id, frames: 33 },
      timeline: [{ at: 1.3, prompt: "a blue ball bounces on a green floor" }],
    });
    assertEquals([next.run.frames, next.run.framesTotal], [33, 33]);
    assertEquals(next.run.opening, { kind: "video", id: first.run.id });
    const end = first.pictures.slice(-21);
    for (const i of [0, 10, 20]) {
      const difference = apart(next.pictures[i]!, end[i]!);
      assert(difference < 6, `picture ${i} differs by ${difference}`);
    }
    const prompts = next.events.filter((event) => event.type === "prompt");
    assertEquals(prompts.at(-1)?.text, "a blue ball bounces on a green floor");

    const clip = await Deno.readFile(studio.file(next.run.id, "video"));
    const film = await upload(ask, clip, "video/mp4");
    const over = await made(studio, ask, {
      ...{ prompt: "a blue ball bounces on a green floor", seed: 3 },
      ...{ video: film.id, strength: 0.5, frames: 21 },
    });
    // As long as the clip, of which there are more pictures than were asked for.
    assertEquals([over.run.frames, over.run.framesTotal, over.run.endless], [21, null, false]);
    assertEquals(over.run.opening, { kind: "video", id: film.id, strength: 0.5 });
    const warnings = over.events.filter((event) => event.type === "warning");
    assertEquals(warnings.map(({ message }) => message), [
      "Only the first 21 pictures of the upload are made over: the video may not be longer " +
      "(diffuse.latent-frames, encode-picture.most).",
    ]);
    assert(count(over.pictures[4]!, "blue") > 200 && count(over.pictures[4]!, "red") < 60);
    assert(count(next.pictures[4]!, "red") > 200);

    // What a run needed is let go of with it.
    await studio.uploads.sweep(Date.now() + 4000_000);
    assertEquals([studio.uploads.get(id), studio.uploads.get(film.id)], [undefined, undefined]);
  } finally {
    await studio.close("cancel");
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a video that is deleted before its turn is missed by its name, not by its path", async () => {
  const folder = await Deno.makeTempDir();
  const studio = await Studio.open({ gallery: folder });
  try {
    const ask = await apiOf(studio);
    const { run: { id } } = await made(studio, ask, { prompt: RED, frames: 9 });
    const endless = await studio.create({ prompt: RED, frames: 0 });
    const waiting = await studio.create({ prompt: RED, frames: 21, video: id });
    await studio.remove(id);
    await studio.remove(endless.id);
    await studio.running(waiting.id)!.ended;
    const { state, error } = studio.find(waiting.id)!;
    assertEquals(state, "failed");
    assertStringIncludes(error!, `There is no file sluice-${id}.mp4, which was to be the clip`);
    assertEquals(error!.includes(folder), false);
  } finally {
    await studio.close("cancel");
    await Deno.remove(folder, { recursive: true });
  }
});

const TEXT = `name: short
timeline: [{ at: 0.9s, prompt: a blue ball }]
stages:
  - use: encode-text
  - use: diffuse
    with: { latent-frames: 9 }
  - use: decode
  - use: encode-video
    with: { fps: 8 }
`;

Deno.test("planRun() tells each stage what a video begins with, as the command line does", async () => {
  const config = await parseConfig(TEXT, { plugins, file: "short.yaml" });
  const options = (request: Partial<CreateRun>, kind: "image" | "video", strength?: number) => {
    const opening = { kind, strength };
    const { stages } = planRun(config, { prompt: "a", ...request }, { opening, plugins });
    const [encoder, diffuse] = stages.slice(1, 3).map(({ options }) =>
      options as Record<string, unknown>
    );
    const { most, fps, independentFirstFrame, chunk } = encoder!;
    return [[most, fps, independentFirstFrame, chunk], diffuse!.latentFrames];
  };
  assertEquals(options({}, "image"), [[7, 8, true, 3], 10]);
  assertEquals(options({ frames: 25 }, "image"), [[4, 8, true, 3], 7]);
  const still = { "diffuse.independent-first-frame": false };
  assertEquals(options({ options: still }, "image"), [[6, 8, false, 3], 9]);
  assertEquals(options({}, "video"), [[6, 8, false, 3], 9]);
  assertEquals(options({}, "video", 0.5), [[9, 8, false, 3], 9]);
  assertEquals(options({ frames: 0, timeline: [] }, "video", 0.5), [[241, 8, false, 3], 0]);
});

Deno.test("planRun() takes frames in place of a length that does not fit the options", async () => {
  const config = await parseConfig(TEXT, { plugins, file: "short.yaml" });
  const options = { "diffuse.chunk": 2 };
  const plan = (more: Partial<CreateRun>) =>
    planRun(config, { prompt: "a", options, timeline: [], ...more });
  assertEquals(plan({ frames: 13 }).framesTotal, 13);
  assertEquals(plan({ frames: 0 }).endless, true);
  assertThrows(() => plan({}), ProblemError, "options.diffuse.latent-frames");
  assertThrows(() => plan({ frames: 15 }), ProblemError, "Nearest: 13 or 21");
});

Deno.test("planRun() does not know the length of what is made over a clip", async () => {
  const own = TEXT.replace("  - use: diffuse", "  - use: encode-picture\n    with: STRENGTH\n$&");
  const total = async (text: string, opening?: { kind: "image" | "video"; strength?: number }) => {
    const config = await parseConfig(text, { plugins, file: "own.yaml" });
    const request = { prompt: "a", timeline: [] };
    const plan = planRun(config, request, opening && { opening, plugins });
    return [plan.framesTotal, plan.chunksTotal, plan.endless];
  };
  const strong = own.replace("STRENGTH", "{ strength: 0.5 }");
  assertEquals(await total(TEXT, { kind: "video", strength: 0.5 }), [null, null, false]);
  assertEquals(await total(strong, { kind: "video" }), [null, null, false]);
  assertEquals(await total(strong, { kind: "image" }), [33, 3, false]);
  assertEquals(await total(strong), [33, 3, false]);
  assertEquals(await total(own.replace("STRENGTH", "{}"), { kind: "video" }), [33, 3, false]);
  assertEquals(await total(TEXT, { kind: "image" }), [37, 4, false]);
  const endless = TEXT.replace("latent-frames: 9", "latent-frames: 0");
  assertEquals(await total(endless, { kind: "video" }), [null, null, true]);
  assertEquals(await total(endless, { kind: "video", strength: 0.5 }), [null, null, false]);
});

Deno.test("planRun() takes the request's timeline in place of the pipeline's, and none where it is empty", async () => {
  const config = await parseConfig(TEXT, { plugins, file: "short.yaml" });
  const plan = (request: Partial<CreateRun>) => planRun(config, { prompt: "a", ...request });
  assertEquals(plan({}).timeline, [{ at: 0.9, prompt: "a blue ball" }]);
  assertEquals(plan({ timeline: [] }).timeline, []);
  const own = [{ at: 1, prompt: "b" }];
  const { config: kept, timeline } = plan({ timeline: own });
  assertEquals(timeline, own);
  assertEquals((await parseConfig(kept, { plugins, file: "kept.yaml" })).timeline, own);
  let told = "";
  try {
    // The pipeline's own is too late for a video that is made this short.
    plan({ frames: 9 });
  } catch (error) {
    told = error instanceof ProblemError ? `${error.kind}: ${error.message}` : String(error);
  }
  assertStringIncludes(told, "validation: timeline: 0.9 s: a prompt is followed from the begin");
});

Deno.test("planRun() refuses to begin with something where the whole clip is made at once", async () => {
  const path = new URL("../../configs/wan2.1_t2v_1.3b.yaml", import.meta.url);
  const config = await parseConfig(await Deno.readTextFile(path), { plugins, file: "wan.yaml" });
  const plan = (kind: "image" | "video", strength?: number) => {
    try {
      const given = { opening: { kind, strength }, plugins };
      return planRun(config, { prompt: "a" }, given).stages.map(({ plugin }) => plugin.name);
    } catch (error) {
      return error instanceof ProblemError ? error.errors?.[0] : error;
    }
  };
  const message =
    `The pipeline "${config.name}" makes the whole clip at once and cannot begin with something. ` +
    "Choose one whose network is causal, or make the video over a clip, with a strength.";
  for (const field of ["image", "video"] as const) assertEquals(plan(field), { field, message });
  assert((plan("video", 0.5) as string[]).includes("encode-picture"));
});
