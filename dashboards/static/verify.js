/**
 * Ask once more what arrives with a request such as a beacon is. If it differs from what the
 * frame's page came with, say what arrives, for that is what counts.
 */
const shown = document.querySelector("[data-counted]");
fetch("/opt-out/state", { credentials: "include", cache: "no-store" })
  .then((answer) => answer.json())
  .then(({ counted }) => {
    const { dataset } = shown;
    if (String(counted) === dataset.counted) return;
    const said = document.createElement("strong");
    said.textContent = counted ? dataset.yes : dataset.no;
    shown.replaceChildren(said, counted ? ` ${dataset.isolated}` : "");
  })
  .catch(() => {});
