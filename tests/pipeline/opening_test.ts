import { assertEquals, assertThrows } from "@std/assert";
import { plugins } from "../../mod.ts";
import { parseConfig } from "../../pipeline/config.ts";
import { UserError } from "../../pipeline/errors.ts";
import {
  openingChange,
  type OpeningKind,
  refuseOpening,
  refuseStrength,
  withEncoder,
} from "../../pipeline/opening.ts";
import type { StageSpec } from "../../pipeline/plugin.ts";

const PICTURE: OpeningKind = { kind: "image" };
const CLIP: OpeningKind = { kind: "video" };
const OVER: OpeningKind = { kind: "video", strength: 0.5 };

/** The stages of a pipeline whose diffusion has some options. */
async function stages(diffuse = "", before = ""): Promise<StageSpec[]> {
  const text = `name: p\nstages:\n  - use: encode-text\n${before}  - use: diffuse\n` +
    `    with: { height: 64, width: 96, ${diffuse} }\n` +
    "  - use: decode\n    with: { threads: 2 }\n  - use: encode-video\n    with: { fps: 12 }\n";
  const config = await parseConfig(text, { plugins, file: "p.yaml" });
  return config.stages.map(({ spec }) => spec);
}

const ENCODER = "  - use: encode-picture\n";

Deno.test("refuseStrength() takes what is above 0 and at most 1", () => {
  for (const fine of [0.001, 0.6, 1]) assertEquals(refuseStrength(fine), undefined);
  for (const wrong of [0, -0.1, 1.001, NaN]) {
    assertEquals(
      refuseStrength(wrong),
      `expected above 0 and at most 1, such as 0.6, got ${wrong}.`,
    );
  }
});

Deno.test("refuseOpening() wants latent frames by the chunk, or a strength", async () => {
  const causal = await stages();
  for (const opening of [PICTURE, CLIP, OVER]) {
    assertEquals(refuseOpening("p", causal, opening), undefined);
    assertEquals(
      refuseOpening("p", causal.slice(2), opening),
      'no stage of the pipeline "p" makes latent frames from a conditioning, so that nothing of it can be given.',
    );
  }
  const options = "network: wan2.1-t2v-1.3b, latent-frames: 8, steps: 4, weights: w.pt";
  const whole = await stages(options);
  const refusal =
    'the pipeline "p" makes the whole clip at once and cannot begin with something. Choose one whose network is ' +
    "causal, or make the video over a clip, with a strength.";
  assertEquals(refuseOpening("p", whole, PICTURE), refusal);
  assertEquals(refuseOpening("p", whole, CLIP), refusal);
  assertEquals(refuseOpening("p", whole, OVER), undefined);
  assertEquals(refuseOpening("p", await stages(options, ENCODER), CLIP), undefined);
});

Deno.test("openingChange() puts a picture before the chunks, once", async () => {
  const change = async (opening: OpeningKind, diffuse?: string, before?: string) =>
    openingChange(await stages(diffuse, before), opening);
  assertEquals(await change(PICTURE, "latent-frames: 9"), {
    place: 1,
    options: { independentFirstFrame: true, latentFrames: 10 },
  });
  assertEquals(await change(PICTURE, "latent-frames: 0"), {
    place: 1,
    options: { independentFirstFrame: true },
  });
  assertEquals(
    await change(PICTURE, "latent-frames: 10, independent-first-frame: true"),
    undefined,
  );
  assertEquals(await change(PICTURE, "", ENCODER), undefined);
  assertEquals(await change(CLIP), undefined);
});

Deno.test("withEncoder() gives the encoder what the stages around it have", async () => {
  const before = await stages("latent-frames: 21, window: 9");
  const after = withEncoder(before, CLIP, plugins);
  assertEquals(after.map(({ plugin }) => plugin.name), [
    ...["encode-text", "encode-picture", "diffuse", "decode", "encode-video"],
  ]);
  assertEquals(after.filter((_, i) => i !== 1), before);
  const { network, height, width, chunk, fps, most, threads, independentFirstFrame } = after[1]!
    .options as Record<string, unknown>;
  assertEquals([network, height, width, chunk, fps, threads], ["embedded", 64, 96, 3, 12, 2]);
  assertEquals([most, independentFirstFrame], [6, false]);
  const mostOf = async (diffuse: string, opening: OpeningKind) =>
    (withEncoder(await stages(diffuse), opening, plugins)[1]!.options as { most: number }).most;
  // A chunk of the window, and one of the video, is left for what is made.
  assertEquals(await mostOf("latent-frames: 21, window: 6", CLIP), 3);
  assertEquals(await mostOf("latent-frames: 6", CLIP), 3);
  assertEquals(await mostOf("latent-frames: 12", OVER), 12);
  assertEquals(await mostOf("latent-frames: 0", OVER), 241);
});

Deno.test("withEncoder() leaves a pipeline alone that has one, and needs the plugin", async () => {
  const own = await stages("", ENCODER);
  assertEquals(withEncoder(own, PICTURE, []), own);
  const none = plugins.filter(({ name }) => name !== "encode-picture");
  const before = await stages();
  assertThrows(
    () => withEncoder(before, PICTURE, none),
    UserError,
    'Nothing can be given: there is no plugin "encode-picture" to encode it.',
  );
});
