import { assertEquals } from "@std/assert";
import { type KeyPress, shortcutOf } from "../../routes/(_studio)/shortcuts.ts";

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  repeat: false,
  ...change,
});
const page = { matches: () => false, dialog: false };
const field = { matches: () => true, dialog: false };
const dialog = { matches: () => false, dialog: true };

Deno.test("shortcutOf() starts by Ctrl or Cmd and Enter, in fields too", () => {
  assertEquals(shortcutOf(press("Enter", { ctrlKey: true }), field), "start");
  assertEquals(shortcutOf(press("Enter", { metaKey: true }), page), "start");
  assertEquals(shortcutOf(press("Enter"), page), undefined);
});

Deno.test("shortcutOf() plays by Space but where Space has a meaning of its own", () => {
  assertEquals(shortcutOf(press(" "), page), "play");
  assertEquals(shortcutOf(press(" "), field), undefined);
  assertEquals(shortcutOf(press(" ", { ctrlKey: true }), page), undefined);
  assertEquals(shortcutOf(press(" ", { repeat: true }), page), undefined);
});

Deno.test("shortcutOf() leaves Escape to a dialog that is open", () => {
  assertEquals(shortcutOf(press("Escape"), field), "stop");
  assertEquals(shortcutOf(press("Escape"), dialog), undefined);
  assertEquals(shortcutOf(press(" "), dialog), "play");
});
