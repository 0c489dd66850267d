/** A run and a pipeline as the API gives them, for tests. */
import type { PipelineView, RunView } from "../../server/wire.ts";

/** A run that goes on, with some fields changed. */
export function runWith(change: Partial<RunView> = {}): RunView {
  return {
    id: "0a-1",
    state: "streaming",
    prompt: "a red ball",
    prompts: [{ chunk: 0, text: "a red ball" }],
    seed: 7,
    pipeline: "embedded",
    options: {},
    extend: true,
    createdAt: "2026-03-05T12:00:00Z",
    paused: false,
    endless: false,
    stopped: false,
    frames: 0,
    framesTotal: 81,
    chunksTotal: 7,
    fps: 16,
    timings: { seconds: 0, stages: [] },
    chunks: [],
    ...change,
  };
}

/** The embedded pipeline, as far as forms read it. */
export const embedded: PipelineView = {
  name: "embedded",
  builtIn: true,
  default: true,
  stages: [
    {
      use: "extend-prompt",
      plugin: "extend-prompt",
      takes: "prompt",
      gives: "prompt",
      options: { provider: "template" },
    },
    {
      use: "diffuse",
      plugin: "diffuse",
      takes: "conditioning",
      gives: "latents",
      options: { network: "embedded", "latent-frames": 21, chunk: 3 },
    },
  ],
  frames: 81,
  framesPerChunk: 12,
  fps: 16,
  yaml: "",
};
