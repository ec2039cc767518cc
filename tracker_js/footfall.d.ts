/** A property's value; objects and lists are not counted. */
export type Scalar = string | number | boolean;

/** What may be said with an event. */
export interface EventOptions {
  /** Properties of a custom event: at most 30. */
  props?: Record<string, Scalar>;
  /** What the event is worth. */
  revenue?: { amount: number | string; currency: string };
  /** false when the event does not end a bounce. */
  interactive?: boolean;
  /** The page to count it for, instead of the one in the address bar. */
  u?: string;
  /** The same as `u`. */
  url?: string;
  /** Called when the browser has taken it over, or it is cancelled or refused. */
  callback?: () => void;
}

/** What leaves the browser; the table in README.md says what each key means. */
export interface Payload {
  n: string;
  u: string;
  d: string;
  h?: 1;
  r?: string;
  w?: number;
  p?: Record<string, Scalar>;
  $?: { amount: number | string; currency: string };
  i?: boolean;
  e?: number;
  sd?: number;
}

/** The function that counts. Until the tracker is there, a stub may queue calls in `q`. */
export interface Footfall {
  /** Count an event, or `pageview`. Settles when it is over; never fails. */
  (name: string, options?: EventOptions): Promise<void>;
  /**
   * Record the visitor's own refusal (true), take it back (false), or only ask.
   * Answers whether the visitor is refused now, by this or by GPC or DNT.
   */
  optOut(choice?: boolean): boolean;
  q?: IArguments[];
}

/** The options of `init`: what the script tag says by `data-*` attributes. */
export interface Settings {
  /** Site, or sites separated by commas; default: the page's hostname. */
  domain?: string;
  /** Where payloads go; default: /api/event. */
  api?: string;
  /** The fragment is part of the path. */
  hash?: boolean;
  /** No pageviews but those that you send. */
  manual?: boolean;
  /** Count links to other hosts. */
  outbound?: boolean;
  /** Count links to files with these extensions: 'pdf,zip'. */
  downloads?: string;
  /** Count submitted forms. */
  forms?: boolean;
  /** This page is the site's "not found" page. */
  404?: boolean;
  /** Name of the parameter that holds what was searched for. */
  search?: string;
  /** Paths not to count, separated by commas; `*` stands for any characters. */
  exclude?: string;
  /** Count localhost and automated browsers too. */
  allowLocal?: boolean;
  /** Change a payload, or cancel it by a falsy answer; a global function's name in the snippet. */
  transform?: string | ((payload: Payload) => Payload | null | undefined | false);
}

/** Start counting, once per page. */
export function init(options?: Settings): void;

/** Count an event; before `init` it waits. */
export function track(name: string, options?: EventOptions): void;

/** See `Footfall.optOut`. */
export function optOut(choice?: boolean): boolean;

declare global {
  interface Window {
    footfall: Footfall;
  }
}
