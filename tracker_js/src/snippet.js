/**
 * Knows the script tag that is being run. Refuses any other kind of element under that name.
 * main.js and core.js hand it to start.js.
 */
import { settings } from './settings.js';

/**
 * Read the owner's settings from the script tag.
 */
export const readSnippet = () => {
  const script = document.currentScript;
  settings.api = new URL('/api/event', script.src);
  settings.domain = location.hostname;
  for (const name in script.dataset) settings[name] = script.dataset[name] || settings[name] || 1;
};
