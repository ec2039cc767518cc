/**
 * Knows what the owner asked for: the snippet's `data-*` attributes, or the options of `init`.
 * Refuses to have an opinion on them. Everything that can be switched on asks here.
 */

/** @type {Record<string, any>} */
export let settings = {};

/**
 * Take the owner's settings.
 *
 * @param {Record<string, any>} given attributes without `data-`, in camel case
 */
export const configure = (given) => {
  settings = given;
};

/**
 * Say whether a feature is on: present as an attribute, whatever its value but "false".
 *
 * @param {string} name
 * @returns {boolean}
 */
export const isOn = (name) => !/^(undefined|false)$/.test(settings[name]);
