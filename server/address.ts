/** Hosts, and the addresses that lead to them. */

/** Whether only this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Where a browser finds what listens on `host`, with `token` for it to show: one address, or for a host
 * that means all of this machine's addresses, this machine's own and then the others.
 */
export function urlsOf(
  { port }: Deno.NetAddr,
  host: string,
  token: string | undefined,
): [string, ...string[]] {
  const query = token === undefined ? "" : `?token=${encodeURIComponent(token)}`;
  const url = (name: string) =>
    `http://${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${port}/${query}`;
  if (host !== "0.0.0.0" && host !== "::" && host !== "[::]") return [url(host)];
  return [url("127.0.0.1"), ...outerAddresses().map(url)];
}

function outerAddresses(): string[] {
  try {
    return Deno.networkInterfaces()
      .filter(({ family, address }) => family === "IPv4" && !isLoopback(address))
      .map(({ address }) => address);
  } catch {
    // Without the permission nobody needs to know.
    return [];
  }
}
