// Starts the simulated provider with a scenario and stops it again.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const binary = process.env.MOCKPROVIDER;
if (!binary) throw new Error('MOCKPROVIDER must name the binary');

// Runs `check(url, caFile)` against a provider of its own.
export async function withProvider(scenario, check) {
  const folder = await mkdtemp(join(tmpdir(), 'sdk-check-'));
  const scenarioFile = join(folder, 'scenario.json');
  const caFile = join(folder, 'ca.pem');
  await writeFile(scenarioFile, JSON.stringify(scenario));
  const child = spawn(binary, ['--port', '0', '--scenario', scenarioFile, '--ca-out', caFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    const url = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', (line) => resolve(line.replace('listening on ', '')));
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the provider ended with ${code}`)));
    });
    await check(url, caFile);
  } finally {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true });
  }
}

async function textAt(url, ca) {
  if (!ca) return (await fetch(url)).text();
  const reply = await new Promise((resolve, reject) => get(url, { ca }, resolve).once('error', reject));
  let text = '';
  for await (const piece of reply.setEncoding('utf8')) text += piece;
  return text;
}

export async function counters(url) {
  return (await fetch(`${url}/mock/counters`)).json();
}

export const weatherTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
      required: ['city'],
    },
  },
};

// What was sent last: {method, target, fields: {name: value}, body}. `ca`: the provider's certificate, where it has one.
export async function lastRequest(url, ca) {
  const sent = JSON.parse(await textAt(`${url}/mock/last_request`, ca));
  return { ...sent, fields: Object.fromEntries(sent.fields), body: sent.body && JSON.parse(sent.body) };
}

// What the provider would bill a key for a model. It learns of an answer's end a moment after the client.
export async function usageOf(url, key, model) {
  for (let i = 0; i < 100; ++i) {
    const bill = (await counters(url)).by_key[key]?.models[model];
    if (bill) return bill;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return null;
}
