/**
 * Knows whether the visitor refuses: their own flag, Global Privacy Control, Do Not Track.
 * Refuses to read anything else. Every other module asks here before it reads.
 */

const FLAGS = ['footfall_ignore', 'plausible_ignore'];

/**
 * Say whether the visitor refuses to be counted.
 *
 * Source: the GPC and DNT specifications; older browsers said "yes", or said it elsewhere.
 *
 * @returns {boolean}
 */
export const refused = () => {
  // A browser that forbids storage throws: then no flag can have been left in it.
  try {
    if (FLAGS.some((flag) => localStorage[flag] == 'true')) return true;
  } catch {}
  return !!(
    navigator.globalPrivacyControl ||
    /1|yes/.test([navigator.doNotTrack, window.doNotTrack, navigator.msDoNotTrack])
  );
};

/**
 * Store the visitor's refusal, which is all this tracker ever stores, or take it back.
 *
 * @param {boolean} [choice] true refuses, false takes it back, nothing only asks
 * @returns {boolean} whether the visitor is refused now: the truth, not the wish
 */
export const optOut = (choice) => {
  try {
    if (choice) localStorage[FLAGS[0]] = 'true';
    else if (choice === false) FLAGS.forEach((flag) => localStorage.removeItem(flag));
  } catch {}
  return refused();
};
