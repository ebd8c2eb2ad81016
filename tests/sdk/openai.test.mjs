import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { test } from 'node:test';

import OpenAI from 'openai';

import { counters, weatherTool, withProvider } from './provider.mjs';

const keys = [{ key: 'sk-good', organisation: 'org-a' }];
const model = 'gpt-4o-mini';
const ask = (text, more = {}) => ({ model, messages: [{ role: 'user', content: text }], max_tokens: 20, ...more });
const clientFor = (url, more = {}) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-good', maxRetries: 0, ...more });

test('plain completion', () =>
  withProvider({ keys }, async (url) => {
    const { data, response, request_id } = await clientFor(url).chat.completions.create(ask('[[row-1]] hi')).withResponse();
    assert.match(data.choices[0].message.content, /^row-1/);
    assert.equal(data.object, 'chat.completion');
    assert.equal(data.model, 'gpt-4o-mini-2024-07-18');
    assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
    assert.match(request_id, /^req_/);
    assert.equal(response.headers.get('openai-organization'), 'org-a');
  }));

test('stream with usage', () =>
  withProvider({ keys }, async (url) => {
    const client = clientFor(url);
    const stream = await client.chat.completions.create(
      ask('[[row-2]] hi', { stream: true, stream_options: { include_usage: true } }),
    );
    let text = '';
    let usage = null;
    let finish = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    const plain = await client.chat.completions.create(ask('[[row-2]] hi'));
    assert.equal(text, plain.choices[0].message.content);
    assert.equal(finish, plain.choices[0].finish_reason);
    assert.deepEqual(usage, plain.usage);
  }));

test("the client's own stream accumulator agrees", () =>
  withProvider({ keys, latency: { between_chunks_ms: 2 } }, async (url) => {
    const runner = clientFor(url).chat.completions.stream(ask('[[row-3]] hi'));
    const completion = await runner.finalChatCompletion();
    assert.match(completion.choices[0].message.content, /^row-3/);
  }));

test('tool calls, plain and streamed', () =>
  withProvider({ keys }, async (url) => {
    const client = clientFor(url);
    const plain = await client.chat.completions.create(ask('weather?', { tools: [weatherTool] }));
    assert.equal(plain.choices[0].finish_reason, 'tool_calls');
    const call = plain.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'get_weather');
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'sample', unit: 'celsius' });
    const runner = client.chat.completions.stream(ask('weather?', { tools: [weatherTool] }));
    const streamed = (await runner.finalChatCompletion()).choices[0].message.tool_calls[0];
    assert.equal(streamed.function.arguments, call.function.arguments);
    assert.equal(streamed.function.name, 'get_weather');
    const answer = await client.chat.completions.create({
      model,
      tools: [weatherTool],
      messages: [
        { role: 'user', content: 'weather?' },
        plain.choices[0].message,
        { role: 'tool', tool_call_id: call.id, content: '21 degrees' },
      ],
    });
    assert.equal(typeof answer.choices[0].message.content, 'string');
  }));

test('structured output parses', () =>
  withProvider({ keys }, async (url) => {
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'], additionalProperties: false };
    const completion = await clientFor(url).chat.completions.parse(
      ask('json please', { response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } } }),
    );
    assert.deepEqual(JSON.parse(completion.choices[0].message.content), { ok: true });
  }));

test('errors are the typed ones', () =>
  withProvider({ keys, models: [model], limits: { rpm: 6 }, faults: [{ fault: 'status_500', contains: 'crash' }] }, async (url) => {
    const client = clientFor(url);
    const refusal = (promise) => promise.then(() => assert.fail('no error'), (error) => error);
    const stranger = await refusal(clientFor(url, { apiKey: 'sk-wrong-key-1234' }).chat.completions.create(ask('x')));
    assert.ok(stranger instanceof OpenAI.AuthenticationError);
    assert.equal(stranger.code, 'invalid_api_key');
    const bad = await refusal(client.chat.completions.create({ model, messages: [] }));
    assert.ok(bad instanceof OpenAI.BadRequestError);
    assert.equal(bad.param, 'messages');
    const unknown = await refusal(client.chat.completions.create(ask('x', { model: 'gpt-99' })));
    assert.ok(unknown instanceof OpenAI.NotFoundError);
    assert.equal(unknown.code, 'model_not_found');
    const crash = await refusal(client.chat.completions.create(ask('crash')));
    assert.ok(crash instanceof OpenAI.InternalServerError);
    let limited = null;
    for (let i = 0; i < 6 && !limited; ++i) limited = await client.chat.completions.create(ask('x')).then(() => null, (e) => e);
    assert.ok(limited instanceof OpenAI.RateLimitError);
    assert.equal(limited.code, 'rate_limit_exceeded');
    assert.equal(limited.type, 'requests');
    assert.ok(Number(limited.headers.get('retry-after')) > 0);
    assert.equal(limited.headers.get('x-ratelimit-remaining-requests'), '0');
  }));

