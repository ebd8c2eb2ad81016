import assert from 'node:assert/strict';
import { test } from 'node:test';

import Groq from 'groq-sdk';

import { weatherTool, withProvider } from './provider.mjs';

const keys = [{ key: 'gsk_good', organisation: 'org_g' }];
const ask = (text, more = {}) => ({
  model: 'llama-3.1-8b-instant',
  messages: [{ role: 'user', content: text }],
  max_tokens: 20,
  ...more,
});
// This client adds /openai/v1 itself.
const clientFor = (url, more = {}) => new Groq({ baseURL: url, apiKey: 'gsk_good', maxRetries: 0, ...more });

test('plain completion', () =>
  withProvider({ keys }, async (url) => {
    const completion = await clientFor(url).chat.completions.create(ask('[[row-1]] hi'));
    assert.match(completion.choices[0].message.content, /^row-1/);
    assert.match(completion.x_groq.id, /^req_/);
    assert.ok(completion.usage.total_time > 0);
  }));

test('stream with usage in the last chunk', () =>
  withProvider({ keys }, async (url) => {
    const client = clientFor(url);
    const chunks = [];
    for await (const chunk of await client.chat.completions.create(ask('[[row-2]] hi', { stream: true }))) chunks.push(chunk);
    const text = chunks.map((c) => c.choices[0]?.delta?.content ?? '').join('');
    const plain = await client.chat.completions.create(ask('[[row-2]] hi'));
    assert.equal(text, plain.choices[0].message.content);
    assert.match(chunks[0].x_groq.id, /^req_/);
    assert.equal(chunks.at(-1).x_groq.usage.completion_tokens, plain.usage.completion_tokens);
  }));

test('tool calls', () =>
  withProvider({ keys }, async (url) => {
    const completion = await clientFor(url).chat.completions.create(ask('weather?', { tools: [weatherTool] }));
    assert.equal(completion.choices[0].message.tool_calls[0].function.name, 'get_weather');
  }));

test('errors are the typed ones', () =>
  withProvider({ keys, limits: { rpm: 1, rpd: 14400, tpm: 1000 }, failed_calls_count: false }, async (url) => {
    const client = clientFor(url);
    await assert.rejects(clientFor(url, { apiKey: 'gsk_wrong' }).chat.completions.create(ask('x')), Groq.AuthenticationError);
    await assert.rejects(client.chat.completions.create(ask('x', { messages: [] })), Groq.BadRequestError);
    await assert.rejects(client.chat.completions.create(ask('x', { max_tokens: 5000 })), (error) => {
      assert.equal(error.status, 413);
      assert.equal(error.error.error.code, 'rate_limit_exceeded');
      return true;
    });
    await client.chat.completions.create(ask('x'));
    await assert.rejects(client.chat.completions.create(ask('x')), (error) => {
      assert.ok(error instanceof Groq.RateLimitError);
      assert.match(error.message, /\(RPM\)/);
      assert.equal(error.headers.get('x-ratelimit-limit-requests'), '14400', 'the day, whatever was refused');
      assert.equal(error.headers.get('x-ratelimit-limit-tokens'), null);
      return true;
    });
  }));

test('server errors and error events are thrown', () =>
  withProvider({ keys, faults: [{ fault: 'status_500', stream: false }, { fault: 'error_first_event' }] }, async (url) => {
    const client = clientFor(url);
    await assert.rejects(client.chat.completions.create(ask('x')), Groq.InternalServerError);
    const stream = await client.chat.completions.create(ask('x', { stream: true }));
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.fail(JSON.stringify(chunk));
    }, Groq.APIError);
  }));

test('retry-after is honoured', () =>
  withProvider({ keys, faults: [{ fault: 'rate_limit_429', requests: [1], seconds: 1 }] }, async (url) => {
    const start = performance.now();
    await clientFor(url, { maxRetries: 1 }).chat.completions.create(ask('x'));
    assert.ok(performance.now() - start >= 995);
  }));

test('models are listed', () =>
  withProvider({ keys, models: ['a', 'b'] }, async (url) => {
    const list = await clientFor(url).models.list();
    assert.deepEqual(list.data.map((m) => m.id), ['a', 'b']);
  }));
