/** Hostile requests, made of the OpenAPI document. */
import { assert, assertEquals } from "@std/assert";
import { walk } from "./_walk.ts";
import { png } from "../plugins/_png.ts";
import { apiOf, openFake, until } from "./_fakes.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

const REQUESTS = 1000;

const TEXTS = [
  "",
  " ",
  "../../../../etc/passwd",
  "..%2f..%2fx",
  "a\0b",
  "\u202e\ud800",
  "<script>alert(1)</script>",
  "'; drop table runs; --",
  "${7*7}{{7*7}}",
  "__proto__",
  "constructor",
  "CON",
  "file:///etc/passwd",
  "http://169.254.169.254/",
  "a".repeat(5000),
  "😀".repeat(300),
  "-1",
  "1e309",
  "null",
  "name: &a [*a, *a]",
  "stages: [{use: ./evil.ts}]",
  "name: x\nstages:\n  - use: paint\n    with: { constructor: [1], sizes: { toString: [1] } }\n  - use: encode-video\n",
];

const PICTURE = png(8, 8, () => [200, 30, 30]);

const VALUES: readonly Json[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 53,
  -1e308,
  [],
  {},
  [[[[]]]],
  { "__proto__": { x: 1 }, "constructor": { "prototype": 1 } },
  JSON.parse('{"__proto__": {"polluted": true}}'),
];

const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ["range", ["bytes=0-", "bytes=-1", "bytes=9-1", "bytes=0-0,2-3", "bytes=" + "9".repeat(99), "x"]],
  ["if-range", ['"x"', "never", 'W/"x"']],
  ["if-none-match", ["*", '"', ",,,"]],
  ["last-event-id", ["0", "-1", "99999999999999999999", "x"]],
  ["content-type", ["text/plain", "application/json; charset=x", "multipart/form-data", ""]],
  ["content-length", ["-1", "99999999999", "x"]],
  ["origin", ["null", "http://evil.com"]],
  ["host", ["evil.com", "127.0.0.1:1"]],
  ["sec-fetch-site", ["cross-site", "same-site"]],
  ["cookie", ["sluice_token=%", "a".repeat(2000)]],
  ["authorization", ["Bearer x", "Basic Og=="]],
];

/** A generator of numbers from 0 to 1, the same each time: mulberry32. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Fuzzer {
  readonly #next = random(20_261_124);
  /** What addresses name; grows with what is made. */
  readonly ids: string[] = [];

  chance(share: number): boolean {
    return this.#next() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#next() * list.length)]!;
  }

  /** Something that a schema allows, or something that it does not. */
  value(schema: Json, hostility: number): Json {
    if (this.chance(hostility)) {
      return this.chance(0.5) ? this.pick(VALUES) : this.pick(TEXTS);
    }
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return this.pick(schema.enum);
    const choice = schema.anyOf ?? schema.oneOf;
    if (choice) return this.value(this.pick(choice), hostility);
    switch (schema.type) {
      case "object": {
        const entries = Object.entries<Json>(schema.properties ?? {})
          .filter(([key]) => schema.required?.includes(key) || this.chance(0.5))
          .map(([key, each]) => [key, this.value(each, hostility)]);
        if (schema.propertyNames && this.chance(0.7)) {
          const key = this.pick([
            "paint.wait",
            "paint.latent-frames",
            "0.provider",
            "paint.x",
            "a.b",
          ]);
          entries.push([key, this.value(schema.additionalProperties ?? {}, hostility)]);
        }
        if (this.chance(hostility)) entries.push([this.pick(TEXTS), this.pick(VALUES)]);
        return Object.fromEntries(entries);
      }
      case "array":
        return [1, 2].map(() => this.value(schema.items ?? {}, hostility));
      case "integer":
      case "number":
        return this.pick([schema.minimum ?? 0, 1, 9, 33, schema.maximum ?? 100]);
      case "boolean":
        return this.chance(0.5);
      default:
        return this.pick(["a ball", "fake", "mine", "2", "32x32", "name: fake\nstages: []\n"]);
    }
  }

  request(operations: readonly (readonly [string, string, Json])[]): [string, RequestInit] {
    const [path, method, { parameters = [], requestBody }] = this.pick(operations);
    const hostility = this.pick([0, 0.1, 0.5]);
    const filled = path.replace(/\{(\w+)\}/g, (_, parameter) => {
      if (this.chance(0.15)) return encode(this.pick(TEXTS)) || "x";
      return parameter === "name" ? this.pick(["fake", "mine", "..", "%00"]) : this.pick(this.ids);
    });
    const query = parameters.filter((each: Json) => each.in === "query" && this.chance(0.6)).map(
      (each: Json) => `${each.name}=${encode(String(this.value(each.schema, hostility)))}`,
    );
    const headers = new Headers();
    let body: BodyInit | null = null;
    if (requestBody?.content["application/json"]) {
      headers.set("content-type", "application/json");
      body = this.body(requestBody.content["application/json"].schema, hostility);
    } else if (requestBody) {
      headers.set("content-type", this.pick(["image/png", "video/mp4", "image/", "text/html"]));
      body = this.pick([PICTURE, PICTURE.subarray(0, 40), "#!/bin/sh", ""]);
    }
    for (const [name, values] of HEADERS) {
      if (this.chance(hostility / 12)) headers.set(name, this.pick(values));
    }
    return [`${filled}?${query.join("&")}`, { method: method.toUpperCase(), headers, body }];
  }

  body(schema: Json, hostility: number): string {
    if (this.chance(hostility / 5)) {
      return this.pick(["", "{", "[".repeat(20_000), "\ufffe", "NaN"]);
    }
    if (this.chance(hostility / 10)) return JSON.stringify({ prompt: "a".repeat(70_000) });
    return JSON.stringify(this.value(schema, hostility)) ?? "";
  }
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