for (const [form, seconds] of [['integer', 1], ['fraction', 0.4], ['milliseconds', 0.4], ['date', 1]]) {
  test(`retry-after is honoured: ${form}`, () =>
    withProvider({ keys, faults: [{ fault: 'rate_limit_429', requests: [1], retry_after: form, seconds }] }, async (url) => {
      const start = performance.now();
      await clientFor(url, { maxRetries: 1 }).chat.completions.create(ask('x'));
      // The client's timer may be a little early, and a date has whole seconds only.
      const waited = performance.now() - start;
      assert.ok(waited >= (form === 'date' ? 0 : seconds * 1000 - 5), `waited ${waited} ms`);
      assert.equal((await counters(url)).requests, 2);
    }));
}

test('a limit of the scenario is kept by waiting as told', () =>
  withProvider({ keys, limits: { rpm: 60 }, limiter: { kind: 'token_bucket', bucket_s: 1 } }, async (url) => {
    const client = clientFor(url, { maxRetries: 2 });
    await client.chat.completions.create(ask('x'));
    await client.chat.completions.create(ask('y'));
    const seen = await counters(url);
    assert.equal(seen.completed, 2);
    assert.equal(seen.refused, 1, 'one refusal, one wait, one success');
  }));

test('x-should-retry is obeyed', () =>
  withProvider({ keys, faults: [{ fault: 'status_500', should_retry: false }] }, async (url) => {
    await assert.rejects(clientFor(url, { maxRetries: 3 }).chat.completions.create(ask('x')), OpenAI.InternalServerError);
    assert.equal((await counters(url)).requests, 1);
  }));

test('an error inside a stream is thrown', () =>
  withProvider({ keys, faults: [{ fault: 'error_mid_stream', after_chunks: 2 }] }, async (url) => {
    const stream = await clientFor(url).chat.completions.create(ask('[[s]] x', { stream: true }));
    let text = '';
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.choices[0].delta.content ?? '';
    }, OpenAI.APIError);
    assert.match(text, /^s/);
  }));

// What a correct reader of server-sent events must not stumble over.
for (const fault of ['slice', 'crlf', 'comments', 'multi_line_data', 'no_final_blank_line', 'choices_empty_first',
                     'keepalive_close', 'http10_close', 'early_hints_103']) {
  test(`stream still reads with ${fault}`, () =>
    withProvider({ keys, answer: { tokens: 6 }, faults: [{ fault }] }, async (url) => {
      const stream = await clientFor(url).chat.completions.create(ask('[[s]] h\u00e9', { stream: true }));
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
      assert.match(text, /^s .*\.$/);
    }));
}

test('models are listed', () =>
  withProvider({ keys, models: ['a', 'b'] }, async (url) => {
    const names = [];
    for await (const entry of await clientFor(url).models.list()) names.push(entry.id);
    assert.deepEqual(names, ['a', 'b']);
    assert.equal((await clientFor(url).models.retrieve('b')).id, 'b');
  }));

test('TLS with the certificate as trusted', () =>
  withProvider({ keys, tls: { enabled: true } }, async (url, caFile) => {
    assert.match(url, /^https:/);
    const ca = await readFile(caFile);
    const status = await new Promise((resolve, reject) => {
      request(`${url}/v1/models`, { agent: new Agent({ ca }), headers: { authorization: 'Bearer sk-good' } }, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      }).on('error', reject).end();
    });
    assert.equal(status, 200);
  }));
