// Signs calls as the official clients do.

import { createHash, createHmac, randomUUID } from "node:crypto";

/** What is signed of a call, where these headers are named. */
export function stringToSign({ method, path, querys = {}, headers, body = "" }, names) {
  const value = (name) => [headers[name] ?? ""].flat()[0];
  const lines = [method, ...["accept", "content-md5", "content-type", "date"].map(value)];
  lines.push(...[...names].sort().map((name) => `${name}:${value(name)}`));
  const form = value("content-type").startsWith("application/x-www-form-urlencoded")
    ? Object.fromEntries(new URLSearchParams(body))
    : {};
  const pairs = Object.entries({ ...querys, ...form }).sort(([a], [b]) => (a < b ? -1 : 1));
  const query = pairs.map(([name, text]) => (text === "" ? name : `${name}=${text}`)).join("&");
  return [...lines, query ? `${path}?${query}` : path].join("\n");
}

/** The signature of a call. */
export function signature(call, names, secret, hash = "sha256") {
  return createHmac(hash, secret).update(stringToSign(call, names)).digest("base64");
}

/** The call with what an application adds to it, now. */
export function signed(call, { key, secret, method }) {
  const headers = {
    "x-ca-key": key,
    "x-ca-nonce": randomUUID(),
    "x-ca-timestamp": String(Date.now()),
    date: new Date().toUTCString(),
    accept: "application/json; charset=utf-8",
    ...call.headers,
  };
  if (method) headers["x-ca-signature-method"] = method;
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  if (call.body && !isForm) headers["content-md5"] = createHash("md5").update(call.body).digest("base64");
  const names = Object.keys(headers).filter((name) => name.startsWith("x-ca-"));
  const complete = { ...call, headers };
  headers["x-ca-signature-headers"] = names.join(",");
  headers["x-ca-signature"] = signature(complete, names, secret, method === "HmacSHA1" ? "sha1" : "sha256");
  return complete;
}
