/** Where Deno keeps its own cache, for children whose `XDG_CACHE_HOME` is another: they would begin a new one. */
export function denoDir(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? ""}/.cache`;
  return Deno.env.get("DENO_DIR") || `${cache}/deno`;
}
