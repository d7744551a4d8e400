/** A whole cloud for tests, run by the nube program. */

export interface StartOptions {
  /** Directory of the application, where serverless.yml is; without it the cloud is empty. */
  dir?: string;
  /** The nube program; else the environment's NUBE, or nube of the PATH. */
  program?: string;
  stage?: string;
  /** Parameters of the manifest. */
  params?: Record<string, string>;
  env?: Record<string, string>;
  /** Further words for nube up. */
  args?: string[];
}

export interface Mail {
  id: string;
  time: string;
  from: string;
  to: string[];
  cc?: string[];
  bcc?: string[];
  subject: string;
  text?: string;
  html?: string;
}

export type FaultKind = 'latency' | 'error' | 'throttle' | 'lost' | 'kill' | 'duplicate' | 'reorder';

export interface FaultOptions {
  /** Of which service: calls of it, by anybody or by function. "execute-api" is the application itself. */
  service?: string;
  operation?: string;
  /** Without service: invocations of this function. */
  function?: string;
  probability?: number;
  count?: number;
  seed?: number;
  /** Milliseconds. */
  wait?: number;
  /** Milliseconds. */
  jitter?: number;
  code?: string;
  status?: number;
  message?: string;
  after?: boolean;
}

export interface Fault {
  readonly id: string;
  hits(): Promise<number>;
  remove(): Promise<void>;
}

export interface Clock {
  now(): Promise<Date>;
  stop(): Promise<void>;
  run(): Promise<void>;
  /** By milliseconds, from one due to the next; the cloud settles at each. */
  advance(by: number, options?: {timeout?: number}): Promise<void>;
  set(to: Date): Promise<void>;
}

export class NubeError extends Error {}

export class FunctionError extends NubeError {
  readonly payload: unknown;
}

export class Cloud {
  private constructor();
  static start(options?: StartOptions): Promise<Cloud>;
  stop(): Promise<void>;
  readonly endpoint: string;
  readonly gateway: string;
  readonly region: string;
  readonly clock: Clock;
  readonly env: Record<string, string>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Makes the cloud what it was when this was called first: for beforeEach. */
  fresh(): Promise<void>;
  settle(options?: {timeout?: number}): Promise<unknown>;
  mail(query?: {to?: string; from?: string; subject?: string}): Promise<Mail[]>;
  invoke(name: string, event?: unknown): Promise<unknown>;
  logs(name: string): Promise<string[]>;
  fault(kind: FaultKind, what?: FaultOptions): Promise<Fault>;
  clearFaults(): Promise<void>;
  snapshot(name: string): Promise<void>;
  restore(name: string): Promise<void>;
  status(): Promise<unknown>;
}
