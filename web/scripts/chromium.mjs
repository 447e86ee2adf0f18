/**
 * Prints the path of a Chromium that starts on a bare Linux, for the tests.
 *
 * The npm package carries the browser, the shared libraries a server lacks and a font, all
 * brotli-packed for AWS Lambda. Its own loader unpacks into fixed names under /tmp and takes a
 * half-written file for a whole one, so this unpacks beside the package, all or nothing.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const MODULES = join(import.meta.dirname, '..', 'node_modules');
const PACKAGE = join(MODULES, '@sparticuz', 'chromium');

const LAUNCHER = `#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
`;

/** @param {string} home where the folder will be at last */
const fontConfiguration = (home) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${home}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${home}/font-cache</cachedir>
</fontconfig>
`;

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}

/** @param {string} name */
function unpacked(name) {
  return brotliDecompressSync(readFileSync(join(PACKAGE, 'bin', name)));
}

/** @param {string} name @param {string} folder */
function untar(name, folder) {
  const { status, stderr } = spawnSync('tar', ['-x', '-C', folder], { input: unpacked(name) });
  if (status !== 0) fail(`${name} could not be unpacked: ${stderr}`);
}

/** @param {string} folder @param {string} home */
function unpack(folder, home) {
  mkdirSync(folder, { recursive: true });
  untar('al2023.tar.br', folder);
  untar('fonts.tar.br', folder);
  writeFileSync(join(folder, 'fonts.conf'), fontConfiguration(home));
  writeFileSync(join(folder, 'chromium'), unpacked('chromium.br'), { mode: 0o755 });
  writeFileSync(join(folder, 'launch'), LAUNCHER, { mode: 0o755 });
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  fail('The Chromium of npm is for Linux on x86-64 only.');
}
if (!existsSync(PACKAGE)) {
  fail('The Chromium of npm is not installed: run `npm ci` in web/.');
}
const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
const home = join(MODULES, '.cache', `chromium-${version}`);
if (!existsSync(home)) {
  const draft = `${home}.${process.pid}`;
  unpack(draft, home);
  try {
    renameSync(draft, home);
  } catch (error) {
    // Another process was faster; its folder is as good.
    rmSync(draft, { recursive: true });
    if (!existsSync(home)) throw error;
  }
}
console.log(join(home, 'launch'));
