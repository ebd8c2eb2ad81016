// OpenAI's own client on its other endpoints, and on servers that speak as OpenAI does.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import OpenAI, { AzureOpenAI } from 'openai';

import { lastRequest, usageOf, weatherTool, withProvider } from './provider.mjs';

const keys = [{ key: 'sk-good', organisation: 'org-a' }];
const model = 'gpt-4o-mini';
const ask = (text, more = {}) => ({ model, messages: [{ role: 'user', content: text }], max_tokens: 20, ...more });
const clientFor = (url, more = {}) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-good', maxRetries: 0, ...more });
const refusal = (promise) => promise.then(() => assert.fail('no error'), (error) => error);
const textOf = async (stream) => {
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
  return text;
};
const { function: weather } = weatherTool;
const flatTool = { type: 'function', strict: false, ...weather };

test('responses: plain and streamed', () =>
  withProvider({ keys }, async (url) => {
    const client = clientFor(url);
    const body = { model, input: '[[row-1]] hi', instructions: 'Be terse.', max_output_tokens: 40, reasoning: { effort: 'low' } };
    const plain = await client.responses.create(body);
    assert.match(plain.output_text, /^row-1/);
    assert.equal(plain.output[0].type, 'reasoning');
    assert.equal(plain.usage.total_tokens, plain.usage.input_tokens + plain.usage.output_tokens);
    const events = [];
    for await (const event of await client.responses.create({ ...body, stream: true })) events.push(event);
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
    assert.equal(events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join(''), plain.output_text);
    assert.deepEqual(events.at(-1).response.usage, plain.usage);
    const streamed = await client.responses.stream(body).finalResponse();
    assert.equal(streamed.output_text, plain.output_text);
    assert.equal((await usageOf(url, 'sk-good', model)).output_tokens % plain.usage.output_tokens, 0);
  }));

test('responses: function calls, refusals and errors', () =>
  withProvider({ keys, faults: [{ fault: 'error_mid_stream', contains: 'break' }, { fault: 'refusal', contains: 'no' }] }, async (url) => {
    const client = clientFor(url);
    const body = { model, input: 'weather?', tools: [flatTool] };
    const plain = await client.responses.create(body);
    const call = plain.output.find((item) => item.type === 'function_call');
    assert.deepEqual(JSON.parse(call.arguments), { city: 'sample', unit: 'celsius' });
    const streamed = await client.responses.stream(body).finalResponse();
    assert.equal(streamed.output.at(-1).arguments, call.arguments);
    const refused = await client.responses.create({ model, input: 'no' });
    assert.equal(refused.output[0].content[0].type, 'refusal');
    // The client hands the flat error event on as it is.
    const events = [];
    const stream = await client.responses.create({ model, input: 'break', stream: true });
    const error = await (async () => { for await (const e of stream) events.push(e); })().catch((e) => e);
    assert.ok(error instanceof OpenAI.APIError || events.at(-1).type === 'error');
    assert.ok((await refusal(client.responses.create({ model }))) instanceof OpenAI.BadRequestError);
  }));

test('embeddings: numbers, base64, arrays', () =>
  withProvider({ keys }, async (url) => {
    const client = clientFor(url);
    const create = (more) => client.embeddings.create({ model: 'text-embedding-3-small', input: 'x', dimensions: 16, ...more });
    const coded = await create({});
    assert.equal((await lastRequest(url)).body.encoding_format, 'base64', 'what this client asks for unasked');
    const numbers = await create({ encoding_format: 'float' });
    assert.equal(coded.data[0].embedding.length, 16);
    coded.data[0].embedding.forEach((n, i) => assert.equal(Math.fround(n), Math.fround(numbers.data[0].embedding[i])));
    const several = await create({ input: ['x', 'y'] });
    assert.deepEqual(several.data.map((d) => d.index), [0, 1]);
    assert.deepEqual(several.data[0].embedding, coded.data[0].embedding);
    assert.equal(several.usage.total_tokens, 2);
  }));

