import type { ComponentChildren } from "preact";

export default function Frame({ children }: { children: ComponentChildren }) {
  return <section>{children}</section>;
}
