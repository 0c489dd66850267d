/** What the process may know of the machine: variables, files, the folder for what can be made again. */

/** A variable's value; undefined where it is unset, empty or not to be read. */
export function environment(name: string): string | undefined {
  try {
    return Deno.env.get(name) || undefined;
  } catch {
    return undefined;
  }
}

/** Whether a file is there. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * Sluice's folder in the user's cache: what is in it can be fetched or made again. `XDG_CACHE_HOME` says where
 * the cache is, as an absolute path; else it is `~/.cache`, on Windows `%LOCALAPPDATA%`.
 */
export function cacheFolder(): string {
  const named = environment("XDG_CACHE_HOME");
  const windows = Deno.build.os === "windows";
  if (named !== undefined && /^([\\/]|[a-z]:)/i.test(named)) return `${named}/sluice`;
  const local = windows ? environment("LOCALAPPDATA") : undefined;
  if (local !== undefined) return `${local}/sluice`;
  const home = environment("HOME") ?? environment("USERPROFILE") ?? (windows ? "C:/Temp" : "/tmp");
  return `${home}/.cache/sluice`;
}
