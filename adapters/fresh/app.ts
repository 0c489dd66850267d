import type { VNode } from "preact";
import { chainOf } from "./chain.ts";
import { HttpError } from "./error.ts";
import { compose, renderPage, renderRoute } from "./render.ts";
import { Router } from "./router.ts";
import type { Component, Inner, RouteFile, Snapshot } from "./snapshot.ts";
import type { Method, Middleware } from "./types.ts";

/** A step as it was declared. */
type Step<State> =
  | { readonly kind: "use"; readonly run: readonly Middleware<State>[] }
  | {
    readonly kind: "route";
    readonly method: Method;
    readonly path: string;
    readonly run: readonly Middleware<State>[];
  }
  | { readonly kind: "files" };

/** What answers a request. */
export type FetchHandler = (req: Request, info?: Deno.ServeHandlerInfo) => Promise<Response>;

/** How to listen: Deno's own options. */
export type ListenOptions = Partial<Deno.ServeTcpOptions>;

const snapshots = new WeakMap<object, Snapshot<unknown>>();

/** Gives an app the routes, islands and static files that a Builder found. */
export function setSnapshot<State>(app: App<State>, snapshot: Snapshot<State>): void {
  snapshots.set(app, snapshot as Snapshot<unknown>);
}

/** A web application: middlewares and routes, in the order they are declared. */
export class App<State> {
  readonly #steps: Step<State>[] = [];

  /** Middlewares for every route declared after them. */
  use(...run: Middleware<State>[]): this {
    this.#steps.push({ kind: "use", run });
    return this;
  }

  /** A route for GET, and for HEAD. */
  get(path: string, ...run: Middleware<State>[]): this {
    return this.#on("GET", path, run);
  }

  /** A route for POST. */
  post(path: string, ...run: Middleware<State>[]): this {
    return this.#on("POST", path, run);
  }

  /** A route for PATCH. */
  patch(path: string, ...run: Middleware<State>[]): this {
    return this.#on("PATCH", path, run);
  }

  /** A route for PUT. */
  put(path: string, ...run: Middleware<State>[]): this {
    return this.#on("PUT", path, run);
  }

  /** A route for DELETE. */
  delete(path: string, ...run: Middleware<State>[]): this {
    return this.#on("DELETE", path, run);
  }

  #on(method: Method, path: string, run: Middleware<State>[]): this {
    this.#steps.push({ kind: "route", method, path, run });
    return this;
  }

  /** Puts the files of `routes/` in at this point. */
  fsRoutes(): this {
    this.#steps.push({ kind: "files" });
    return this;
  }

  /** The function that answers requests, for `Deno.serve` and for tests. */
  handler(): FetchHandler {
    const snapshot = snapshots.get(this) as Snapshot<State> | undefined;
    const router = new Router<State>();
    let used: readonly Middleware<State>[] = [];
    let special: Snapshot<State>["special"] = [];
    for (const step of this.#steps) {
      if (step.kind === "use") used = [...used, ...step.run];
      else if (step.kind === "route") {
        const run = [...chainOf(special, "", used), ...step.run];
        router.add(step.method, step.path, compose(run));
      } else {
        special = snapshot?.special ?? [];
        for (const file of snapshot?.routes ?? []) {
          const run = [...chainOf(special, file.dir, used), loadedRoute(file)];
          router.add("ALL", file.pattern, compose(run));
        }
      }
    }
    const missed = compose(chainOf(special, "", used));
    return async (req, info = NOWHERE) => {
      const url = new URL(req.url);
      url.pathname = url.pathname.replace(/\/+/g, "/");
      const { route, run, params } = router.match(req.method, url.pathname);
      const ctx = new RequestContext<State>({ req, url, info, route, params, snapshot }, () => {
        // The pattern is known but not with this method.
        throw new HttpError(route !== null && run === undefined ? 405 : 404);
      });
      try {
        const response = await (run ?? missed)(ctx);
        return req.method === "HEAD" ? new Response(null, response) : response;
      } catch (error) {
        return failureResponse(error);
      }
    };
  }

  /** Listens on 127.0.0.1 unless told otherwise, until `signal` aborts. */
  async listen(options: ListenOptions = {}): Promise<void> {
    await Deno.serve({ port: 8000, hostname: "127.0.0.1", ...options }, this.handler()).finished;
  }
}

const NOWHERE = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
} as const satisfies Deno.ServeHandlerInfo;

/** The route of a file, whose module is loaded by the first request. */
function loadedRoute<State>(file: RouteFile<State>): Middleware<State> {
  let route: Middleware<State> | undefined;
  return async (ctx) => {
    route ??= renderRoute(await file.load());
    return await route(ctx);
  };
}

/** What to say where nobody gave a message. */
const WORDS: Readonly<Record<number, string>> = { 404: "Not Found", 405: "Method Not Allowed" };

/** The answer where no error page is. */
function failureResponse(error: unknown): Response {
  if (error instanceof HttpError && error.status < 500) {
    const { status, message } = error;
    return new Response(message || WORDS[status] || String(status), { status });
  }
  console.error(error);
  return new Response("Internal server error", { status: 500 });
}

type Given<State> = Pick<Inner<State>, "req" | "url" | "info" | "route" | "params" | "snapshot">;

class RequestContext<State> implements Inner<State> {
  readonly req: Request;
  readonly url: URL;
  readonly info: Deno.ServeHandlerInfo;
  readonly route: string | null;
  readonly params: Record<string, string>;
  readonly snapshot: Snapshot<State> | undefined;
  readonly state: State = {} as State;
  error: unknown = null;
  app: Component<State> | undefined;
  layouts: readonly Component<State>[] = [];
  next: () => Promise<Response>;

  constructor({ req, url, info, route, params, snapshot }: Given<State>, missing: () => never) {
    this.req = req;
    this.url = url;
    this.info = info;
    this.route = route;
    this.params = params;
    this.snapshot = snapshot;
    this.next = async () => await missing();
  }

  redirect(pathOrUrl: string, status = 302): Response {
    // "//host" would lead away.
    const location = pathOrUrl.startsWith("/") ? pathOrUrl.replace(/^\/+/, "/") : pathOrUrl;
    return new Response(null, { status, headers: { location } });
  }

  json(content: unknown, init?: ResponseInit): Response {
    return Response.json(content, init);
  }

  // deno-lint-ignore no-explicit-any
  render(vnode: VNode<any> | null, init: ResponseInit = {}): Promise<Response> {
    return renderPage(this, vnode, init);
  }
}
