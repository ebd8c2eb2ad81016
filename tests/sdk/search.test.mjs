import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { config, getAccount, getJson } from 'serpapi';

import { LedAgent } from './led_agent.mjs';
import { counters, lastRequest, usageOf, withProvider } from './provider.mjs';

const keys = [{ key: 'serp-good', organisation: 'org-s' }, { key: 'serper-good', organisation: 'org-r' }];

const withSerpApi = (scenario, check) =>
  withProvider({ keys, tls: { enabled: true }, ...scenario }, async (url, caFile) => {
    const ca = await readFile(caFile);
    config.requestOptions = { agent: new LedAgent(url, ca) };
    await check((parameters) => ({ api_key: 'serp-good', ...parameters }));
  });

test('SerpApi: a search', () =>
  withSerpApi({}, async (asked) => {
    const reply = await getJson(asked({ engine: 'google', q: '[[c-1]] caf\u00e9', num: 3, gl: 'fr' }));
    assert.equal(reply.search_metadata.status, 'Success');
    assert.equal(reply.search_parameters.q, '[[c-1]] caf\u00e9');
    assert.equal(reply.organic_results.length, 3);
    assert.match(reply.organic_results[0].title, /^c-1/);
  }));

test('SerpApi: errors, no results and searches that run out', () =>
  withSerpApi({ organisations: { 'org-s': { searches: 2 } },
                faults: [{ fault: 'no_results', contains: 'nothing' }, { fault: 'error_200', contains: 'failed' }] }, async (asked) => {
    const told = (parameters) => getJson(asked(parameters)).then(JSON.stringify, String);
    assert.match(await told({ engine: 'google', q: 'x', api_key: 'wrong' }), /Invalid API key/);
    assert.match(await told({ engine: 'google', q: 'nothing' }), /"status":"Success".*hasn't returned any results/);
    assert.match(await told({ engine: 'google', q: 'failed' }), /"status":"Error"/);
    assert.equal((await getAccount(asked({}))).total_searches_left, 1);
    await getJson(asked({ engine: 'google', q: 'x' }));
    assert.match(await told({ engine: 'google', q: 'x' }), /run out of searches/);
  }));

// Serper has no client of its own.
const serper = (url, body, key = 'serper-good') =>
  fetch(`${url}/search`, { method: 'POST', headers: { 'X-API-KEY': key, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

test('Serper: a search, and several in one', () =>
  withProvider({ keys }, async (url) => {
    const reply = await (await serper(url, { q: '[[s-1]] coffee', num: 2 })).json();
    assert.equal(reply.organic.length, 2);
    assert.match(reply.organic[0].title, /^s-1/);
    assert.equal(reply.credits, 1);
    assert.equal((await lastRequest(url)).fields['x-api-key'], '***');
    assert.equal((await (await serper(url, [{ q: 'a' }, { q: 'b' }])).json()).length, 2);
    assert.equal((await usageOf(url, 'serper-good', 'google')).searches >= 1, true);
  }));

test('Serper: errors, no results and credits that run out', () =>
  withProvider({ keys, organisations: { 'org-r': { searches: 1, rpm: 60 } }, failed_calls_count: false,
                 faults: [{ fault: 'no_results', contains: 'nothing' }] }, async (url) => {
    const stranger = await serper(url, { q: 'x' }, 'wrong');
    assert.equal(stranger.status, 403);
    assert.deepEqual(await stranger.json(), { message: 'Unauthorized.', statusCode: 403 });
    assert.equal((await serper(url, {})).status, 400);
    assert.deepEqual((await (await serper(url, { q: 'nothing' })).json()).organic, []);
    const poor = await serper(url, { q: 'x' });
    assert.equal(poor.status, 400);
    assert.deepEqual(await poor.json(), { message: 'Not enough credits', statusCode: 400 });
    assert.equal((await counters(url)).by_key['serper-good'].refused, 1);
  }));