test('Azure: deployments, first chunk, limits and errors', () =>
  withProvider({ keys, models: [model], limits: { rpm: 3, tpm: 10000 }, failed_calls_count: false }, async (url) => {
    const azure = (more = {}) => new AzureOpenAI({ endpoint: url, apiKey: 'sk-good', apiVersion: '2024-06-01', maxRetries: 0, ...more });
    const plain = await azure().chat.completions.create(ask('[[row-1]] hi'));
    assert.match(plain.choices[0].message.content, /^row-1/);
    const sent = await lastRequest(url);
    assert.equal(sent.target, `/openai/deployments/${model}/chat/completions?api-version=2024-06-01`);
    assert.equal(sent.fields['api-key'], '***');
    const chunks = [];
    for await (const chunk of await azure().chat.completions.create(ask('[[row-1]] hi', { stream: true }))) chunks.push(chunk);
    assert.deepEqual(chunks[0].choices, []);
    assert.equal(chunks[0].id, '');
    const wrong = await refusal(azure({ apiKey: 'sk-wrong' }).chat.completions.create(ask('x')));
    assert.ok(wrong instanceof OpenAI.AuthenticationError);
    assert.equal(wrong.code, '401');
    const missing = await refusal(azure().chat.completions.create(ask('x', { model: 'none' })));
    assert.equal(missing.code, 'DeploymentNotFound');
    await azure().chat.completions.create(ask('x'));
    const limited = await refusal(azure().chat.completions.create(ask('x')));
    assert.equal(limited.code, '429');
    assert.match(limited.message, /exceeded call rate limit .* Please retry after \d+ seconds?\./);
    assert.match(limited.headers.get('x-ratelimit-reset-requests'), /^\d+$/);
    assert.ok(limited.headers.get('retry-after-ms'));
  }));

test('OpenRouter: comments, status 200 with an error, errors in a stream', () =>
  withProvider({ keys, flavour: 'openrouter', faults: [{ fault: 'error_200', stream: false, contains: 'break' },
                                                       { fault: 'error_mid_stream', contains: 'break' }] }, async (url) => {
    const client = clientFor(url, { baseURL: `${url}/api/v1` });
    const { data, response } = await client.chat.completions.create(ask('[[r]] x')).withResponse();
    assert.match(data.id, /^gen-/);
    assert.equal(response.headers.get('x-generation-id'), data.id);
    assert.match(await textOf(await client.chat.completions.create(ask('[[r]] x', { stream: true }))), /^r/);
    const broken = await client.chat.completions.create(ask('break'));
    assert.equal(broken.error.code, 500, 'the client does not notice');
    const stream = await client.chat.completions.create(ask('[[r]] break', { stream: true }));
    assert.equal((await refusal(textOf(stream))).code, 502);
  }));

test('vLLM: codes are numbers', () =>
  withProvider({ keys, flavour: 'vllm', models: [model] }, async (url) => {
    const client = clientFor(url);
    assert.match(await textOf(await client.chat.completions.create(ask('[[v]] x', { stream: true }))), /^v/);
    const bad = await refusal(client.chat.completions.create(ask('x', { messages: [] })));
    assert.equal(bad.code, 400);
    assert.equal(bad.type, 'BadRequestError');
    assert.equal((await refusal(client.chat.completions.create(ask('x', { model: 'none' })))).status, 404);
  }));

test('one port, a pool of everybody: the flavour follows from path or organisation', () => {
  const organisations = {
    'org-o': { flavour: 'openai' }, 'org-c': { flavour: 'cerebras' }, 'org-v': { flavour: 'vllm' }, 'org-a': { flavour: 'anthropic' },
  };
  const pool = Object.keys(organisations).map((organisation) => ({ key: `key-${organisation}`, organisation }));
  return withProvider({ keys: pool, organisations }, async (url) => {
    const speaking = async (organisation) => clientFor(url, { apiKey: `key-${organisation}` }).chat.completions.create(ask('x'));
    assert.equal((await speaking('org-o')).service_tier, 'default');
    assert.ok((await speaking('org-c')).time_info);
    assert.equal((await speaking('org-v')).system_fingerprint, undefined);
    const groq = await fetch(`${url}/openai/v1/chat/completions`, {
      method: 'POST', headers: { authorization: 'Bearer key-org-c' }, body: JSON.stringify(ask('x')),
    });
    assert.ok((await groq.json()).x_groq, 'the path comes first');
    const list = await (await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer key-org-a' } })).json();
    assert.equal(list.has_more, false, "Anthropic's list, as the organisation speaks");
  });
});
