/** The tracker that is served: `<script async src="…/js/footfall.js" data-domain="…"></script>`. */
import { answerAll, watchAll } from './all.js';
import { settings } from './settings.js';
import { readSnippet } from './snippet.js';
import { start } from './start.js';

start(
  () => {
    readSnippet();
    const { dataset } = document.currentScript;
    for (const name in dataset) settings[name] = settings[name] || dataset[name] || '1';
  },
  watchAll,
  answerAll,
);
