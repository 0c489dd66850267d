/** Where published files are, as the Hugging Face Hub's own tools would look for them. */

/** Variables that the hub's tools know; only those that are set. */
export type HubEnvironment = Readonly<Record<string, string | undefined>>;

/** What a server says of a file before it is fetched. */
export interface RemoteFile {
  /** Bytes in all; undefined where the server does not say. */
  readonly bytes?: number;
  /** SHA-256 of the content, where the hub says so. */
  readonly sha256?: string;
  /** SHA-1 as git counts it, which the hub gives for small files. */
  readonly gitSha1?: string;
  /** The server's own mark of this version. */
  readonly etag?: string;
  /** The commit that the hub has it from. */
  readonly commit?: string;
}

/** Names of the variables that matter here. */
export const hubVariables = [
  "HF_ENDPOINT",
  "HF_TOKEN",
  "HF_TOKEN_PATH",
  "HF_HOME",
  "HF_HUB_CACHE",
  "HF_HUB_OFFLINE",
  "HOME",
  "USERPROFILE",
  "XDG_CACHE_HOME",
] as const;

/** The hub's address, without a slash at its end. */
export function hubEndpoint(environment: HubEnvironment): string {
  return (environment.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
}

/** Whether nothing may be asked of the hub. */
export function isOffline(environment: HubEnvironment): boolean {
  return /^(1|on|yes|true)$/i.test(environment.HF_HUB_OFFLINE ?? "");
}

function hubHome(environment: HubEnvironment): string | undefined {
  if (environment.HF_HOME) return environment.HF_HOME;
  const home = environment.HOME || environment.USERPROFILE;
  const caches = environment.XDG_CACHE_HOME || (home && `${home}/.cache`);
  return caches ? `${caches}/huggingface` : undefined;
}

/** The cache that the hub's tools share, and whether the user chose where it is. */
export function hubCache(
  environment: HubEnvironment,
): { readonly folder: string; readonly chosen: boolean } | undefined {
  if (environment.HF_HUB_CACHE) return { folder: environment.HF_HUB_CACHE, chosen: true };
  const home = hubHome(environment);
  return home ? { folder: `${home}/hub`, chosen: Boolean(environment.HF_HOME) } : undefined;
}

/** A repository's folder in the shared cache. */
export function cachedRepository(folder: string, repository: string): string {
  return `${folder}/models--${repository.replaceAll("/", "--")}`;
}

/** The token of the user's account, if there is one. */
export function hubToken(environment: HubEnvironment): string | undefined {
  if (environment.HF_TOKEN) return environment.HF_TOKEN.trim();
  const home = hubHome(environment);
  const path = environment.HF_TOKEN_PATH || (home && `${home}/token`);
  if (!path) return undefined;
  try {
    return Deno.readTextFileSync(path).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** What an answer to HEAD says of the file. */
export function remoteFile({ status, headers }: Response): RemoteFile {
  const mark = headers.get("x-linked-etag") ?? headers.get("etag") ?? undefined;
  const bare = mark?.replace(/^W\//, "").replace(/^"|"$/g, "");
  // A redirect's own length is that of its words; and no file here is empty, whatever a server says.
  const length = headers.get("x-linked-size") ??
    (status === 200 ? headers.get("content-length") : null);
  const commit = headers.get("x-repo-commit");
  // Elsewhere than on the hub a mark of 64 digits may be anything.
  const ofHub = commit !== null;
  return {
    ...(length !== null && /^[1-9]\d*$/.test(length) && { bytes: Number(length) }),
    ...(ofHub && bare && /^[0-9a-f]{64}$/.test(bare) && { sha256: bare }),
    ...(ofHub && bare && /^[0-9a-f]{40}$/.test(bare) && { gitSha1: bare }),
    ...(bare && { etag: bare }),
    ...(commit !== null && { commit }),
  };
}
