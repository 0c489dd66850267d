/** A file to pull, and a folder to pull it into. */
import { content } from "./_hub_server.ts";

export const BYTES = 50_000;
export const PATH = "checkpoints/model.pt";
export const WHOLE = content(BYTES);

export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
