import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Ollama } from 'ollama';
import OpenAI from 'openai';

import { lastRequest, usageOf, weatherTool, withProvider } from './provider.mjs';

const model = 'llama3.2';
const ask = (text, more = {}) => ({ model, messages: [{ role: 'user', content: text }], options: { num_predict: 20 }, ...more });
const clientFor = (url) => new Ollama({ host: url });

// Keys of others in the pool do not concern it: it asks nobody for one.
const scenario = { keys: [{ key: 'sk-other', organisation: 'org-a' }] };

test('plain chat', () =>
  withProvider(scenario, async (url) => {
    const reply = await clientFor(url).chat(ask('[[row-1]] hi'));
    assert.match(reply.message.content, /^row-1/);
    assert.equal(reply.done, true);
    assert.equal(reply.prompt_eval_count, 6, 'ceil(12 / 4) + 3');
    assert.equal((await lastRequest(url)).body.stream, false);
    assert.deepEqual(await usageOf(url, '', model),
                     { answers: 1, input_tokens: 6, cached_tokens: 0, output_tokens: reply.eval_count, searches: 0 });
  }));

test('stream', () =>
  withProvider({ ...scenario, latency: { between_chunks_ms: 1 } }, async (url) => {
    const client = clientFor(url);
    const plain = await client.chat(ask('[[row-2]] h\u00e9'));
    const lines = [];
    for await (const line of await client.chat(ask('[[row-2]] h\u00e9', { stream: true }))) lines.push(line);
    assert.equal(lines.map((line) => line.message.content).join(''), plain.message.content);
    assert.equal(lines.at(-1).eval_count, plain.eval_count);
    assert.equal(lines.at(-1).done_reason, plain.done_reason);
  }));

test('tool calls have an object for arguments; thinking and formats', () =>
  withProvider(scenario, async (url) => {
    const client = clientFor(url);
    const called = await client.chat(ask('weather?', { tools: [weatherTool] }));
    assert.deepEqual(called.message.tool_calls[0].function.arguments, { city: 'sample', unit: 'celsius' });
    const answer = await client.chat(ask('', {
      tools: [weatherTool],
      messages: [{ role: 'user', content: 'weather?' }, called.message, { role: 'tool', tool_name: 'get_weather', content: '21' }],
    }));
    assert.ok(answer.message.content);
    const thought = await client.chat(ask('x', { think: true }));
    assert.ok(thought.message.thinking);
    const shaped = await client.chat(ask('x', { format: { type: 'object', properties: { ok: { type: 'boolean' } } } }));
    assert.deepEqual(JSON.parse(shaped.message.content), { ok: true });
  }));

test('errors have a string and a status', () =>
  withProvider({ ...scenario, models: [model], faults: [{ fault: 'overloaded', contains: 'busy' }] }, async (url) => {
    const client = clientFor(url);
    const missing = await client.chat({ ...ask('x'), model: 'none' }).catch((e) => e);
    assert.equal(missing.status_code, 404);
    assert.equal(missing.message, 'model "none" not found, try pulling it first');
    const busy = await client.chat(ask('busy')).catch((e) => e);
    assert.equal(busy.status_code, 503);
    assert.match(busy.message, /^server busy/);
  }));

test('a failure inside a stream is a line; below /v1 it is silence', () =>
  withProvider({ ...scenario, flavour: 'ollama', faults: [{ fault: 'error_mid_stream', after_chunks: 2 }] }, async (url) => {
    let text = '';
    await assert.rejects(async () => {
      for await (const line of await clientFor(url).chat(ask('[[s]] x', { stream: true }))) text += line.message.content;
    }, /internal error/);
    assert.match(text, /^s/);
    const compat = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'ollama', maxRetries: 0 });
    const chunks = [];
    const stream = await compat.chat.completions.create({ model, messages: [{ role: 'user', content: 'x' }], stream: true });
    for await (const chunk of stream) chunks.push(chunk);
    assert.equal(chunks.at(-1).model, '');
    assert.ok(chunks.every((chunk) => chunk.choices[0].finish_reason === null));
  }));

test('models are listed', () =>
  withProvider({ ...scenario, models: ['a', 'b'] }, async (url) => {
    assert.deepEqual((await clientFor(url).list()).models.map((m) => m.name), ['a', 'b']);
  }));
