/**
 * Knows the two rules for all our code: nothing runs for a visitor who refuses, and nothing throws
 * into the page. Refuses to know what the code does. Every listener and every call goes through it.
 */
import { refused } from './refusal.js';

/**
 * Call a function, but on a refusal, and keep its failures to ourselves.
 *
 * @template {any[]} T
 * @param {(...given: T) => any} act
 * @param {T} given
 */
export const run = (act, ...given) => {
  try {
    refused() || act(...given);
  } catch {}
};

/**
 * Call a function for each event of some types, anywhere in the page.
 *
 * Events are caught on their way down, so that a page that stops them does not hide them.
 *
 * @param {string} types separated by spaces
 * @param {(event: any) => any} act
 */
export const listen = (types, act) =>
  types.split(' ').map((type) => addEventListener(type, (event) => run(act, event), 1));
