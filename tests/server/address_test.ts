import { isLoopback, urlsOf } from "../../server/address.ts";
import { assert, assertEquals } from "@std/assert";

const addr = (port: number): Deno.NetAddr => ({ transport: "tcp", hostname: "", port });

Deno.test("isLoopback() tells hosts that only this machine reaches", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"]) {
    assertEquals(isLoopback(host), true, host);
  }
  for (
    const host of ["0.0.0.0", "::", "127.0.0.1.evil.com", "10.0.0.1", "127.0.0", "localhost.x"]
  ) {
    assertEquals(isLoopback(host), false, host);
  }
});

Deno.test("urlsOf() names the address, with the token", () => {
  assertEquals(urlsOf(addr(80), "127.0.0.1", undefined), ["http://127.0.0.1:80/"]);
  assertEquals(urlsOf(addr(1), "::1", undefined), ["http://[::1]:1/"]);
  assertEquals(urlsOf(addr(8000), "studio.local", "a-b_c"), [
    "http://studio.local:8000/?token=a-b_c",
  ]);
});

Deno.test("urlsOf() names this machine first, and then its other addresses", () => {
  const [first, ...others] = urlsOf(addr(8000), "0.0.0.0", undefined);
  assertEquals(first, "http://127.0.0.1:8000/");
  for (const url of others) {
    assert(/^http:\/\/[\d.]+:8000\/$/.test(url) && !url.includes("127."), url);
  }
});
