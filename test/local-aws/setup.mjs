// Makes a fresh clone ready to run: npm packages, and a Python environment with MiniStack and cargo-lambda.
// With --aws also ready to build for AWS: Zig, and the Rust targets of Lambda's architectures. With --emulator also ready to
// run what is built for the architecture that this machine does not have. With --browser also ready to draw pages.
// Plain Node without dependencies, because it runs before there are any. Does nothing when nothing has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const requirements = 'test/local-aws/requirements.txt';
const requirementsForAws = 'test/local-aws/requirements-aws.txt';
const venv = '.venv';

/** A missing tool or a failed installation: the message is all that the user needs to see. */
class SetupError extends Error {}

/** Runs a command silently; its output, or undefined when it can't be run or fails. */
function probe(command, ...args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return result.status === 0 ? `${result.stdout}${result.stderr}`.trim() : undefined;
}

/** Runs a command with its output shown. */
function install(what, command, ...args) {
  console.log(`setup: ${what} (${[command, ...args].join(' ')})`);
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) throw new SetupError(`${what} failed: ${result.error.message}.`);
  if (result.status !== 0)
    throw new SetupError(`${what} failed: ${command} exited with ${result.status ?? result.signal}.`);
}

/** Whether a dotted version is at least another. */
function isAtLeast(version, minimum) {
  const [have, want] = [version, minimum].map((text) => text.split('.').map(Number));
  for (const [i, number] of want.entries()) {
    if ((have[i] ?? 0) !== number) return (have[i] ?? 0) > number;
  }
  return true;
}

/** Installs Debian packages for something that is missing, where that is possible; says what to do where it isn't. */
function installDebianPackages(missing, ...packages) {
  const command = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || probe('apt-get', '--version') === undefined) {
    throw new SetupError(`${missing}: install it (Debian, Ubuntu: ${command}).`);
  }
  console.log(`setup: ${missing}`);
  install('Updating the package lists', 'apt-get', 'update', '-q');
  install(
    `Installing ${packages.join(', ')}`,
    'apt-get',
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
    ...packages,
  );
}

function checkNode() {
  const minimum = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).engines.node.replace('>=', '');
  if (!isAtLeast(process.versions.node, minimum)) {
    throw new SetupError(`Node.js ${minimum} or newer is needed, and this is ${process.versions.node}.`);
  }
}

function checkRust() {
  const minimum = /^rust-version = "([\d.]+)"/m.exec(readFileSync(`${root}Cargo.toml`, 'utf8'))[1];
  const rustc = /^rustc ([\d.]+)/.exec(probe('rustc', '--version') ?? '');
  if (!rustc || probe('cargo', '--version') === undefined) {
    throw new SetupError('Rust is missing (cargo, rustc): install it from https://rustup.rs.');
  }
  if (!isAtLeast(rustc[1], minimum)) {
    throw new SetupError(`Rust ${minimum} or newer is needed, and this is ${rustc[1]}: run \`rustup update\`.`);
  }
  const components = ['fmt', 'clippy'].filter((tool) => probe('cargo', tool, '--version') === undefined);
  if (components.length > 0) {
    const names = components.map((tool) => (tool === 'fmt' ? 'rustfmt' : tool)).join(' ');
    throw new SetupError(`Rust lacks ${names}: run \`rustup component add ${names}\`.`);
  }
  if (probe('cc', '--version') === undefined) installDebianPackages('A C compiler (cc) is missing', 'gcc', 'libc6-dev');
}

function installNpmPackages() {
  const installed = `${root}node_modules/.package-lock.json`;
  const isFresh = existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs;
  if (!isFresh) install('Installing the npm packages', 'npm', 'ci', '--no-audit', '--no-fund');
}

/** The first Python that MiniStack runs on. */
function findPython() {
  for (const python of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    const version = /^Python ([\d.]+)/.exec(probe(python, '--version') ?? '')?.[1];
    if (version && isAtLeast(version, '3.10')) return { python, version };
  }
  throw new SetupError('Python 3.10 or newer is missing (python3): install it, with its venv module.');
}

function installPythonPackages() {
  const stampFile = `${root}${venv}/.installed-from`;
  const pins = readFileSync(`${root}${requirements}`);
  // The path is in it because an environment that was moved with its checkout no longer finds itself.
  const stamp = createHash('sha256').update(pins).update(root).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && probe(`${venv}/bin/python`, '--version'))
    return;
  const { python, version } = findPython();
  if (probe(python, '-c', 'import venv, ensurepip') === undefined) {
    installDebianPackages(`Python ${version} has no venv module`, 'python3-venv');
  }
  install('Creating a Python environment', python, '-m', 'venv', '--clear', venv);
  pipInstall('Installing MiniStack and cargo-lambda', requirements);
  writeFileSync(stampFile, stamp);
}

function pipInstall(what, pins) {
  const pip = [`${venv}/bin/python`, '-m', 'pip', '--disable-pip-version-check', 'install', '--quiet'];
  install(what, ...pip, '--no-deps', '--no-compile', '-r', pins);
}

/** Zig, where cargo-lambda looks for it. */
function installZig() {
  const pinned = /^ziglang==(\S+)$/m.exec(readFileSync(`${root}${requirementsForAws}`, 'utf8'))[1];
  const version = "import importlib.metadata; print(importlib.metadata.version('ziglang'))";
  if (probe(`${venv}/bin/python`, '-c', version) === pinned) return;
  pipInstall('Installing Zig', requirementsForAws);
}

/** The targets of both architectures that Lambda has: an environment can ask for either. */
function installRustTargets() {
  for (const target of ['aarch64-unknown-linux-gnu', 'x86_64-unknown-linux-gnu']) {
    const libraries = probe('rustc', '--print', 'target-libdir', '--target', target);
    if (libraries !== undefined && existsSync(libraries)) continue;
    if (probe('rustup', '--version') === undefined) {
      throw new SetupError(`Rust lacks the target ${target}, and there is no rustup to add it: see https://rustup.rs.`);
    }
    install(`Installing the Rust target ${target}`, 'rustup', 'target', 'add', target);
  }
}

/** QEMU, and the C library that programs for the other architecture start with. */
function installEmulator() {
  const [machine, architecture] = process.arch === 'arm64' ? ['x86_64', 'amd64'] : ['aarch64', 'arm64'];
  if (probe(`qemu-${machine}-static`, '--version') !== undefined && existsSync(`/usr/${machine}-linux-gnu/lib`)) return;
  installDebianPackages(`An emulator of ${architecture} is missing`, 'qemu-user-static', `libc6-${architecture}-cross`);
}

/** Chromium, to draw pages with. Where it cannot be installed, the tests that need it say that they are skipped; CI has it. */
function installBrowser() {
  const programs = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  if (programs.some((program) => program && probe(program, '--version') !== undefined)) return;
  try {
    // The fonts are only recommended by it, and its pictures are compared.
    installDebianPackages('A browser is missing', 'chromium', 'fonts-dejavu-core', 'fonts-liberation');
  } catch (error) {
    if (process.env.CI || !(error instanceof SetupError)) throw error;
    console.warn(`setup: ${error.message}`);
  }
}

try {
  const wish = { type: 'boolean' };
  const { values: wanted } = parseArgs({ options: { aws: wish, emulator: wish, browser: wish } });
  checkNode();
  checkRust();
  installNpmPackages();
  installPythonPackages();
  if (wanted.aws) {
    installZig();
    installRustTargets();
  }
  if (wanted.emulator) installEmulator();
  if (wanted.browser) installBrowser();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
