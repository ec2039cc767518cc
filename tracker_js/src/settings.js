/**
 * Knows what the owner asked for: the snippet's `data-*` attributes, or the options of `init`.
 * Refuses to have an opinion on them. Everything that can be switched on asks here.
 */

/**
 * Attributes without `data-`, in camel case; '1' when an attribute had no value.
 *
 * @type {Record<string, any>}
 */
export const settings = {};
