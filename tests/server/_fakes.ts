/** A studio whose pictures cost nothing, and its API without a server. */
import { App, type Context } from "fresh";
import { join } from "@std/path";
import { z } from "zod";
import { definePlugin } from "../../pipeline/define.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { Frames, Prompt } from "../../pipeline/data.ts";
import { Newest } from "../../pipeline/newest.ts";
import type { AnyPlugin } from "../../pipeline/plugin.ts";
import encodeVideo from "../../plugins/encode_video/mod.ts";
import extendPrompt from "../../plugins/extend_prompt/mod.ts";
import { secure } from "../../server/security.ts";
import type { State } from "../../server/state.ts";
import { Studio, type StudioOptions } from "../../server/studio.ts";

/** What the fake painter did, by the folder of its studio's gallery. */
export interface Painted {
  created: number;
  closed: number;
  prompts: string[];
}

/** Pictures of one grey, 9 in the first chunk and 12 in the others, as the real decoder gives them. */
export function painter(painted: Painted): AnyPlugin {
  return definePlugin({
    name: "paint",
    summary: "Paints grey pictures.",
    takes: "prompt",
    gives: "frames",
    options: z.object({
      latentFrames: z.number().int().min(0).default(9).describe("Latent frames in all"),
      chunk: z.number().int().positive().default(3).describe("Latent frames at once"),
      wait: z.number().min(0).default(0).describe("Milliseconds a chunk takes"),
      fail: z.enum(["no", "create", "user", "engine"]).default("no").describe("How it fails"),
      profile: z.string().optional().describe("A file to write"),
      weights: z.string().optional().describe("A file to read"),
      sizes: z.object({ dim: z.number().int() }).partial().optional().describe("Sizes"),
    }),
    memory: ({ weights }) => ({
      parts: weights === undefined ? [] : [{ name: "pots", bytes: 5e9 }],
    }),
    create({ latentFrames, chunk, wait, fail }) {
      painted.created++;
      if (fail === "create") throw new Error("no device");
      return {
        name: "paint",
        takes: "prompt" as const,
        gives: "frames" as const,
        async *process(input, { signal, stop, whenRunning, report }) {
          await using prompts = new Newest<Prompt>(input);
          let prompt = await prompts.next();
          if (prompt === undefined) return;
          let first = 0;
          for (let index = 0; latentFrames === 0 || index * chunk < latentFrames; index++) {
            await whenRunning();
            if (stop.aborted) return;
            prompt = prompts.take() ?? prompt;
            painted.prompts.push(prompt.text);
            report({ type: "step", chunk: index, step: 1, steps: 1 });
            await sleep(wait, signal);
            if (fail === "user") throw new UserError("the paint is dry: buy some.");
            if (fail === "engine" && index === 1) throw new Error("the device is lost");
            const count = index === 0 ? 4 * chunk - 3 : 4 * chunk;
            yield picture(index, count, first, prompt);
            first += count;
          }
        },
        [Symbol.asyncDispose]: () => Promise.resolve(void painted.closed++),
      };
    },
  });
}

function picture(index: number, count: number, first: number, prompt: Prompt): Frames {
  const shape = [count, 32, 48, 3] as const;
  const data = new Uint8Array(count * 32 * 48 * 3).fill(40 + 10 * (index % 20));
  return { index, last: false, data, shape, first, prompt };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise.finally(() => clearTimeout(timer));
}

const CONFIG = `name: fake
description: Grey pictures
stages:
  - use: extend-prompt
  - use: paint
    with: { wait: 0 }
  - use: encode-video
    with: { fps: 16 }
`;

/** A studio of the fake painter, in a folder of its own. */
export interface FakeStudio extends AsyncDisposable {
  readonly studio: Studio;
  readonly folder: string;
  readonly gallery: string;
  readonly configs: string;
  readonly painted: Painted;
  readonly warnings: string[];
}

export async function openFake(
  options: StudioOptions = {},
  folder?: string,
  config = CONFIG,
): Promise<FakeStudio> {
  folder ??= await Deno.makeTempDir({ prefix: "sluice-studio-" });
  const [gallery, configs] = [join(folder, "gallery"), join(folder, "configs")];
  await Deno.mkdir(configs, { recursive: true });
  await Deno.writeTextFile(join(configs, "fake.yaml"), config);
  const painted: Painted = { created: 0, closed: 0, prompts: [] };
  const warnings: string[] = [];
  const studio = await Studio.open({
    gallery,
    configs,
    pipeline: "fake",
    plugins: [extendPrompt, painter(painted), encodeVideo],
    warn: (message) => warnings.push(message),
    ...options,
  });
  return {
    studio,
    folder,
    gallery,
    configs,
    painted,
    warnings,
    async [Symbol.asyncDispose]() {
      await studio[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Waited in vain until ${what}.`);
}

/** Waits until the model is loaded. */
export async function untilReady(studio: Studio): Promise<void> {
  await until(() => {
    try {
      return studio.ready().status === "ok";
    } catch {
      return false;
    }
  }, "the model is loaded");
}

type Handlers = Record<string, (ctx: Context<State>) => Response | Promise<Response>>;

/** The API's routes by their patterns, as Fresh finds them. */
const ROUTES = [
  "api/runs/index",
  "api/runs/[id]/index",
  "api/runs/[id]/events",
  "api/runs/[id]/stream",
  "api/runs/[id]/video",
  "api/runs/[id]/poster",
  "api/uploads/index",
  "api/uploads/[id]/index",
  "api/uploads/[id]/poster",
  "api/pipelines/index",
  "api/pipelines/validate",
  "api/pipelines/[name]",
  "api/plugins",
  "api/extend",
  "api/openapi.json",
  "api/health/live",
  "api/health/ready",
  "v1/videos/index",
  "v1/videos/[id]/index",
  "v1/videos/[id]/content",
];

/** Asks the API of a studio, in this process. */
export type Ask = (path: string, init?: RequestInit & { json?: unknown }) => Promise<Response>;

export async function apiOf(studio: Studio): Promise<Ask> {
  const app = new App<State>().use((ctx) => {
    ctx.state.studio = studio;
    return ctx.next();
  }).use(secure);
  for (const route of ROUTES) {
    const { handler } = await import(`../../routes/${route}.ts`) as { handler: Handlers };
    const path = `/${route.replace(/\/index$/, "").replace(/\[(\w+)\]/g, ":$1")}`;
    for (const method of ["get", "post", "patch", "put", "delete"] as const) {
      const handle = handler[method.toUpperCase()];
      if (handle !== undefined) app[method](path, handle);
    }
  }
  const answer = app.handler();
  return (path, { json, ...init } = {}) => {
    const request = json === undefined ? init : {
      ...init,
      body: JSON.stringify(json),
      headers: { "content-type": "application/json", ...init.headers as Record<string, string> },
    };
    return answer(new Request(`http://127.0.0.1:8000${path}`, request));
  };
}
