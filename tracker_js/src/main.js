/** The tracker that is served: `<script async src="…/js/footfall.js" data-domain="…"></script>`. */
import { watchClicks } from './clicks.js';
import { readSnippet } from './snippet.js';
import { start } from './start.js';

start(readSnippet, watchClicks);
