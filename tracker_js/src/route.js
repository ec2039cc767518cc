/**
 * Knows where a hash router keeps its page: in the fragment, when the owner says so.
 * Refuses the part after `?`, `&` or `=`, where tokens are. address.js and navigation.js call it.
 */
import { settings } from './settings.js';

/**
 * Give the route of an address.
 *
 * @param {URL | Location} url
 * @returns {string} '' unless the owner asked for hash mode
 */
export const route = (url) => (settings.hash ? url.hash.replace(/[?&=].*/, '') : '');
