/**
 * Knows the script tag that is being run. Refuses any other kind of element under that name.
 * main.js and core.js hand it to start.js.
 */
import { settings } from './settings.js';

/**
 * Read from the script tag which site it is, and where payloads go.
 *
 * An image of that name could stand there in its stead, and send visits where it likes. Only a
 * script has a text: taking it apart fails for all else, and nothing starts. A script that stands
 * in the page itself has no address, and sends only where `data-api` says.
 */
export const readSnippet = () => {
  const { src, dataset, text: {} } = document.currentScript;
  settings.api = dataset.api || (src && src.split('/', 3).join('/') + '/api/event');
  settings.domain = dataset.domain || location.hostname;
};
