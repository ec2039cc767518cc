/**
 * Knows what of an address may leave the browser: no userinfo, no unlisted parameter.
 * Refuses to judge paths: the server cleans those. hit.js, navigation.js and links.js call it.
 */
import { isOn, settings } from './settings.js';

/**
 * Keep scheme, host and path.
 *
 * @param {URL} url
 * @returns {string}
 */
export const bare = (url) => url.protocol + '//' + url.host + url.pathname;

/**
 * Keep of a fragment what a hash router needs: nothing after `?`, `&` or `=`, where tokens are.
 *
 * @param {URL | Location} url
 * @returns {string} '' unless the owner asked for hash mode
 */
export const route = (url) => (isOn('hash') ? url.hash.replace(/[?&=].*/, '') : '');

/**
 * Keep of a page's address what is counted.
 *
 * Kept parameters: utm_*, ref, source, the site's search. Of a click id only its presence is kept.
 *
 * @param {string} href relative to the page, or whole
 * @returns {string}
 */
export const clean = (href) => {
  const url = new URL(href, location.href);
  const kept = new URLSearchParams();
  url.searchParams.forEach((value, key) => {
    const isClickId = /(clk?|bra|_fat_)id$/.test(key);
    if (isClickId || /^(utm_.*|ref|source)$/.test(key) || key == settings.search)
      kept.append(key, isClickId ? 1 : value);
  });
  url.search = kept;
  return bare(url) + url.search + route(url);
};
