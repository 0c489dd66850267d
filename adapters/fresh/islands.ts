/**
 * Finds islands while a page is rendered: marks their places with comments and keeps their props for
 * the browser. Stands on the hook that preact calls before it renders a node.
 */
import {
  type ComponentType,
  createContext,
  Fragment,
  type FunctionComponent,
  h,
  isValidElement,
  options,
  type VNode,
} from "preact";
import { useContext } from "preact/hooks";
import { stringify } from "devalue";
import type { Island, Snapshot } from "./snapshot.ts";

/** The islands of one page. */
export class FoundIslands {
  readonly #known: Snapshot<unknown>["islands"] | undefined;
  readonly #islands = new Set<Island>();
  readonly #props: object[] = [];

  constructor(known: Snapshot<unknown>["islands"] | undefined) {
    this.#known = known;
  }

  /** Each kind of island once. */
  get islands(): readonly Island[] {
    return [...this.#islands];
  }

  /** The island that this component is, if it is one. */
  find(component: ComponentType): Island | undefined {
    return this.#known?.get(component);
  }

  /** Keeps an island's props and gives their number. */
  add(island: Island, props: object): number {
    for (const [key, value] of Object.entries(props)) {
      if (key !== "children" && !(isValidElement(value) && !isSignal(value))) continue;
      throw new TypeError(
        `Could not render the island ${island.name}: its "${key}" is JSX, and an island's props ` +
          "are data. Render the JSX inside the island.",
      );
    }
    this.#islands.add(island);
    return this.#props.push(props) - 1;
  }

  /** The props as text for `boot`; signals shared by islands stay shared. */
  serialize(): string {
    return stringify(this.#props, { Signal: (value) => isSignal(value) && [value.peek()] });
  }

  /** Renders with this as what islands are added to. */
  collect<T>(render: () => T): T {
    current = this;
    try {
      return render();
    } finally {
      current = undefined;
    }
  }
}

let current: FoundIslands | undefined;
const Inside = createContext(false);
const marked = new WeakSet<VNode>();

// `__b` is preact's name for the hook after its build.
const hooks = options as unknown as { __b?: (vnode: VNode) => void };
const before = hooks.__b;
hooks.__b = (vnode) => {
  const component = vnode.type;
  if (typeof component === "function" && current !== undefined && !marked.has(vnode)) {
    const island = current.find(component as ComponentType);
    if (island !== undefined) vnode.type = markIsland(island, component as ComponentType);
  }
  before?.(vnode);
};

/** The island between its two comments; within another island, the plain component. */
function markIsland(island: Island, component: ComponentType): FunctionComponent {
  return function MarkedIsland(props) {
    const child = h(component, props);
    marked.add(child);
    if (useContext(Inside)) return child;
    const id = current!.add(island, props);
    return h(
      Fragment,
      null,
      comment(`island:${island.name}:${id}`),
      h(Inside.Provider, { value: true, children: child }),
      comment("/island"),
    );
  };
}

function comment(text: string): VNode {
  return h(Fragment, { UNSTABLE_comment: text } as object);
}

function isSignal(value: unknown): value is { peek(): unknown } {
  return typeof value === "object" && value !== null && "peek" in value && "value" in value;
}
