import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError, GoogleGenAI } from '@google/genai';

import { lastRequest, usageOf, withProvider } from './provider.mjs';

const keys = [{ key: 'AIza-good', organisation: 'project-a' }];
const model = 'gemini-2.5-flash';
const ask = (text, config = {}) => ({ model, contents: text, config: { maxOutputTokens: 20, ...config } });
const clientFor = (url, more = {}) => new GoogleGenAI({ apiKey: 'AIza-good', httpOptions: { baseUrl: url }, ...more });
const tool = {
  functionDeclarations: [{
    name: 'get_weather',
    parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' }, unit: { type: 'STRING', enum: ['celsius'] } } },
  }],
};
const refusal = (promise) => promise.then(() => assert.fail('no error'), (error) => error);
const detail = (error, name) => JSON.parse(error.message).error.details?.find((d) => d['@type'].endsWith(name));

test('plain content', () =>
  withProvider({ keys, answer: { cached_share: 0.5 } }, async (url) => {
    const reply = await clientFor(url).models.generateContent(ask('[[row-1]] hi', { systemInstruction: 'Be terse.' }));
    assert.match(reply.text, /^row-1/);
    assert.equal(reply.modelVersion, model);
    assert.equal(reply.usageMetadata.promptTokenCount, 12, 'ceil(21 / 4) + 2 * 3');
    assert.equal(reply.usageMetadata.cachedContentTokenCount, 6);
    const sent = await lastRequest(url);
    assert.equal(sent.target, `/v1beta/models/${model}:generateContent`);
    assert.equal(sent.fields['x-goog-api-key'], '***');
    assert.deepEqual(await usageOf(url, 'AIza-good', model), {
      answers: 1, input_tokens: 12, cached_tokens: 6, output_tokens: reply.usageMetadata.candidatesTokenCount, searches: 0,
    });
  }));

test('stream: usage on every chunk, the reason in the last', () =>
  withProvider({ keys, latency: { between_chunks_ms: 1 } }, async (url) => {
    const client = clientFor(url);
    const plain = await client.models.generateContent(ask('[[row-2]] h\u00e9'));
    const chunks = [];
    for await (const chunk of await client.models.generateContentStream(ask('[[row-2]] h\u00e9'))) chunks.push(chunk);
    assert.equal(chunks.map((chunk) => chunk.text).join(''), plain.text);
    assert.ok(chunks.every((chunk) => chunk.usageMetadata.promptTokenCount === plain.usageMetadata.promptTokenCount));
    assert.deepEqual(chunks.at(-1).usageMetadata, plain.usageMetadata);
    assert.equal(chunks.at(-1).candidates[0].finishReason, plain.candidates[0].finishReason);
    assert.equal((await lastRequest(url)).target, `/v1beta/models/${model}:streamGenerateContent?alt=sse`);
  }));

test('function calls, plain and streamed', () =>
  withProvider({ keys }, async (url) => {
    const client = clientFor(url);
    const plain = await client.models.generateContent(ask('weather?', { tools: [tool] }));
    assert.equal(plain.functionCalls[0].name, 'get_weather');
    assert.deepEqual(plain.functionCalls[0].args, { city: 'sample', unit: 'celsius' });
    const calls = [];
    for await (const chunk of await client.models.generateContentStream(ask('weather?', { tools: [tool] }))) {
      calls.push(...(chunk.functionCalls ?? []));
    }
    assert.deepEqual(calls, plain.functionCalls);
    const answer = await client.models.generateContent({
      model,
      config: { tools: [tool] },
      contents: [
        { role: 'user', parts: [{ text: 'weather?' }] },
        plain.candidates[0].content,
        { role: 'user', parts: [{ functionResponse: { name: 'get_weather', response: { output: '21 degrees' } } }] },
      ],
    });
    assert.equal(typeof answer.text, 'string');
  }));

test('thoughts are apart from the text and from its count', () =>
  withProvider({ keys, answer: { tokens: 5 } }, async (url) => {
    const client = clientFor(url);
    const body = ask('[[t]] x', { maxOutputTokens: 100, thinkingConfig: { thinkingBudget: 64, includeThoughts: true } });
    const plain = await client.models.generateContent(body);
    assert.equal(plain.candidates[0].content.parts[0].thought, true);
    assert.match(plain.text, /^t/);
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = plain.usageMetadata;
    assert.equal(candidatesTokenCount, 5);
    assert.ok(thoughtsTokenCount > 0);
    assert.equal(totalTokenCount, promptTokenCount + candidatesTokenCount + thoughtsTokenCount);
    assert.equal((await usageOf(url, 'AIza-good', model)).output_tokens, candidatesTokenCount + thoughtsTokenCount);
    let text = '';
    for await (const chunk of await client.models.generateContentStream(body)) text += chunk.text ?? '';
    assert.equal(text, plain.text);
    const starved = await client.models.generateContent(ask('x', { maxOutputTokens: 4, thinkingConfig: { thinkingBudget: 64 } }));
    assert.equal(starved.candidates[0].finishReason, 'MAX_TOKENS');
    assert.equal(starved.text, undefined);
  }));

