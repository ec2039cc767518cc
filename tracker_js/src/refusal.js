/**
 * Knows whether the visitor refuses: their own flag, Global Privacy Control, Do Not Track.
 * Refuses to read anything else. gate.js asks here before any of our code runs.
 */

/**
 * Say whether the visitor refuses to be counted; first record their choice, if they make one.
 *
 * The refusal is the only thing that is ever stored. The answer is the truth, not the wish: where
 * storage is forbidden a refusal cannot be kept, and the answer says so. The first expression of a
 * page costs 0.1 ms, so that it is asked only where something is said.
 *
 * @param {boolean} [choice] true refuses, false takes it back, nothing only asks
 * @returns {boolean}
 */
export const refused = (choice) => {
  const said = [navigator.globalPrivacyControl, navigator.doNotTrack];
  try {
    if (choice) localStorage.footfall_ignore = true;
    if (choice == false) {
      delete localStorage.footfall_ignore;
      delete localStorage.plausible_ignore;
    }
    said.push(localStorage.footfall_ignore, localStorage.plausible_ignore);
  } catch {}
  return said.some((word) => word && /1|yes|true/.test(word));
};
