/**
 * Knows how to run our code without ever throwing into the page.
 * Refuses to swallow the page's own failures. Everything that the page calls goes through here.
 */

/**
 * Make a function that keeps its failures to itself: a count is never worth an error in a page.
 *
 * @template {any[]} T
 * @param {(...given: T) => void} act
 * @returns {(...given: T) => void}
 */
export const quietly = (act) => (...given) => {
  try {
    act(...given);
  } catch {}
};

/**
 * Call a function for each event of some types, anywhere in the page.
 *
 * Events are caught on their way down, so that a page that stops them does not hide them.
 *
 * @param {string} types separated by spaces
 * @param {(event: any) => void} act
 * @param {EventTarget} [target]
 */
export const listen = (types, act, target = window) =>
  types.split(' ').forEach((type) => target.addEventListener(type, quietly(act), true));
