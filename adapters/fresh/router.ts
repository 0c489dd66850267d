import type { Method, Middleware } from "./types.ts";

/** What an address leads to. */
export interface Match<State> {
  /** The pattern that matched, if one did. */
  readonly route: string | null;
  /** Absent where the pattern does not know the method. */
  readonly run: Middleware<State> | undefined;
  readonly params: Record<string, string>;
}

interface Entry<State> {
  readonly pattern: string;
  readonly matcher: URLPattern;
  readonly byMethod: Map<Method, Middleware<State>>;
}

const METHODS: readonly Method[] = ["HEAD", "GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"];

/** Fixed addresses first, then patterns in the order they were added. */
export class Router<State> {
  readonly #fixed = new Map<string, Entry<State>>();
  readonly #patterns = new Map<string, Entry<State>>();

  /** Adds a route; for the same pattern and method the first one stays. */
  add(method: Method | "ALL", pattern: string, run: Middleware<State>): void {
    const entries = /[*:{}+?()]/.test(pattern) ? this.#patterns : this.#fixed;
    let entry = entries.get(pattern);
    if (entry === undefined) {
      const matcher = new URLPattern({ pathname: pattern });
      entries.set(pattern, entry = { pattern, matcher, byMethod: new Map() });
    }
    for (const each of method === "ALL" ? METHODS : [method]) {
      if (!entry.byMethod.has(each)) entry.byMethod.set(each, run);
    }
  }

  /** Finds the route of a path; a slash at its end does not matter to a fixed address. */
  match(method: string, pathname: string): Match<State> {
    const fixed = this.#fixed.get(pathname.replace(/(.)\/$/, "$1"));
    if (fixed !== undefined) {
      return { route: fixed.pattern, run: handlerOf(fixed, method), params: {} };
    }
    for (const entry of this.#patterns.values()) {
      const groups = entry.matcher.exec({ pathname })?.pathname.groups;
      if (groups === undefined) continue;
      const params = Object.entries(groups).map(([name, value = ""]) => [name, decode(value)]);
      return {
        route: entry.pattern,
        run: handlerOf(entry, method),
        params: Object.fromEntries(params),
      };
    }
    return { route: null, run: undefined, params: {} };
  }
}

function handlerOf<State>(entry: Entry<State>, method: string): Middleware<State> | undefined {
  return entry.byMethod.get(method as Method) ??
    (method === "HEAD" ? entry.byMethod.get("GET") : undefined);
}

/** Percent-decoding that leaves `%2F` and malformed text as they are. */
function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
