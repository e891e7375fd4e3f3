// An OpenSSH server of this suite's own: on loopback, with keys made for it.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { until } from "../harness/checks.mjs";
import { folder, start } from "../harness/tieline.mjs";
import { descendants } from "./processes.mjs";

/** Makes a server in a folder of its own, and starts it. */
export async function startSshd() {
  const home = join(folder, "sshd");
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = (name) => join(home, name);
  const port = await freePort();
  for (const name of ["host", "other", "user"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(name)]);
  }
  copyFileSync(file("user.pub"), file("authorized"));
  writeFileSync(file("known"), `[127.0.0.1]:${port} ${readFileSync(file("host.pub"), "utf8")}`);
  let child;

  const sshd = {
    port,
    file,
    user: userInfo().username,
    /** The key that it shows, as `ssh-keygen -l` has it. */
    fingerprint: (key = "host") =>
      execFileSync("ssh-keygen", ["-lf", file(`${key}.pub`)], { encoding: "utf8" }).split(" ")[1],
    /** Starts it, with one of its keys, and waits until it listens. */
    async run(key = "host") {
      writeFileSync(file("sshd_config"), configuration(port, file, key));
      // Where it runs as root it wants this folder, which the system makes when it starts its own.
      if (process.getuid() === 0) mkdirSync("/run/sshd", { recursive: true });
      const log = openSync(file("sshd.log"), "a");
      child = start("/usr/sbin/sshd", ["-D", "-e", "-f", file("sshd_config")], { stdio: ["ignore", "ignore", log] });
      await until("sshd listens", () => listens(port));
    },
    /** Kills it, and the connections that it has, each by its number. */
    async kill() {
      const ended = new Promise((resolve) => child.once("close", resolve));
      const all = [...descendants(child.pid)];
      child.kill("SIGKILL");
      await ended;
      for (const { pid } of all) {
        try {
          process.kill(pid, "SIGKILL");
        } catch (error) {
          // One that has ended with it is not there any more.
          if (error.code !== "ESRCH") throw error;
        }
      }
    },
    /** What it has started. */
    processes: () => descendants(child.pid),
    /** A source of `tail`: a file of this machine over SSH, with more settings of `ssh`. */
    source: (path, more = "", user = sshd.user) =>
      `{ host = "${user}@127.0.0.1", path = "${path}", name = "far", ` +
      `ssh = { config = "/dev/null", port = ${port}${more && `, ${more}`} } }`,
    /** The settings with which the server is known and lets us in. */
    keys: `identity_file = "${file("user")}", known_hosts = "${file("known")}"`,
  };
  await sshd.run();
  return sshd;
}

// Folders above the suite's may be anybody's, which it does not like by itself.
const configuration = (port, file, key) => `Port ${port}
ListenAddress 127.0.0.1
HostKey ${file(key)}
AuthorizedKeysFile ${file("authorized")}
StrictModes no
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
`;

const listens = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
