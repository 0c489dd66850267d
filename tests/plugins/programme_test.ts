import { assertEquals, assertThrows } from "@std/assert";
import type { Conditioning, LaterConditioning } from "../../pipeline/data.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import { UserError } from "../../pipeline/errors.ts";
import { Newest } from "../../pipeline/newest.ts";
import { Programme } from "../../plugins/diffuse/programme.ts";

const rest = { embeddings: new Float32Array(), tokens: 0, channels: 0, length: 0 };
const later = (from: number, text: string): LaterConditioning => ({
  ...{ from, prompt: { text } },
  ...rest,
});
const conditioning = (text: string, ...then: LaterConditioning[]): Conditioning => ({
  prompt: { text },
  ...rest,
  ...(then.length > 0 && { then }),
});

/** A programme, and what makes a conditioning arrive. */
function programme(first: Conditioning, last = Infinity) {
  const queue: Conditioning[] = [];
  let wake = () => {};
  const input = async function* () {
    while (true) {
      const next = queue.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  };
  const events: StageEvent[] = [];
  const arriving = new Newest(input());
  const made = new Programme(arriving, first, { last, report: (event) => events.push(event) });
  const warnings = () =>
    events.splice(0).map((event) => event.type === "warning" ? event.message : event.type);
  const at = (picture: number) => made.at(picture)?.prompt.text;
  const arrive = async (next: Conditioning) => {
    queue.push(next);
    wake();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { at, arrive, warnings };
}

Deno.test("Programme.at() gives each conditioning once, from its picture on", () => {
  const { at, warnings } = programme(conditioning("a", later(9, "b"), later(30, "c")));
  assertEquals([0, 8, 9, 21, 33, 45].map(at), [
    ...[undefined, undefined, "b", undefined, "c", undefined],
  ]);
  assertEquals(warnings(), []);
});

Deno.test("Programme.at() tells of what no chunk began in time for", () => {
  const { at, warnings } = programme(conditioning("a", later(10, "b"), later(12, "c")));
  assertEquals([at(9), at(21)], [undefined, "c"]);
  assertEquals(warnings(), [
    'The prompt "b" is not seen: no chunk begins before "c" takes its place.',
  ]);
});

Deno.test("Programme.at() gives what arrives, which replaces what was to come", async () => {
  const { at, arrive, warnings } = programme(conditioning("a", later(30, "b")), 45);
  assertEquals(at(9), undefined);
  await arrive(conditioning("live", later(40, "d")));
  assertEquals([at(21), at(33), at(45)], ["live", undefined, "d"]);
  assertEquals(warnings(), []);
  // What arrives when another of its own is due already is not seen; one that is too late is told of.
  await arrive(conditioning("x", later(45, "y"), later(46, "z")));
  assertEquals(at(45), "y");
  assertEquals(warnings(), [
    'The prompt "z" begins with picture 46 and the video\'s last chunk with picture 45: it would never be followed. ' +
    "Let it begin earlier, or make the video longer.",
    'The prompt "x" is not seen: no chunk begins before "y" takes its place.',
  ]);
});

Deno.test("Programme refuses to begin with what would never be followed", () => {
  assertThrows(
    () => programme(conditioning("a", later(9, "b"), later(34, "c")), 33),
    UserError,
    'The prompt "c" begins with picture 34 and the video\'s last chunk with picture 33',
  );
  programme(conditioning("a", later(33, "c")), 33);
});
