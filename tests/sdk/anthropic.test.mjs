import assert from 'node:assert/strict';
import { test } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import AnthropicOld from 'anthropic-sdk-0';

import { lastRequest, usageOf, withProvider } from './provider.mjs';

const keys = [{ key: 'sk-ant-good', organisation: 'org-a' }];
const model = 'claude-sonnet-5-5';
const ask = (text, more = {}) => ({ model, max_tokens: 20, messages: [{ role: 'user', content: text }], ...more });
const tool = {
  name: 'get_weather',
  description: 'The weather in a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius'] } } },
};
const refusal = (promise) => promise.then(() => assert.fail('no error'), (error) => error);

// The last client of each version of the API: 2023-06-01 with x-api-key, 2026-10-21 with a bearer token.
for (const [version, Client] of [['2023-06-01', AnthropicOld], ['2026-10-21', Anthropic]]) {
  const clientFor = (url, more = {}) => new Client({ baseURL: url, apiKey: 'sk-ant-good', maxRetries: 0, ...more });

  test(`${version}: plain message`, () =>
    withProvider({ keys, answer: { cached_share: 0.5 } }, async (url) => {
      const { data, response, request_id } = await clientFor(url).messages.create(ask('[[row-1]] hi')).withResponse();
      assert.match(data.content[0].text, /^row-1/);
      assert.equal(data.model, model);
      assert.equal(data.usage.input_tokens + data.usage.cache_read_input_tokens, 6, 'ceil(12 / 4) + 3');
      assert.equal(data.usage.cache_read_input_tokens, 3);
      assert.match(request_id, /^req_/);
      assert.equal(response.headers.get('anthropic-organization-id'), 'org-a');
      const sent = await lastRequest(url);
      assert.equal(sent.fields['anthropic-version'], version);
      assert.equal(sent.fields['x-api-key'] ?? sent.fields.authorization, version === '2023-06-01' ? '***' : 'Bearer ***');
      assert.deepEqual(await usageOf(url, 'sk-ant-good', model),
                       { answers: 1, input_tokens: 6, cached_tokens: 3, output_tokens: data.usage.output_tokens, searches: 0 });
    }));

  test(`${version}: stream, as the client's accumulator puts it together`, () =>
    withProvider({ keys, latency: { between_chunks_ms: 1 } }, async (url) => {
      const client = clientFor(url);
      const plain = await client.messages.create(ask('[[row-2]] hi', { system: 'Be terse.' }));
      const stream = client.messages.stream(ask('[[row-2]] hi', { system: 'Be terse.' }));
      const whole = await stream.finalMessage();
      assert.equal(whole.content[0].text, plain.content[0].text);
      assert.equal(whole.stop_reason, plain.stop_reason);
      assert.equal(whole.usage.output_tokens, plain.usage.output_tokens);
      assert.equal(whole.usage.input_tokens, plain.usage.input_tokens);
      const names = [];
      for await (const event of await client.messages.create(ask('x', { stream: true }))) names.push(event.type);
      assert.equal(names[0], 'message_start');
      assert.equal(names.at(-2), 'message_delta');
      assert.equal(names.at(-1), 'message_stop');
    }));

  test(`${version}: tool use, plain and streamed`, () =>
    withProvider({ keys }, async (url) => {
      const client = clientFor(url);
      const plain = await client.messages.create(ask('weather?', { tools: [tool] }));
      assert.equal(plain.stop_reason, 'tool_use');
      assert.deepEqual(plain.content[0].input, { city: 'sample', unit: 'celsius' });
      const streamed = await client.messages.stream(ask('weather?', { tools: [tool] })).finalMessage();
      assert.equal(streamed.content[0].name, 'get_weather');
      assert.deepEqual(streamed.content[0].input, plain.content[0].input);
      const answer = await client.messages.create({
        ...ask('weather?', { tools: [tool] }),
        messages: [
          { role: 'user', content: 'weather?' },
          { role: 'assistant', content: plain.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: plain.content[0].id, content: '21 degrees' }] },
        ],
      });
      assert.equal(answer.content[0].type, 'text');
    }));

  test(`${version}: thinking comes first`, () =>
    withProvider({ keys }, async (url) => {
      const client = clientFor(url);
      const body = ask('[[t]] x', { max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } });
      const plain = await client.messages.create(body);
      assert.deepEqual(plain.content.map((block) => block.type), ['thinking', 'text']);
      assert.ok(plain.usage.output_tokens_details.thinking_tokens > 0);
      const streamed = await client.messages.stream(body).finalMessage();
      assert.equal(streamed.content[0].thinking, plain.content[0].thinking);
      assert.equal(streamed.content[0].signature, plain.content[0].signature);
      assert.equal(streamed.content[1].text, plain.content[1].text);
    }));

  test(`${version}: errors are the typed ones`, () => {
    const limits = { rpm: 4, itpm: 1000, otpm: 100 };
    const faults = [{ fault: 'overloaded', contains: 'busy' }, { fault: 'quota_exhausted', contains: 'money' },
                    { fault: 'quota_exhausted', contains: 'cap', variant: 'enforced_spend_limit_reached' },
                    { fault: 'status', status: 504, contains: 'late' }];
    return withProvider({ keys, models: [model], limits, failed_calls_count: false, faults }, async (url) => {
      const client = clientFor(url);
      const create = (text, more) => refusal(client.messages.create(ask(text, more)));
      const stranger = await refusal(clientFor(url, { apiKey: 'sk-wrong' }).messages.create(ask('x')));
      assert.ok(stranger instanceof Client.AuthenticationError);
      assert.equal(stranger.error.error.type, 'authentication_error');
      assert.ok((await create('x', { messages: [] })) instanceof Client.BadRequestError);
      assert.ok((await create('x', { model: 'claude-99' })) instanceof Client.NotFoundError);
      const money = await create('money');
      assert.ok(money instanceof Client.BadRequestError);
      assert.match(money.message, /credit balance is too low/);
      const cap = await create('cap');
      assert.ok(cap instanceof Client.RateLimitError);
      assert.equal(cap.headers.get('retry-after'), null);
      assert.equal(cap.error.error.details.error_code, 'enforced_spend_limit_reached');
      assert.equal((await create('busy')).status, 529);
      assert.equal((await create('late')).error.error.type, 'timeout_error');
      let limited = null;
      for (let i = 0; i < 5 && !limited; ++i) limited = await client.messages.create(ask('x')).then(() => null, (e) => e);
      assert.ok(limited instanceof Client.RateLimitError);
      assert.match(limited.message, /exceed your organization's rate limit of 4 requests per minute \(org: org-a/);
      assert.ok(Number(limited.headers.get('retry-after')) > 0);
      assert.equal(limited.headers.get('anthropic-ratelimit-requests-remaining'), '0');
      assert.match(limited.headers.get('anthropic-ratelimit-requests-reset'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(limited.headers.get('anthropic-ratelimit-input-tokens-remaining'), '1000', 'to the nearest thousand');
    });
  });

  test(`${version}: an error event and a missing end`, () =>
    withProvider({ keys, faults: [{ fault: 'error_mid_stream', after_chunks: 2, contains: 'break' },
                                  { fault: 'finish_without_done', contains: 'cut' }] }, async (url) => {
      const client = clientFor(url);
      let text = '';
      await assert.rejects(async () => {
        const stream = await client.messages.create(ask('[[s]] break', { stream: true }));
        for await (const event of stream) text += event.delta?.text ?? '';
      }, Client.APIError);
      assert.match(text, /^s/);
      const names = [];
      for await (const event of await client.messages.create(ask('cut', { stream: true }))) names.push(event.type);
      assert.equal(names.at(-1), 'message_delta');
    }));

  test(`${version}: refusals have status 200`, () =>
    withProvider({ keys, faults: [{ fault: 'refusal' }] }, async (url) => {
      const message = await clientFor(url).messages.create(ask('x'));
      assert.equal(message.stop_reason, 'refusal');
      assert.equal(message.stop_details.type, 'refusal');
    }));

  test(`${version}: models are listed`, () =>
    withProvider({ keys, models: ['a', 'b'] }, async (url) => {
      const names = [];
      for await (const entry of await clientFor(url).models.list()) names.push(entry.id);
      assert.deepEqual(names, ['a', 'b']);
    }));
}

test('sampling fields are for the old version only', () =>
  withProvider({ keys }, async (url) => {
    const ok = await new AnthropicOld({ baseURL: url, apiKey: 'sk-ant-good' }).messages.create(ask('x', { temperature: 0.5 }));
    assert.equal(ok.type, 'message');
    const client = new Anthropic({ baseURL: url, apiKey: 'sk-ant-good', maxRetries: 0 });
    const error = await refusal(client.messages.create(ask('x', { temperature: 1 })));
    assert.ok(error instanceof Anthropic.BadRequestError);
    assert.match(error.message, /temperature: Extra inputs are not permitted/);
  }));
