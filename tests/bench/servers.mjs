// Starts and ends what the bench measures, and reads what the kernel counted for it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TICKS_A_SECOND = 100; // USER_HZ, the unit of /proc/PID/stat on every Linux
const running = [];

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function answers(port) {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
  }).finally(() => socket.destroy());
}

function children(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean));
}

class Server {
  constructor(name, port, child) {
    Object.assign(this, { name, port, child });
  }
  pids() {
    return [this.child.pid, ...children(this.child.pid)];
  }
  // Microseconds of processor time, of all its processes and threads.
  cpu() {
    const ticks = this.pids().map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return Number(fields[11]) + Number(fields[12]);
    });
    return (ticks.reduce((a, b) => a + b) * 1e6) / TICKS_A_SECOND;
  }
  // Resident KiB of the process that serves: the last child, or the only one.
  resident() {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pids().at(-1)}/status`, "utf8"))[1]);
  }
}

export async function start(name, port, program, args, env = {}) {
  let log = "";
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  child.stderr.on("data", (text) => (log += text));
  child.on("error", (error) => (log += error.message));
  const server = new Server(name, port, child);
  running.push(server);
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null || log.includes("ENOENT")) break;
    if (await answers(port)) return server;
    await sleep(50);
  }
  throw new Error(`${name} does not start:\n${log}`);
}

// One nginx with one worker and these locations; everything it writes goes below the folder.
export async function startNginx(name, folder, port, locations, http = "") {
  const home = join(folder, name);
  mkdirSync(home, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((what) => `${what}_temp_path ${home}/${what};`)
    .join(" ");
  writeFileSync(
    join(home, "nginx.conf"),
    `daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; ${temporary}
  default_type application/json; client_body_buffer_size 16k;
  ${http}
  server { listen 127.0.0.1:${port} backlog=4096; ${locations} }
}
`,
  );
  return start(name, port, "nginx", ["-p", home, "-c", join(home, "nginx.conf"), "-e", join(home, "error.log")]);
}

export async function stopAll() {
  for (const { child } of running.splice(0).reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const late = globalThis.setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
  }
}
