/**
 * Knows the two rules for all our code: nothing runs for a visitor who refuses, and nothing throws
 * into the page. Refuses to know what the code does. Every listener and every call goes through it.
 */
import { refused } from './refusal.js';

/**
 * Make a function that does nothing on a refusal, and keeps its failures to itself.
 *
 * @template {any[]} T
 * @param {(...given: T) => any} act
 * @returns {(...given: T) => Promise<void>} runs at once; settles when what it started is over
 */
export const gate =
  (act) =>
  async (...given) => {
    try {
      refused() || (await act(...given));
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
  types.split(' ').map((type) => addEventListener(type, gate(act), true));
