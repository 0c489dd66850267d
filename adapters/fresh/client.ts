/** Runs in the browser: brings the islands of a page to life. */
import { signal } from "@preact/signals";
import { parse } from "devalue";
import { type ComponentType, type ContainerNode, h, render } from "preact";

/** Renders each island into its place among the server's markup. */
export function boot(islands: Readonly<Record<string, ComponentType>>, data: string): void {
  const props: object[] = parse(data, { Signal: ([value]) => signal(value) });
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
  const places: [Comment, Comment][] = [];
  let open: Comment | undefined;
  while (walker.nextNode()) {
    const node = walker.currentNode as Comment;
    if (node.data.startsWith("island:")) open = node;
    else if (node.data === "/island" && open) places.push([open, node]);
  }
  for (const [start, end] of places) {
    const [, name = "", id] = start.data.split(":");
    render(h(islands[name]!, props[Number(id)]!), between(start, end));
  }
}

/** A stand-in parent whose children are the nodes between two markers. */
function between(start: Comment, end: Comment): ContainerNode {
  const parent = start.parentNode!;
  const nodes = () => {
    const list: ChildNode[] = [];
    for (let node = start.nextSibling; node && node !== end; node = node.nextSibling) {
      list.push(node);
    }
    return list;
  };
  return {
    nodeType: 1,
    parentNode: parent,
    ownerDocument: document,
    namespaceURI: (parent as Element).namespaceURI,
    get firstChild() {
      return nodes()[0] ?? null;
    },
    get childNodes() {
      return nodes();
    },
    contains: (node: Node) => parent.contains(node),
    insertBefore: (node: Node, child: Node | null) => parent.insertBefore(node, child ?? end),
    appendChild: (node: Node) => parent.insertBefore(node, end),
    removeChild: (node: Node) => parent.removeChild(node),
  } as unknown as ContainerNode;
}
