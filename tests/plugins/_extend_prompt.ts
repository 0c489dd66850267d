/** The plugin on its own, and a language model's endpoint to ask. */
import type { Prompt } from "../../pipeline/data.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import extendPrompt from "../../plugins/extend_prompt/mod.ts";

export type Options = NonNullable<Parameters<typeof extendPrompt>[0]>;

interface Outcome {
  readonly prompts: Prompt[];
  readonly events: StageEvent[];
}

export async function extend(
  options: Options,
  prompts: readonly (string | Prompt)[],
  { signal = new AbortController().signal, directory = "." } = {},
): Promise<Outcome> {
  const spec = extendPrompt(options);
  await using stage = await extendPrompt.create(spec.options as never, {
    device: "cpu",
    threads: 1,
    directory,
    signal,
    warn: () => {},
  });
  const events: StageEvent[] = [];
  const context = {
    signal,
    stop: signal,
    whenRunning: () => Promise.resolve(),
    report: (event: StageEvent) => void events.push(event),
  };
  const input = async function* () {
    for (const prompt of prompts) {
      yield await Promise.resolve(typeof prompt === "string" ? { text: prompt } : prompt);
    }
  };
  return { prompts: await Array.fromAsync(stage.process(input(), context)), events };
}

/** Answers each request by the next of `replies`, the last one again and again. */
export async function withEndpoint(
  replies: readonly (() => Response | Promise<Response>)[],
  test: (endpoint: string, seen: SeenRequest[]) => Promise<void>,
): Promise<void> {
  const seen: SeenRequest[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const n = seen.length;
    seen.push({
      path: new URL(request.url).pathname,
      authorization: request.headers.get("authorization"),
      body: await request.json(),
    });
    return await replies[Math.min(n, replies.length - 1)]!();
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/v1`, seen);
  } finally {
    await server.shutdown();
  }
}

interface SeenRequest {
  readonly path: string;
  readonly authorization: string | null;
  // deno-lint-ignore no-explicit-any -- as JSON comes
  readonly body: any;
}

export function says(content: unknown) {
  return () => Response.json({ choices: [{ message: { role: "assistant", content } }] });
}

export function status(code: number, body: unknown, headers: Record<string, string> = {}) {
  return () =>
    typeof body === "string"
      ? new Response(body, { status: code, headers })
      : Response.json(body, { status: code, headers });
}

export const openai = { provider: "openai", model: "tiny" } as const;

/** A reply that comes when the test is over. */
export function slow(): [reply: () => Promise<Response>, release: () => void] {
  const { promise, resolve } = Promise.withResolvers<Response>();
  return [() => promise, () => resolve(new Response("late"))];
}
