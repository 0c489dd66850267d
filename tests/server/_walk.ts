/** Every file below a folder. */
import { join, relative } from "@std/path";

/** Paths from `folder`, with slashes. */
export async function walk(folder: string, top = folder): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await walk(path, top));
    else found.push(relative(top, path).replaceAll("\\", "/"));
  }
  return found.sort();
}
