import assert from 'node:assert/strict';
import { test } from 'node:test';

import Cerebras from '@cerebras/cerebras_cloud_sdk';

import { lastRequest, weatherTool, withProvider } from './provider.mjs';

const scenario = { flavour: 'cerebras', keys: [{ key: 'csk-good', organisation: 'org-c' }] };
const ask = (text, more = {}) => ({
  model: 'llama3.1-8b',
  messages: [{ role: 'user', content: text }],
  max_completion_tokens: 20,
  ...more,
});
// Without a first request that only warms the connection.
const clientFor = (url, more = {}) =>
  new Cerebras({ baseURL: url, apiKey: 'csk-good', maxRetries: 0, warmTCPConnection: false, ...more });
const refusal = (promise) => promise.then(() => assert.fail('no error'), (error) => error);

test('plain completion', () =>
  withProvider(scenario, async (url) => {
    const completion = await clientFor(url).chat.completions.create(ask('[[row-1]] hi'));
    assert.match(completion.choices[0].message.content, /^row-1/);
    assert.ok(completion.time_info.total_time > 0);
    assert.equal((await lastRequest(url)).target, '/v1/chat/completions');
  }));

test('stream with usage and times in the last chunk', () =>
  withProvider(scenario, async (url) => {
    const client = clientFor(url);
    const chunks = [];
    for await (const chunk of await client.chat.completions.create(ask('[[row-2]] hi', { stream: true }))) chunks.push(chunk);
    const plain = await client.chat.completions.create(ask('[[row-2]] hi'));
    assert.equal(chunks.map((c) => c.choices[0]?.delta?.content ?? '').join(''), plain.choices[0].message.content);
    assert.deepEqual(chunks.at(-1).usage, plain.usage);
    assert.ok(chunks.at(-1).time_info);
  }));

test('tool calls and reasoning', () =>
  withProvider(scenario, async (url) => {
    const client = clientFor(url);
    const called = await client.chat.completions.create(ask('weather?', { tools: [weatherTool] }));
    assert.equal(called.choices[0].message.tool_calls[0].function.name, 'get_weather');
    const thought = await client.chat.completions.create(ask('x', { reasoning_effort: 'low' }));
    assert.ok(thought.choices[0].message.reasoning);
  }));

test('errors are the typed ones, and flat', () =>
  withProvider({ ...scenario, limits: { rpm: 1, rpd: 14400, tpm: 60000 }, failed_calls_count: false,
                 faults: [{ fault: 'quota_exhausted', contains: 'money' }] }, async (url) => {
    const client = clientFor(url);
    const create = (text, more) => refusal(client.chat.completions.create(ask(text, more)));
    assert.ok((await refusal(clientFor(url, { apiKey: 'csk-wrong' }).chat.completions.create(ask('x')))) instanceof Cerebras.AuthenticationError);
    assert.ok((await create('x', { messages: [] })) instanceof Cerebras.BadRequestError);
    assert.equal((await create('money')).status, 402);
    await client.chat.completions.create(ask('x'));
    const limited = await create('x');
    assert.ok(limited instanceof Cerebras.RateLimitError);
    assert.equal(limited.error.code, 'request_quota_exceeded');
    assert.equal(limited.error.error, undefined, 'no wrapper');
    assert.equal(limited.headers['x-ratelimit-limit-requests-day'] ?? limited.headers.get?.('x-ratelimit-limit-requests-day'), '14400');
  }));

// Of what the event says this client keeps the message only.
test('an error inside a stream is thrown', () =>
  withProvider({ ...scenario, faults: [{ fault: 'error_mid_stream' }] }, async (url) => {
    const stream = await clientFor(url).chat.completions.create(ask('[[s]] x', { stream: true }));
    const error = await refusal((async () => {
      for await (const chunk of stream) assert.ok(chunk);
    })());
    assert.ok(error instanceof Cerebras.APIError);
  }));
