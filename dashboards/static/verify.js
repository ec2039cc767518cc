/**
 * Check the state with a request like a beacon's. If it differs from the state in the page of
 * the frame, show the checked one, because that decides about counting.
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
