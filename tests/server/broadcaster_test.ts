import { assert, assertEquals, assertThrows } from "@std/assert";
import { Broadcaster } from "../../server/broadcaster.ts";

const bytes = (value: number, length = 10) => new Uint8Array(length).fill(value);

/** First bytes of what a stream gives, to its end. */
async function readAll(stream: ReadableStream<Uint8Array>): Promise<number[]> {
  return await Array.fromAsync(stream, (part) => part[0] ?? -1);
}

Deno.test("Broadcaster.join() gives the beginning to who comes early", async () => {
  const broadcast = new Broadcaster();
  const reading = readAll(broadcast.join());
  broadcast.open(bytes(0));
  for (let i = 1; i <= 4; i++) broadcast.push({ data: bytes(i), key: i % 2 === 1 });
  broadcast.end();
  assertEquals(await reading, [0, 1, 2, 3, 4]);
  assertEquals(broadcast.size, 0);
});

Deno.test("Broadcaster.join() begins at the newest key segment for who comes late", async () => {
  const broadcast = new Broadcaster();
  broadcast.open(bytes(0));
  for (let i = 1; i <= 6; i++) broadcast.push({ data: bytes(i), key: i === 1 || i === 4 });
  const reading = readAll(broadcast.join());
  broadcast.push({ data: bytes(7), key: false });
  broadcast.end();
  assertEquals(await reading, [0, 4, 5, 6, 7]);
  assertEquals(await readAll(broadcast.join()), [0]);
});

Deno.test("Broadcaster.push() drops for a slow client up to the next key segment, and for no other", async () => {
  const broadcast = new Broadcaster({ client: 50 });
  broadcast.open(bytes(0));
  const slow = broadcast.join();
  const fast = broadcast.join().getReader();
  const got: number[] = [];
  const read = async () => got.push((await fast.read()).value?.[0] ?? -1);
  await read();
  let most = 0;
  for (let i = 1; i <= 100; i++) {
    broadcast.push({ data: bytes(i), key: i % 10 === 1 });
    most = Math.max(most, broadcast.waiting);
    await read();
  }
  broadcast.end();
  assertEquals(got, Array.from({ length: 101 }, (_, i) => i));
  assert(most <= 2 * 50, `${most} bytes waited`);
  // The init is never dropped; then comes a key segment and what fits behind it.
  const late = await readAll(slow);
  assertEquals(late.slice(0, 2), [0, 91]);
  assert(late.slice(1).every((value, i) => value === 91 + i), String(late));
  assert(broadcast.missed >= 90, `${broadcast.missed} were missed`);
});

Deno.test("Broadcaster.push() keeps memory bounded where no key segment comes", () => {
  const broadcast = new Broadcaster({ client: 1000, group: 2000 });
  broadcast.open(bytes(0));
  broadcast.push({ data: bytes(1), key: true });
  for (let i = 0; i < 10; i++) broadcast.join();
  for (let i = 0; i < 10_000; i++) broadcast.push({ data: bytes(2), key: false });
  assert(broadcast.waiting <= 10 * 1000, `${broadcast.waiting} bytes wait`);
});

Deno.test("Broadcaster.join() lets clients leave and refuses more than may be", async () => {
  const broadcast = new Broadcaster({ clients: 2 });
  const first = broadcast.join();
  broadcast.join();
  assertThrows(() => broadcast.join(), RangeError, "More than 2 clients read this stream.");
  const reading = first.getReader();
  const waiting = reading.read();
  await reading.cancel();
  assertEquals((await waiting).done, true);
  assertEquals(broadcast.size, 1);
  broadcast.join();
  broadcast.open(bytes(0));
  broadcast.push({ data: bytes(1), key: true });
  assertEquals(broadcast.size, 2);
});
