// Sends single rows with batchrun, and compares what it sent with what an official client sent for the same call.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const binary = process.env.BATCHRUN;
if (!binary) throw new Error('BATCHRUN must name the binary');

// Sends `row` with one provider: `name` and its entry of a config.
export async function sendRow(name, provider, row, stream, environment = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'sdk-requests-'));
  const file = (last) => join(folder, last);
  try {
    await writeFile(file('config.json'), JSON.stringify({ providers: { [name]: provider } }), { mode: 0o600 });
    await writeFile(file('row.jsonl'), `${JSON.stringify(row)}\n`);
    const args = ['run', file('row.jsonl'), '-c', file('config.json'), '--env-file', '/dev/null',
                  '--stream', stream ? 'always' : 'never', '--progress', 'none', '-o', file('results.jsonl')];
    await promisify(execFile)(binary, args, { env: { ...environment, XDG_STATE_HOME: folder } }).catch((error) => {
      throw new Error(`batchrun failed:\n${error.stderr}`);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

// Every part of a request by a name of its own: "method", "path", "query.alt", "field.accept",
// "body.messages.0.role". A list and an object that are empty are parts too.
function partsOf(request) {
  const parts = new Map();
  const [path, query] = request.target.split('?');
  parts.set('method', request.method);
  parts.set('path', path);
  for (const [name, value] of new URLSearchParams(query)) parts.set(`query.${name}`, value);
  for (const [name, value] of Object.entries(request.fields)) parts.set(`field.${name}`, value);
  const walk = (name, value) => {
    const inner = value !== null && typeof value === 'object' ? Object.entries(value) : [];
    if (inner.length === 0) parts.set(name, JSON.stringify(value));
    for (const [key, element] of inner) walk(`${name}.${key}`, element);
  };
  walk('body', request.body ?? null);
  return parts;
}

// The differences between two requests that `known` does not list. `known`: a part's name, or the beginning of several
// with * at the end, to the reason of the difference; the names that were needed are added to `seen`.
export function unknownDifferences(theirs, ours, known, seen) {
  const [left, right] = [partsOf(theirs), partsOf(ours)];
  const found = [];
  for (const part of new Set([...left.keys(), ...right.keys()])) {
    if (left.get(part) === right.get(part)) continue;
    const entry = Object.keys(known).find((name) => name === part || (name.endsWith('*') && part.startsWith(name.slice(0, -1))));
    if (entry) seen.add(entry);
    else found.push({ part, client: left.get(part), batchrun: right.get(part) });
  }
  return found;
}
