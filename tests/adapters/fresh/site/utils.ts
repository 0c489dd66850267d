import { createDefine } from "fresh";

/** What the middleware leaves for handlers and pages. */
export interface State {
  title: string;
}

export const define = createDefine<State>();

export interface Job {
  readonly id: string;
  readonly prompt: string;
}

export const jobs = new Map<string, Job>();
export const bus = new EventTarget();
