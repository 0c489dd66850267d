/** The memory of what encodes pictures and clips. */
import { assert, assertEquals } from "@std/assert";
import { memoryPlan } from "../../cli/memory.ts";
import { loaded, withOpening } from "../../cli/opening.ts";
import { taehvEncoder, wan2_1_vae, wanVaeEncoder } from "../../engine/networks/mod.ts";
import type { Graph } from "../../engine/onnx/mod.ts";
import { plugins } from "../../mod.ts";
import { type Config, loadConfig } from "../../pipeline/config.ts";
import { type DecoderModel, decoderModels } from "../../plugins/_models.ts";

const request = { image: "a.png", set: [], flags: [] };

function load(name: string): Promise<Config> {
  const path = new URL(`../../configs/${name}.yaml`, import.meta.url).pathname;
  return loadConfig(path, { plugins });
}

/** The encoder's parts of a config's plan, in bytes by name. */
async function parts(config: Config): Promise<Record<string, number>> {
  const { stages } = await memoryPlan(config);
  const { parts } = stages.find(({ stage }) => stage === "encode-picture")!;
  return Object.fromEntries(parts.map(({ name, bytes }) => [name, bytes]));
}

function parameters(graph: Graph): number {
  return [...graph.parameters.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
}

Deno.test("encoderMemory() counts both sessions of Wan's encoder", async () => {
  const held = await parts(withOpening(await load("self_forcing_dmd_vae"), request, plugins));
  const size = { frames: 1, height: 64, width: 64 };
  // Of a clip the first picture has a session of its own, with weights of its own.
  const first = parameters(wanVaeEncoder(wan2_1_vae, size, { part: "first" }).graph);
  const next = parameters(
    wanVaeEncoder(wan2_1_vae, { ...size, frames: 4 }, { part: "next" }).graph,
  );
  assert(next > first);
  assertEquals(held.weights, 4 * (first + next));
  // Before each convolution over time two pictures are kept: at full size of the 96 channels of the first block.
  assert(held.memories! > 480 * 832 * 96 * 2 * 4);
  assert(held.activations! > 4 * 480 * 832 * 96 * 4);
});

Deno.test("encoderMemory() counts one session of an encoder that is the same all through a clip", async () => {
  const held = await parts(withOpening(await load("embedded"), request, plugins));
  const { sizes } = decoderModels.embedded as Extract<DecoderModel, { kind: "taehv" }>;
  const { graph } = taehvEncoder(sizes, { frames: 4, height: 128, width: 128 });
  assertEquals(held.weights, 4 * parameters(graph));
});

Deno.test("loaded() leaves out the encoder where there is nothing to encode", async () => {
  const uses = (config: Config) => config.stages.map(({ use }) => use);
  const config = await load("embedded");
  const opened = withOpening(config, request, plugins);
  assertEquals(uses(opened).includes("encode-picture"), true);
  assertEquals(uses(loaded(config, request, plugins)), uses(opened));
  assertEquals(uses(loaded(opened, { set: [], flags: [] }, plugins)), uses(config));
});