test('structured output', () =>
  withProvider({ keys }, async (url) => {
    const responseSchema = { type: 'OBJECT', properties: { ok: { type: 'BOOLEAN' } } };
    const reply = await clientFor(url).models.generateContent(ask('json', { responseMimeType: 'application/json', responseSchema }));
    assert.deepEqual(JSON.parse(reply.text), { ok: true });
  }));

test('errors name their cause', () => {
  const organisations = { 'project-a': { flavour: 'gemini', rpm: 2 }, 'project-d': { flavour: 'gemini', rpd: 1 } };
  const more = [{ key: 'AIza-day', organisation: 'project-d' }];
  return withProvider({ keys: [...keys, ...more], organisations, models: [model], failed_calls_count: false,
                        faults: [{ fault: 'overloaded', contains: 'busy' }, { fault: 'quota_exhausted', contains: 'money' }] },
                      async (url) => {
    const client = clientFor(url);
    const bad = await refusal(clientFor(url, { apiKey: 'AIza-wrong' }).models.generateContent(ask('x')));
    assert.ok(bad instanceof ApiError);
    assert.equal(bad.status, 400);
    assert.equal(detail(bad, 'ErrorInfo').reason, 'API_KEY_INVALID');
    assert.equal((await refusal(client.models.generateContent({ ...ask('x'), model: 'gemini-99' }))).status, 404);
    assert.equal((await refusal(client.models.generateContent(ask([{ role: 'alien', parts: [{ text: 'x' }] }])))).status, 400);
    assert.equal((await refusal(client.models.generateContent(ask('busy')))).status, 503);
    assert.match((await refusal(client.models.generateContent(ask('money')))).message, /prepayment credits are depleted/);
    for (const [who, quotaId] of [[client, 'PerMinute'], [clientFor(url, { apiKey: 'AIza-day' }), 'PerDay']]) {
      let limited = null;
      for (let i = 0; i < 3 && !limited; ++i) limited = await who.models.generateContent(ask('x')).then(() => null, (e) => e);
      assert.equal(limited.status, 429);
      assert.match(detail(limited, 'QuotaFailure').violations[0].quotaId, new RegExp(quotaId));
      assert.match(detail(limited, 'RetryInfo').retryDelay, /^\d+(\.\d+)?s$/);
    }
  });
});

for (const variant of ['event', 'bare', 'array']) {
  test(`an error inside a stream is thrown: ${variant}`, () =>
    withProvider({ keys, faults: [{ fault: 'error_mid_stream', variant, after_chunks: 2 }] }, async (url) => {
      let text = '';
      // The client knows a bare object for what it is; an array is left over and fails it all the same.
      await assert.rejects(async () => {
        for await (const chunk of await clientFor(url).models.generateContentStream(ask('[[s]] x'))) text += chunk.text;
      });
      assert.match(text, /^s/);
    }));
}

test('a blocked prompt and an unsafe answer have status 200', () =>
  withProvider({ keys, faults: [{ fault: 'blocked_prompt', contains: 'blocked' }, { fault: 'content_filter' }] }, async (url) => {
    const client = clientFor(url);
    const blocked = await client.models.generateContent(ask('blocked'));
    assert.equal(blocked.candidates, undefined);
    assert.equal(blocked.promptFeedback.blockReason, 'PROHIBITED_CONTENT');
    for await (const chunk of await client.models.generateContentStream(ask('blocked'))) {
      assert.equal(chunk.promptFeedback.blockReason, 'PROHIBITED_CONTENT');
    }
    assert.equal((await client.models.generateContent(ask('x'))).candidates[0].finishReason, 'SAFETY');
  }));

test('without alt=sse the stream is one array', () =>
  withProvider({ keys }, async (url) => {
    const reply = await fetch(`${url}/v1beta/models/${model}:streamGenerateContent?key=AIza-good`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ parts: [{ text: '[[a]] x' }] }] }),
    });
    assert.match(reply.headers.get('content-type'), /^application\/json/);
    const chunks = await reply.json();
    assert.match(chunks.map((chunk) => chunk.candidates[0].content.parts[0].text).join(''), /^a/);
    assert.equal((await lastRequest(url)).target, `/v1beta/models/${model}:streamGenerateContent?key=***`);
  }));

test('models are listed', () =>
  withProvider({ keys, models: ['a', 'b'] }, async (url) => {
    const names = [];
    for await (const entry of await clientFor(url).models.list()) names.push(entry.name);
    assert.deepEqual(names, ['models/a', 'models/b']);
  }));
