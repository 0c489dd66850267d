import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  DownloadError,
  type ModelFile,
  planPull,
  pull,
  type PullEvent,
  type PullOptions,
  verifyModel,
} from "../../../engine/weights/mod.ts";
import { content, type Fault, HubServer, sha256Of } from "./_hub_server.ts";
import { BYTES, PATH, WHOLE } from "./_pulling.ts";

/** What a run of `pull` comes to. */
type Outcome = "whole" | RegExp;

interface Scenario {
  readonly name: string;
  readonly gets?: readonly Fault[];
  readonly heads?: readonly Fault[];
  /** Default: large in the hub's eyes. */
  readonly small?: boolean;
  readonly described?: Readonly<Record<string, string | null>>;
  /** What the registry knows. */
  readonly known?: Omit<ModelFile, "path" | "use">;
  /** One after another. Default: one that ends well. */
  readonly runs?: readonly Outcome[];
  /** The n-th run is ended after so many bytes. */
  readonly stopAt?: readonly (number | undefined)[];
  /** The n-th run begins anew. */
  readonly restart?: readonly boolean[];
  /** Bytes of the file that come in all. Default: each once. */
  readonly come?: number;
  readonly token?: { readonly wanted: string; readonly given?: string };
  readonly free?: number;
  /** What is there before: as the file, or as its part. */
  readonly there?: Uint8Array;
  readonly begun?: Uint8Array;
  readonly patience?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const busy = (after?: string): Fault => ({
  status: 429,
  ...(after !== undefined && { headers: { "retry-after": after } }),
});
const damaged = /has come damaged and was thrown away/;

const scenarios: readonly Scenario[] = [
  { name: "a large file comes from another host" },
  { name: "a small file comes from the hub", small: true },
  { name: "what the registry knows is right", known: { bytes: BYTES, sha256: sha256Of(WHOLE) } },
  { name: "the connection breaks once", gets: [{ drop: 20_000 }] },
  { name: "the connection breaks at the first byte", gets: [{ drop: 0 }] },
  { name: "the connection breaks after one byte", gets: [{ drop: 1 }] },
  { name: "the connection breaks before the last byte", gets: [{ drop: BYTES - 1 }] },
  {
    name: "the connection breaks ten times, each time further on",
    gets: Array.from({ length: 10 }, () => ({ drop: 3000 })),
  },
  {
    name: "the connection breaks again and again at the same place",
    gets: [{ drop: 9000 }, ...Array.from({ length: 3 }, () => ({ drop: 0 }))],
    runs: [/the connection .*3 times in a row. What has come so far stays/, "whole"],
  },
  { name: "a small file's connection breaks", small: true, gets: [{ drop: 20_000 }] },
  { name: "the answer ends early as if it were whole", gets: [{ short: 20_000 }] },
  { name: "the answer is empty", gets: [{ short: 0 }] },
  { name: "three answers end early", gets: [{ short: 9 }, { short: 10 }, { short: 11 }] },
  {
    name: "a part says the whole is shorter than the hub says",
    gets: [{ short: 20_000 }, { contentRange: `bytes 20000-${BYTES - 2}/${BYTES - 1}` }],
    runs: [/has 49999 bytes of it where 50000 were announced/, "whole"],
  },
  {
    name: "nothing comes any more",
    gets: [{ stall: 20_000 }],
  },
  { name: "nobody answers", gets: [{ silent: true }] },
  { name: "nobody answers to HEAD", heads: [{ silent: true }] },
  {
    name: "a byte is another",
    gets: [{ corrupt: 777 }],
    runs: [damaged, "whole"],
    come: 2 * BYTES,
  },
  {
    name: "a byte of a small file is another",
    small: true,
    gets: [{ corrupt: 777 }],
    runs: [/git's SHA-1/, "whole"],
    come: 2 * BYTES,
  },
  {
    name: "a byte is another before the connection breaks",
    gets: [{ corrupt: 777, drop: 20_000 }],
    runs: [damaged, "whole"],
    come: 2 * BYTES,
  },
  {
    name: "a byte is another after the connection broke",
    gets: [{ drop: 20_000 }, { corrupt: 40_000 }],
    runs: [damaged, "whole"],
    come: 2 * BYTES,
  },
  {
    name: "the answer is longer than announced",
    gets: [{ surplus: 3 }],
  },
  {
    name: "the answer is longer than announced, and no checksum tells which part is right",
    small: true,
    described: { "etag": null },
    gets: [{ surplus: 3 }],
    runs: [/more than the 50000 bytes it announced/, "whole"],
    come: 2 * BYTES,
  },
  {
    name: "the answer is longer than announced, and wrong",
    gets: [{ surplus: 3, corrupt: 5 }],
    runs: [damaged, "whole"],
    come: 2 * BYTES,
  },
  {
    name: "a page comes instead of the file",
    gets: [{ body: "<html>Sign in to this network</html>" }],
    runs: [/has 36 bytes of it where 50000 were announced/, "whole"],
  },
  {
    name: "the file comes compressed",
    gets: [{ headers: { "content-encoding": "zstd" } }],
    runs: [/sends it as zstd/, "whole"],
  },
  { name: "too many requests, come back at once", gets: [busy("0")] },
  { name: "too many requests, three times", gets: [busy("0"), { short: 5000 }, busy("0"), busy()] },
  {
    name: "too many requests, come back at a date",
    gets: [busy(new Date(Date.now() - 1000).toUTCString())],
  },
  {
    name: "too many requests, come back tomorrow",
    gets: [{ drop: 20_000 }, busy("86400")],
    runs: [/asks to come back later \(status 429\) and wants 86400 seconds to pass/, "whole"],
  },
  {
    name: "too many requests for ever",
    gets: [busy(), busy(), busy()],
    runs: [/429.*3 times in a row/, "whole"],
  },
  { name: "too many requests to HEAD", heads: [busy("0"), busy("0")] },
  { name: "the host has a problem", gets: [{ status: 500 }, { status: 503 }] },
  { name: "the host has a problem while resuming", gets: [{ drop: 20_000 }, { status: 502 }] },
  { name: "the hub has a problem", heads: [{ status: 500 }] },
  {
    name: "the host has a problem for ever",
    gets: [{ status: 500 }, { status: 500 }, { status: 500 }],
    runs: [/a problem of its own \(status 500\), 3 times in a row/, "whole"],
  },
  { name: "the hub wants a token and gets it", token: { wanted: "hf_secret", given: "hf_secret" } },
  {
    name: "the hub wants a token and gets none",
    token: { wanted: "hf_secret" },
    runs: [/asks who you are \(401\): make a token at https:\S+ and put it into HF_TOKEN/],
    come: 0,
  },
  {
    name: "the hub wants another token",
    token: { wanted: "hf_secret", given: "hf_wrong" },
    runs: [/refuses \(403\): accept the conditions at https:\S+, and put a token/],
    come: 0,
  },
  {
    name: "the link to the other host has run out",
    gets: [{ status: 403 }],
    runs: [/refuses \(403\)/, "whole"],
  },
  {
    name: "there is no such file",
    heads: [{ status: 404 }],
    runs: [/has no such file \(404\): look at https:/, "whole"],
  },
  {
    name: "the file went away between two looks",
    gets: [{ drop: 20_000 }, { status: 404 }],
    runs: [/has no such file/, "whole"],
  },
  {
    name: "a strange answer",
    gets: [{ status: 418 }],
    runs: [/answers with status 418/, "whole"],
  },
  {
    name: "the range is not heeded while resuming",
    gets: [{ drop: 20_000 }, { ignoreRange: true }],
    runs: [/cannot be resumed: .*though 20000 bytes are here.*--restart/, "whole"],
  },
  {
    name: "the range is never heeded, and all is fetched again",
    gets: [{ drop: 20_000 }, { ignoreRange: true }, { ignoreRange: true }],
    runs: [/cannot be resumed/, "whole"],
    restart: [false, true],
    come: 20_000 + BYTES,
  },
  {
    name: "another range comes than was asked for",
    gets: [{ drop: 20_000 }, { shift: 5 }],
    runs: [/asked for bytes from 20000 on, the server sends those from 20005 on/, "whole"],
  },
  {
    name: "a range comes that says not which it is",
    gets: [{ drop: 20_000 }, { contentRange: null }],
    runs: [/the server sends some that it does not number/, "whole"],
  },
  {
    name: "a range comes that says not how long the whole is",
    gets: [{ drop: 20_000 }, { contentRange: `bytes 20000-${BYTES - 1}/*` }],
  },
  {
    name: "the range is said not to be there, and it is not: all had come",
    described: { "x-linked-size": null },
    begun: WHOLE,
    come: 0,
  },
  {
    name: "more is here than there is: it was another file's",
    described: { "x-linked-size": null },
    begun: content(BYTES + 10),
  },
  { name: "more is here than the hub says there is", begun: content(BYTES + 10) },
  { name: "the beginning is here", begun: WHOLE.slice(0, 30_000), come: 20_000 },
  { name: "all is here, not yet named", begun: WHOLE, come: 0 },
  {
    name: "the beginning that is here is another's",
    begun: content(30_000, 2),
    runs: [damaged, "whole"],
    come: 20_000 + BYTES,
  },
  {
    name: "the hub says a size that is too large",
    described: { "x-linked-size": `${BYTES + 1}` },
    runs: [/has 50000 bytes of it where 50001 were announced/],
    come: 0,
  },
  {
    name: "the hub says a size that is too small",
    described: { "x-linked-size": `${BYTES - 1}` },
    runs: [/has 50000 bytes of it where 49999 were announced/],
    come: 0,
  },
  {
    name: "the hub says a size that is no number",
    described: { "x-linked-size": "many" },
  },
  {
    name: "the hub says another checksum than the file's",
    described: { "x-linked-etag": `"${"ab".repeat(32)}"` },
    runs: [damaged],
  },
  {
    name: "the hub says another checksum than the registry",
    known: { sha256: "cd".repeat(32) },
    runs: [/is not the file it was: .*SHA-256 is/],
    come: 0,
  },
  {
    name: "the hub says another size than the registry",
    known: { bytes: BYTES + 7 },
    runs: [/is not the file it was: .*size is 50000, expected 50007/],
    come: 0,
  },
  {
    name: "nobody says how long the file is, nor its checksum",
    small: true,
    described: { "content-length": null, "etag": null },
    gets: [{ mute: true }],
    runs: [/neither how long it is nor its checksum/],
    come: 0,
  },
  {
    name: "nobody says how long the file is, but its checksum",
    described: { "x-linked-size": null },
    gets: [{ mute: true }],
  },
  {
    name: "the hub leads in a circle",
    heads: Array.from({ length: 20 }, () => ({ location: `/owner/model/resolve/main/${PATH}` })),
    runs: [/leads in a circle/],
    come: 0,
  },
  {
    name: "the hub leads to another protocol",
    heads: [{ location: "ftp://example.org/model.pt" }],
    runs: [/to ftp:\/\/example.org, which is not followed/, "whole"],
  },
  {
    name: "Ctrl-C in the middle",
    gets: [{ stall: 20_000 }],
    stopAt: [20_000],
    runs: [/stopped by a test/, "whole"],
  },
  {
    name: "Ctrl-C three times",
    gets: [{ stall: 1000 }, { stall: 2000 }, { stall: 3000 }],
    stopAt: [1000, 2000, 3000],
    runs: [/stopped by a test/, /stopped by a test/, /stopped by a test/, "whole"],
  },
  { name: "there is no room", free: BYTES, runs: [/no room in .*: 0.00 GB are to come/], come: 0 },
  { name: "there is room", free: 1 << 30 },
  { name: "the file is there", there: WHOLE, come: 0, known: { sha256: sha256Of(WHOLE) } },
  {
    name: "another file is there",
    there: content(BYTES, 3),
    known: { bytes: BYTES, sha256: sha256Of(WHOLE) },
    runs: [/is there and is not the published file.*Move it away, or replace it: --restart/],
    come: 0,
  },
  {
    name: "another file is there and is replaced",
    there: content(BYTES, 3),
    known: { bytes: BYTES, sha256: sha256Of(WHOLE) },
    restart: [true],
  },
  {
    name: "nothing may be asked",
    environment: { HF_HUB_OFFLINE: "1" },
    runs: [/HF_HUB_OFFLINE is set and Model\/checkpoints\/model.pt is not on this machine/],
    come: 0,
  },
];

for (const scenario of scenarios) {
  Deno.test(`pull() brings a whole file or none: ${scenario.name}`, () => play(scenario));
}

async function play(scenario: Scenario): Promise<void> {
  const { small = false, gets, heads, described, known, token, runs = ["whole"] } = scenario;
  const file = {
    content: WHOLE,
    lfs: !small,
    ...(gets && { gets }),
    ...(heads && { heads }),
    ...(described && { described }),
  };
  await using server = new HubServer({ [PATH]: file }, token?.wanted);
  const folder = await Deno.makeTempDir();
  try {
    const model = server.model([{ path: PATH, use: "weights", ...known }]);
    const target = `${folder}/Model/${PATH}`;
    await Deno.mkdir(`${folder}/Model/checkpoints`, { recursive: true });
    if (scenario.there) await Deno.writeFile(target, scenario.there);
    const part = `${target}.${sha256Of(WHOLE).slice(0, 16)}.part`;
    if (scenario.begun) await Deno.writeFile(part, scenario.begun);
    let come = 0;
    const asked: [from: number, come: number][] = [];
    server.onGet = (start) => asked.push([start, come]);
    for (const [i, expected] of runs.entries()) {
      const stop = new AbortController();
      const stopAt = scenario.stopAt?.[i];
      const before = come;
      const options: PullOptions = {
        folder,
        environment: {
          HF_ENDPOINT: server.endpoint,
          ...(token?.given && { HF_TOKEN: token.given }),
          ...scenario.environment,
        },
        restart: scenario.restart?.[i] ?? false,
        signal: stop.signal,
        attempts: 3,
        pause: 1,
        patience: 1000,
        idle: 150,
        ...(scenario.free !== undefined && {
          freeSpace: () => Promise.resolve(scenario.free),
        }),
        onEvent(event: PullEvent) {
          if (event.type !== "bytes") return;
          come += event.count;
          if (stopAt !== undefined && come - before >= stopAt) {
            stop.abort(new Error("stopped by a test"));
          }
        },
      };
      const run = async () => await pull(await planPull([model], options), options);
      if (expected === "whole") await run();
      else {
        const error = await assertRejects(run, Error);
        assert(expected.test(error.message), `${error.message} is not ${expected}`);
        if (scenario.stopAt === undefined) assert(error instanceof DownloadError, `${error}`);
      }
      // A wrong file is never there, however the run ended.
      const there = await Deno.readFile(target).catch(() => undefined);
      if (there && !scenario.there) assertEquals(sha256Of(there), sha256Of(WHOLE));
      assertEquals(there !== undefined, expected === "whole" || scenario.there !== undefined);
    }
    assertEquals(come, scenario.come ?? BYTES, "bytes that came");
    // What is not thrown away never comes twice: each request begins where what has come ends.
    if (scenario.come === undefined && !scenario.begun) {
      for (const [from, there] of asked) assertEquals(from, there, "asked from, of what had come");
    }
    for (const { host, authorization } of server.seen) {
      if (host === "store") assertEquals(authorization, null, "a token went to another host");
    }
    if (runs.at(-1) !== "whole") return;
    const [checked] = await verifyModel(model, folder);
    assertEquals(checked?.state, "whole");
    const names = [...Deno.readDirSync(`${folder}/Model/checkpoints`)].map(({ name }) => name);
    assertEquals(names, ["model.pt"], "nothing is left beside it");
    const requests = server.seen.length + server.heads.length;
    const again = { folder, environment: { HF_ENDPOINT: server.endpoint } };
    await pull(await planPull([model], again), again);
    assertEquals(server.seen.length + server.heads.length, requests, "it asked for what is here");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
