// The Codex CLI against a running stack: BASE_URL and API_KEY say where it is.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const { BASE_URL, API_KEY, PATH } = process.env;
const codex = fileURLToPath(new URL("node_modules/.bin/codex", import.meta.url));

// Updates, plugins, the daemon and analytics are off, so that it calls the stack only.
const config = `
model = "gpt-5.4-mini"
model_provider = "bridge"
check_for_update_on_startup = false

[model_providers.bridge]
name = "bridge"
base_url = "${BASE_URL}"
env_key = "API_KEY"
wire_api = "responses"
supports_websockets = true

[features]
plugins = false
daemon_auto_start = false

[analytics]
enabled = false
`;

test("codex exec", async (t) => {
  const home = await mkdtemp(join(tmpdir(), "codex-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, ".codex"));
  await writeFile(join(home, ".codex", "config.toml"), config);

  const run = promisify(execFile)(codex, ["exec", "--skip-git-repo-check", "Say hello"], {
    cwd: home,
    env: { PATH, HOME: home, API_KEY, RUST_LOG: "codex_otel.log_only=info" },
    timeout: 30_000,
  });
  run.child.stdin.end(); // it reads the rest of its prompt there
  const { stdout, stderr } = await run;
  assert.equal(stdout, "hello\n");
  // After a 426 it goes on over HTTP at once. Any other status has it try again for seconds.
  const websockets = [...stderr.matchAll(/"codex\.websocket_connect".*? http\.response\.status_code=(\d+)/g)];
  assert.deepEqual(websockets.map(([, status]) => status), ["426"]);
});
