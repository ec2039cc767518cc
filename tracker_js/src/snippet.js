/**
 * Knows the script tag that is being run. Refuses any other kind of element under that name.
 * main.js and core.js hand it to start.js.
 */
import { settings } from './settings.js';

/**
 * Read the owner's settings from the script tag.
 *
 * An image of that name could stand there in its stead, and send visits where it likes. Only a
 * script has a text: taking it apart fails for all else, and nothing starts.
 */
export const readSnippet = () => {
  const { src, dataset, text: {} } = document.currentScript;
  settings.api = new URL('/api/event', src);
  settings.domain = location.hostname;
  for (const name in dataset) settings[name] = dataset[name] || settings[name] || 1;
};
