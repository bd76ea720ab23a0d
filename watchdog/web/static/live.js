// Times in the reader's zone, and parts of the page fetched again when the service says so.
const said = document.getElementById("said");
const local = root => root.querySelectorAll("time").forEach(time => {
  const at = new Date(time.dateTime), days = Math.abs(at - new Date()) / 864e5;
  const today = at.toDateString() === new Date().toDateString();
  const date = today ? {} : days < 6 ? { weekday: "short" } : { day: "numeric", month: "short" };
  if (time.className === "at") time.textContent = at.toLocaleString([], { ...date, hour: "numeric", minute: "2-digit" });
  time.title = `${at.toLocaleString()} (${at.toISOString().slice(0, 19).replace("T", " ")} UTC)`;
});
const renew = async part => {
  const answer = await fetch(part.dataset.from, { cache: "no-store" });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) return;
  const text = await answer.text(), focus = document.activeElement?.id;
  const open = [...part.querySelectorAll("details[open]")].map(one => one.id);
  const before = part.querySelector("[data-title]")?.textContent;
  part.innerHTML = text;
  local(part);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focus && document.activeElement === document.body) document.getElementById(focus)?.focus();
  const head = part.querySelector("[data-title]");
  if (head) document.title = head.dataset.title;
  if (head && head.textContent !== before) said.textContent = head.textContent;
};
const follow = () => {
  const stream = new EventSource("/live");
  stream.onopen = () => { if (said.className) { said.className = ""; said.textContent = ""; } };
  stream.onerror = () => {
    said.className = "lost";
    said.textContent = "Not live: this page may be old";
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 15000);
  };
  stream.addEventListener("changed", event => {
    for (const name of event.data.split(" "))
      document.querySelectorAll(`[data-live="${name}"]`).forEach(part => renew(part).catch(() => {}));
  });
};
local(document);
if (said) follow();