Deno.test(`the API answers ${REQUESTS} hostile requests, and keeps to its folder`, async () => {
  const config = `name: fake
stages:
  - use: extend-prompt
  - use: paint
    with: { wait: 20 }
  - use: encode-video
`;
  await using fake = await openFake({ queue: 4 }, undefined, config);
  const { studio } = fake;
  const ask = await apiOf(studio);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await studio.create({ prompt: "grey", frames: 9 })).id);
  await studio.running(ids[2]!)!.ended;
  const document = await (await ask("/api/openapi.json")).json();
  const operations = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => [path, method, operation] as const)
  );
  assertEquals(operations.length, 24);
  const fuzzer = new Fuzzer();
  fuzzer.ids.push(...ids, "0mwuhs6fr-axgc0rkd");

  const statuses = new Map<number, number>();
  for (let i = 0; i < REQUESTS; i++) {
    const [path, init] = fuzzer.request(operations);
    const abort = new AbortController();
    const response = await ask(path, { ...init, signal: abort.signal });
    const { status } = response;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const shown = `${init.method} ${path} ${init.body} → ${status} ${fake.warnings.at(-1)}`;
    assert(status < 500 || status === 503, shown);
    if (status >= 400 && status !== 416 && status !== 412) {
      assertEquals(response.headers.get("content-type"), "application/problem+json", shown);
      const body = await response.json();
      assertEquals(body.status, status, shown);
    } else if (status === 201) fuzzer.ids.push((await response.json()).id);
    else await response.body?.cancel();
    if (status === 204) {
      fuzzer.ids.splice(
        0,
        Infinity,
        ...studio.list().runs.map(({ id }) => id),
        "..",
      );
    }
    // Keeps the queue moving, so that not every run is refused.
    if (i % 10 === 0) { for (const run of studio.list().runs) await endRun(run.id); }
  }
  async function endRun(id: string): Promise<void> {
    const run = studio.running(id);
    if (run !== undefined && !run.over) run.cancel();
    await run?.ended;
  }

  // deno-lint-ignore no-explicit-any
  assertEquals(({} as any).polluted, undefined);
  for (const expected of [200, 201, 400, 403, 404, 413, 415, 422]) {
    assert(statuses.has(expected), `no ${expected} among ${JSON.stringify([...statuses])}`);
  }
  for (const file of await walk(fake.folder)) {
    const fine =
      /^gallery\/(\.lock|(\.tmp-)?\w{9}-\w{8}\/(video|stream)\.mp4|\w{9}-\w{8}\/(run\.json|poster\.jpg))$/
        .test(file) ||
      /^gallery\/\.uploads\/u-[0-9a-z]{24}(\.jpg)?$/.test(file) ||
      /^configs\/[a-z0-9-]{1,64}\.yaml$/.test(file);
    assert(fine, file);
  }
  assertEquals((await ask("/api/health/live")).status, 200);
  const { id } = await studio.create({ prompt: "still here", frames: 9 });
  await until(() => studio.find(id)?.state === "finished", "a run still works");
});
