/** Serves a studio: opens it, builds the app, listens; and ends all of it in the right order. */
import { Builder } from "fresh/dev";
import { UserError } from "../pipeline/errors.ts";
import { isLoopback, urlsOf } from "./address.ts";
import { createApp, createHandler, ROOT } from "./main.ts";
import type { State } from "./state.ts";
import { Studio, type StudioOptions } from "./studio.ts";

/** How to serve a studio. */
export interface ServeOptions extends StudioOptions {
  /** 0 takes any free port. Left out: the first free one from 8000 to 8019. */
  readonly port?: number;
  /** Where to listen: a name or an address. Default: `127.0.0.1`, which only this machine reaches. */
  readonly host?: string;
  /** Default: none on loopback, else one that is drawn. */
  readonly token?: string;
}

/** A studio that answers requests. */
export interface ServedStudio {
  /** Where a browser finds it, with the token if there is one: this machine's own address first. */
  readonly urls: readonly [string, ...string[]];
  /** Absent where clients need none. */
  readonly token: string | undefined;
  /**
   * Ends it; `finish` lets the run that goes on write what it has made, `cancel` drops the run. Either
   * leaves the gallery whole. May be called again, to hurry.
   */
  close(how?: "finish" | "cancel"): Promise<void>;
}

/** Milliseconds that clients have to leave after the studio has closed. */
const GRACE = 2000;

/** First and last port to try where none is asked for. */
const PORTS = [8000, 8019] as const;

/**
 * Serves the studio. The address answers when this resolves; the model may still be loading then.
 *
 * @throws {UserError} where the port is taken or the host cannot be listened on.
 */
export async function serve(options: ServeOptions = {}): Promise<ServedStudio> {
  const { host = "127.0.0.1" } = options;
  const token = options.token ?? (isLoopback(host) ? undefined : drawToken());
  const cut = new AbortController();
  const answering = new Set<Promise<void>>();
  const handling = Promise.withResolvers<Deno.ServeHandler>();
  // Requests that come early wait; where opening fails nobody is left to be told.
  handling.promise.catch(() => {});
  const server = listen(host, options.port, {
    signal: cut.signal,
    automaticCompression: true,
    onListen: () => {},
  }, async (request, info) => {
    const answered = info.completed.catch(() => {}).finally(() => answering.delete(answered));
    answering.add(answered);
    return await (await handling.promise)(request, info);
  });

  try {
    const { studio, handler } = await openStudio({
      ...options,
      host,
      ...(token !== undefined && { token }),
    });
    handling.resolve(handler);
    return {
      urls: urlsOf(server.addr, host, token),
      token,
      async close(how = "finish") {
        await studio.close(how);
        await settled(answering, GRACE);
        // Not shutdown(), which a client that stays holds up for ever: nothing can cut it off then.
        cut.abort();
        await server.finished;
      },
    };
  } catch (error) {
    handling.reject(error);
    cut.abort();
    await server.finished;
    throw error;
  }
}

/** Waits until all have settled, but no longer than some milliseconds. */
async function settled(all: Iterable<Promise<void>>, most: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, most);
  await Promise.race([Promise.all(all), promise]);
  clearTimeout(timer);
}

async function openStudio(
  options: StudioOptions,
): Promise<{ studio: Studio; handler: Deno.ServeHandler }> {
  const building = new Builder<State>({ root: ROOT }).build({ snapshot: "memory" });
  const [opened, built] = await Promise.allSettled([Studio.open(options), building]);
  if (opened.status === "rejected") throw opened.reason;
  const studio = opened.value;
  try {
    if (built.status === "rejected") throw built.reason;
    const app = createApp(studio);
    built.value(app);
    return { studio, handler: createHandler(app) };
  } catch (error) {
    await studio.close("cancel");
    throw error;
  }
}

function listen(
  hostname: string,
  port: number | undefined,
  options: Omit<Deno.ServeTcpOptions, "hostname" | "port">,
  handler: Deno.ServeHandler,
): Deno.HttpServer<Deno.NetAddr> {
  const [first, last] = port === undefined ? PORTS : [port, port];
  for (let next = first;; next++) {
    try {
      return Deno.serve({ ...options, hostname, port: next }, handler);
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) {
        if (next < last) continue;
        const taken = first === last
          ? `port ${first} is`
          : `all ports from ${first} to ${last} are`;
        throw new UserError(
          `Could not listen on ${hostname}: ${taken} taken. Name another with --port, or 0 for any.`,
          { cause: error },
        );
      }
      const reason = error instanceof Error ? error.message : String(error);
      throw new UserError(
        `Could not listen on ${hostname}:${next}: ${reason}. Name an address of this machine with ` +
          "--host, and a port that you may use with --port.",
        { cause: error },
      );
    }
  }
}

/** 128 bits that nobody guesses. */
function drawToken(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}
