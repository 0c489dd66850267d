/** A terminal and plugins made of numbers, so that the command line is tested without an engine. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Host } from "../../cli/app.ts";
import type { Diagnosis } from "../../cli/diagnosis.ts";
import type { Screen } from "../../cli/screen.ts";
import type { Latents, Prompt } from "../../pipeline/data.ts";
import { definePlugin } from "../../pipeline/define.ts";
import type { AnyPlugin } from "../../pipeline/plugin.ts";

/** A screen that keeps what is written. */
export interface FakeScreen extends Screen {
  /** Lines of standard output. */
  readonly results: string[];
  /** Everything on standard error. */
  errors: string;
}

export function fakeScreen({ live = false, columns = 100, rows = 30 }): FakeScreen {
  const screen: FakeScreen = {
    results: [],
    errors: "",
    live,
    colours: live,
    out: (line) => void screen.results.push(line),
    err: (text) => void (screen.errors += text),
    size: () => ({ columns, rows }),
  };
  return screen;
}

const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };

const extendPrompt = definePlugin({
  name: "extend-prompt",
  summary: "Adds a word.",
  takes: "prompt",
  gives: "prompt",
  options: z.object({ word: z.string().default("please").describe("Word to add") }),
  create: ({ word }) => ({
    ...nothing,
    name: "extend-prompt",
    takes: "prompt" as const,
    gives: "prompt" as const,
    async *process(input, context) {
      for await (const prompt of input) {
        const text = `${prompt.text} ${word}`;
        context.report({ type: "prompt", chunk: 0, text });
        yield { ...prompt, text };
      }
    },
  }),
});

const diffuse = definePlugin({
  name: "diffuse",
  summary: "Counts.",
  takes: "prompt",
  gives: "latents",
  options: z.object({
    latentFrames: z.number().int().min(0).default(6).describe("Latent frames in all"),
    chunk: z.number().int().min(1).optional().describe("Latent frames a chunk; else 3"),
    seed: z.number().int().default(0).describe("Seed"),
    window: z.number().int().default(21).describe("Latent frames remembered"),
    steps: z.array(z.number()).default([1000, 500]).describe("Timesteps"),
    warpSteps: z.boolean().default(true).describe("Whether to warp them"),
    noise: z.enum(["philox", "mt19937"]).default("philox").describe("Generator"),
    pause: z.number().min(0).default(0).describe("Milliseconds a chunk"),
    tell: z.number().int().default(-1).describe("Chunk to warn before"),
    fail: z.boolean().default(false).describe("Whether to fail at the second chunk"),
  }).refine(({ latentFrames, chunk = 3 }) => latentFrames % chunk === 0, "not whole chunks"),
  create: ({ chunk = 3, ...options }) => ({
    ...nothing,
    name: "diffuse",
    takes: "prompt" as const,
    gives: "latents" as const,
    async *process(input, context) {
      let prompt: Prompt | undefined;
      for await (prompt of input) break;
      const chunks = options.latentFrames / chunk;
      for (let index = 0; chunks === 0 || index < chunks; index++) {
        if (context.stop.aborted) return;
        await context.whenRunning();
        if (index === options.tell) context.report({ type: "warning", message: "here" });
        await delay(options.pause, undefined, { signal: context.signal });
        if (options.fail && index === 1) throw new Error("the numbers ran out");
        context.report({ type: "step", chunk: index, step: 1, steps: options.steps.length });
        const latents: Latents = {
          index,
          last: index + 1 === chunks,
          data: new Float32Array(chunk),
          shape: [chunk, 1, 1, 1],
          prompt: prompt ?? { text: "" },
        };
        yield latents;
      }
    },
  }),
});

const decode = definePlugin({
  name: "decode",
  summary: "Paints.",
  takes: "latents",
  gives: "frames",
  options: z.object({}),
  create: () => ({
    ...nothing,
    name: "decode",
    takes: "latents" as const,
    gives: "frames" as const,
    async *process(input) {
      let first = 0;
      for await (const { index, last, shape, prompt } of input) {
        const count = 4 * shape[0] - (index === 0 ? 3 : 0);
        const data = new Uint8Array(count * 12).fill(prompt.seed ?? 0);
        yield { index, last, data, shape: [count, 2, 2, 3] as const, first, prompt };
        first += count;
      }
    },
  }),
});

const encodeVideo = definePlugin({
  name: "encode-video",
  summary: "Writes bytes.",
  takes: "frames",
  gives: "media",
  options: z.object({
    path: z.string().optional().describe("File to write"),
    container: z.enum(["mp4", "webm"]).default("mp4").describe("Container"),
    fps: z.number().default(16).describe("Pictures a second"),
    crf: z.number().optional().describe("Quality"),
  }),
  create: (options) => ({
    ...nothing,
    name: "encode-video",
    takes: "frames" as const,
    gives: "media" as const,
    async *process(input) {
      const parts: Uint8Array[] = [];
      for await (const { data } of input) parts.push(data);
      const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
      const { path } = options;
      if (path !== undefined) await Deno.writeFile(path, bytes);
      yield {
        part: "file" as const,
        type: "video/mp4",
        data: path === undefined ? bytes : new Uint8Array(),
        ...(path !== undefined && { path }),
        first: 0,
        frames: bytes.length / 12,
        key: true,
      };
    },
  }),
});

export const plugins: readonly AnyPlugin[] = [extendPrompt, diffuse, decode, encodeVideo];

export const DIAGNOSIS: Diagnosis = {
  versions: { onnxruntime: "1.30.0" },
  devices: [
    { name: "cpu", state: "ok", detail: "2 threads" },
    { name: "cuda", state: "absent", detail: "no library", remedy: "install it" },
  ],
  libraries: [{ name: "onnxruntime", state: "ok", detail: "/lib/x.so" }],
  assets: [{ name: "embedded", state: "ok", detail: "here" }],
};

/** A host of fake plugins and the configs beside this file. */
export function fakeHost(screen: Screen, changes: Partial<Host> = {}): Host {
  return {
    version: "9.9.9",
    configs: new URL("./configs/", import.meta.url),
    screen,
    started: performance.now(),
    plugins: () => Promise.resolve(plugins),
    diagnose: () => Promise.resolve(DIAGNOSIS),
    ...changes,
  };
}
