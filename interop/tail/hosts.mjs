// Who the other machine is, and how one is let in: keys of hosts, passwords, and hosts that say nothing.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, until } from "../harness/checks.mjs";
import { folder, write } from "../harness/tieline.mjs";
import { makeLog } from "./log.mjs";
import { count, isOnSomeCommandLine } from "./processes.mjs";
import { serveFar } from "./ssh.mjs";
import { openViewer } from "./viewer.mjs";

const ACCOUNT = "tieline-interop";
const CONNECT_WITHIN_MS = 15_000;

/** What the server has logged. */
const logged = () => readFileSync(join(folder, "tieline.log"), "utf8");

export async function checkHosts(sshd) {
  const log = makeLog("hosts");
  log.write(3);
  const identity = `identity_file = "${sshd.file("user")}"`;
  const learned = sshd.file("learned");

  await check("a host whose key is not known is refused, with the fingerprint in the log", async () => {
    const server = await serveFar(sshd.source(log.path, `${identity}, known_hosts = "${sshd.file("empty")}"`));
    const viewer = await openViewer(server.ws("/far"));
    await viewer.isTold("the host's key is not known");
    assert.deepEqual(viewer.lines, []);
    await until("the fingerprint is logged", () => logged().includes(sshd.fingerprint()));
    assert(!existsSync(sshd.file("empty")));
    assert.equal(await server.stop(), 0);
  });
  await check(
    "where it is configured so, the key is believed the first time and remembered, and another one refused",
    async () => {
      const source = sshd.source(log.path, `${identity}, known_hosts = "${learned}", accept_new_host = true`);
      const server = await serveFar(source);
      const viewer = await openViewer(server.ws("/far"));
      await viewer.has(3);
      const key = readFileSync(sshd.file("host.pub"), "utf8").split(" ")[1];
      assert(readFileSync(learned, "utf8").includes(key));
      await sshd.kill();
      await sshd.run("other");
      try {
        await viewer.isTold("the host has another key than the one that is known");
        await until("the fingerprint is logged", () => logged().includes(sshd.fingerprint("other")));
      } finally {
        await sshd.kill();
        await sshd.run();
      }
      assert.equal(viewer.lines.length, 3);
      assert.equal(await server.stop(), 0);
    },
  );
  await check("a host that does not let us in is told", async () => {
    const stranger = `identity_file = "${sshd.file("other")}", known_hosts = "${sshd.file("known")}"`;
    const server = await serveFar(sshd.source(log.path, stranger));
    const viewer = await openViewer(server.ws("/far"));
    await viewer.isTold("the host does not let this server in");
    assert.equal(await server.stop(), 0);
  });
  await checkPassword(sshd);
  await check("a host that accepts a connection and says nothing is told after 15 s", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await until("it listens", () => silent.address());
    const { port } = silent.address();
    const source = `{ host = "127.0.0.1", path = "/log", ssh = { config = "/dev/null", port = ${port} } }`;
    const server = await serveFar(source);
    const since = Date.now();
    const viewer = await openViewer(server.ws("/far"));
    await viewer.isTold("not connected to the host within 15s");
    const took = Date.now() - since;
    assert(took >= CONNECT_WITHIN_MS - 500 && took < CONNECT_WITHIN_MS + 5_000, `${took} ms`);
    assert.equal(await server.stop(), 0);
    silent.close();
  });
}

/** Only root can make an account with a password, which exists for as long as this takes. */
async function checkPassword(sshd) {
  if (process.getuid() !== 0) {
    console.log("       left out: an account with a password needs root");
    return;
  }
  const password = randomBytes(18).toString("base64url");
  removeAccount();
  execFileSync("useradd", ["--system", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", ACCOUNT]);
  execFileSync("chpasswd", { input: `${ACCOUNT}:${password}\n` });
  // The account has to reach the file.
  const shared = mkdtempSync(join(tmpdir(), "tieline-tail-"));
  chmodSync(shared, 0o755);
  const path = join(shared, "log");
  writeFileSync(path, "1\n2\n");
  try {
    await check("a password comes from a file to ssh alone, and is on no command line", async () => {
      const file = write("password", `${password}\n`);
      chmodSync(file, 0o600);
      const more = `password_file = "${file}", known_hosts = "${sshd.file("known")}"`;
      const server = await serveFar(sshd.source(path, more, ACCOUNT));
      const viewer = await openViewer(server.ws("/far"));
      let looks = 0;
      await until("its lines", () => {
        assert(!isOnSomeCommandLine(password));
        looks += 1;
        return viewer.lines.length === 2;
      });
      console.log(`       ${looks} looks at all command lines`);
      assert.equal(count(server.pid, "ssh"), 1);
      assert(!logged().includes(password));
      assert.equal(await server.stop(), 0);
    });
    await check("a wrong password is told, and asked for once", async () => {
      const file = write("password", "wrong\n");
      const more = `password_file = "${file}", known_hosts = "${sshd.file("known")}"`;
      const server = await serveFar(sshd.source(path, more, ACCOUNT));
      const viewer = await openViewer(server.ws("/far"));
      await viewer.isTold("the host does not let this server in");
      assert.equal(await server.stop(), 0);
    });
  } finally {
    rmSync(shared, { recursive: true });
    removeAccount();
  }
}

/** It is there where an earlier run was cut off. */
function removeAccount() {
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  if (accounts.some((account) => account.startsWith(`${ACCOUNT}:`))) execFileSync("userdel", [ACCOUNT]);
}
