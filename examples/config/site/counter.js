// The page and its WebSocket share one address: only the scheme differs.
const socket = new WebSocket(location.href.replace(/^http/, "ws"));
const show = (id, text) => {
  document.getElementById(id).textContent = text;
};

socket.onmessage = ({ data }) => {
  const news = JSON.parse(data);
  if (news.type === "state") show("value", news.value);
  if (news.type === "users") show("users", news.count);
};

for (const action of ["minus", "plus"]) {
  document.getElementById(action).onclick = () => socket.send(JSON.stringify({ action }));
}
