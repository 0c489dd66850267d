/** Opens addresses in the user's browser. */

const OPENERS: Partial<Record<typeof Deno.build.os, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  // `start` takes a title first.
  windows: ["cmd", "/c", "start", ""],
};

/** Whether a browser was told to show the address. */
export async function openInBrowser(url: string): Promise<boolean> {
  const [command, ...words] = OPENERS[Deno.build.os] ?? ["xdg-open"];
  try {
    const { success } = await new Deno.Command(command, {
      args: [...words, url],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    // No such program, or no permission to run it.
    return false;
  }
}
