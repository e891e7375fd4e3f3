// The chat in a worker of the page.

import { open } from "/chat.mjs";

let chat;
onmessage = ({ data }) => {
  if (data.open !== undefined) chat = open(data.open, (heard) => postMessage(heard));
  else chat.say(data.say);
};
