/** Room on a disk. */
import { statfs } from "node:fs/promises";

/** Bytes that are free on the disk of a folder, or of the folder it will be in. */
export async function freeSpace(folder: string): Promise<number | undefined> {
  const { state } = Deno.permissions.querySync({ name: "sys" });
  for (let at = folder; state === "granted";) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch {
      const parent = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) || "/" : ".";
      if (parent === at) return undefined;
      at = parent;
    }
  }
}
