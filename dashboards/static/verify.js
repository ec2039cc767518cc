/**
 * Ask once more what arrives with a request such as a beacon is, and say so if the frame's page
 * came with other cookies than a beacon would.
 */
const shown = document.querySelector("[data-counted]");
fetch("/opt-out/state", { credentials: "include", cache: "no-store" })
  .then((answer) => answer.json())
  .then((state) => {
    if (String(state.counted) !== shown.dataset.counted) {
      shown.textContent = shown.dataset.isolated;
    }
  })
  .catch(() => {});
