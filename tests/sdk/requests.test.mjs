// The same call made with each provider's official client and as a row of batchrun's: method, path, query, header fields
// and body are the same, but for what the tables below give a reason for.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import Cerebras from '@cerebras/cerebras_cloud_sdk';
import { GoogleGenAI } from '@google/genai';
import AnthropicOld from 'anthropic-sdk-0';
import Groq from 'groq-sdk';
import { Ollama } from 'ollama';
import OpenAI, { AzureOpenAI } from 'openai';
import { config as serpapi, getJson } from 'serpapi';

import { sendRow, unknownDifferences } from './batchrun.mjs';
import { LedAgent } from './led_agent.mjs';
import { lastRequest, weatherTool, withProvider } from './provider.mjs';

// Of the connection and of who asks: nothing a provider answers differently for.
const connection = {
  'field.user-agent': 'each names itself',
  'field.connection': 'HTTP/1.1 keeps connections open without it',
  'field.accept-encoding': 'batchrun reads replies as they come, without inflating them',
};
const fetched = {
  'field.accept-language': "what the runtime's fetch adds to every request",
  'field.sec-fetch-mode': "what the runtime's fetch adds to every request",
};
// Of the clients that are generated alike.
const generated = {
  ...connection,
  'field.x-stainless-*': "the client's own figures: its language, version, retries and timeout",
  'field.accept': 'of a stream: batchrun says that it takes one, the clients say application/json',
};

const promptRow = (model) => ({ id: 'r', model, prompt: 'Capital of Peru?', system: 'Be terse.', max_tokens: 20 });
const drain = async (stream) => {
  for await (const chunk of await stream) void chunk;
};

// Compares `calls`: {name, row, theirs, stream}, where `theirs(stream)` makes the call. An entry of `known` that no call
// needs is no difference any more, and fails.
function compare(what, { name, provider, environment, scenario = {}, known, calls }) {
  test(`${what}: requests are the client's`, () =>
    withProvider({ keys: [{ key: 'sk-good', organisation: 'org-a' }], answer: { tokens: 2 }, ...scenario }, async (url, caFile) => {
      const ca = url.startsWith('https:') ? await readFile(caFile) : undefined;
      const seen = new Set();
      for (const call of calls) {
        for (const stream of call.stream === undefined ? [false, true] : [call.stream]) {
          await call.theirs(url, stream, ca);
          const theirs = await lastRequest(url, ca);
          await sendRow(name, provider(url, caFile), call.row, stream, environment);
          const ours = await lastRequest(url, ca);
          assert.match(ours.fields['user-agent'], /^batchrun\//, 'the row was sent');
          assert.deepEqual(unknownDifferences(theirs, ours, known, seen), [], `${call.name}, ${stream ? 'streamed' : 'whole'}`);
        }
      }
      assert.deepEqual(Object.keys(known).filter((part) => !seen.has(part)), [], 'differences that are none');
    }));
}

// ---- chat rows, in OpenAI's words

const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'], additionalProperties: false };
const jsonSchema = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } };
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const user = (content) => ({ role: 'user', content });
const image = (url) => user([{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url } }]);
const toolCall = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"R\u00f6m"}' } };
const conversation = [
  { role: 'system', content: 'Be terse.\n"Quoted", \\ and \u{1f600}.' },
  user('Capital of France?'),
  { role: 'assistant', content: 'Paris.' },
  user('And of Peru?'),
];
const toolConversation = [
  user('weather?'),
  { role: 'assistant', content: null, tool_calls: [toolCall] },
  { role: 'tool', tool_call_id: 'call_1', content: '21 degrees' },
];

const texts = {
  text: { messages: [user('hi')], max_completion_tokens: 20 },
  'several turns': { messages: conversation, max_completion_tokens: 20 },
  'image by URL': { messages: [image('https://example.org/a.png')], max_completion_tokens: 20 },
  'image as data': { messages: [image(`data:image/png;base64,${pixel}`)], max_completion_tokens: 20 },
  tools: { messages: [user('weather?')], tools: [weatherTool], tool_choice: 'required', max_completion_tokens: 20 },
  'one tool, one call': {
    messages: [user('weather?')], tools: [weatherTool], parallel_tool_calls: false, max_completion_tokens: 20,
    tool_choice: { type: 'function', function: { name: 'get_weather' } },
  },
  'tool results': { messages: toolConversation, tools: [weatherTool], max_completion_tokens: 20 },
  'any JSON': { messages: [user('json please')], response_format: { type: 'json_object' }, max_completion_tokens: 20 },
  'JSON of a schema': { messages: [user('json please')], response_format: jsonSchema, max_completion_tokens: 20 },
  sampling: {
    messages: [user('hi')], max_completion_tokens: 20, temperature: 0.25, top_p: 0.5, stop: ['END', '\n\n'], seed: 7,
    frequency_penalty: 0.5, presence_penalty: -0.5, user: 'u-1',
  },
};

// Clients that take the body as the row has it.
const asWritten = (clientFor, model, more = {}) =>
  Object.entries(texts).map(([name, body]) => ({
    name,
    row: { custom_id: 'r', body: { model, ...body }, method: 'POST', url: '/v1/chat/completions' },
    theirs: (url, stream) => {
      const completions = clientFor(url).chat.completions;
      return stream ? drain(completions.create({ model, ...body, stream: true, ...more })) : completions.create({ model, ...body });
    },
  }));
const asBareRows = (clientFor, model) => [
  {
    name: 'bare body',
    row: { custom_id: 'r', tags: [], priority: 1, metadata: { user_id: 'u' }, model, ...texts.sampling },
    stream: false,
    theirs: (url) => clientFor(url).chat.completions.create({ model, ...texts.sampling }),
  },
  {
    name: 'prompt',
    row: promptRow(model),
    stream: false,
    theirs: (url) =>
      clientFor(url).chat.completions.create({
        model, max_tokens: 20, messages: [{ role: 'system', content: 'Be terse.' }, user('Capital of Peru?')],
      }),
  },
];

const openai = (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-good', maxRetries: 0, organization: 'org-a', project: 'proj-a' });
const usageAsked = { stream_options: { include_usage: true } };
const onlyBody = (url, body) => ({ custom_id: 'r', method: 'POST', url, body });

compare('OpenAI', {
  name: 'openai',
  environment: { OPENAI_ORG_ID: 'org-a', OPENAI_PROJECT_ID: 'proj-a' },
  provider: (url) => ({ base_url: `${url}/v1`, keys: [{ key: 'sk-good' }] }),
  known: { ...generated, ...fetched },
  calls: [
    ...asWritten(openai, 'gpt-4o-mini', usageAsked),
    ...asBareRows(openai, 'gpt-4o-mini'),
    {
      name: 'responses',
      row: onlyBody('/v1/responses', { model: 'gpt-5-mini', input: 'hi', instructions: 'Be terse.', max_output_tokens: 20 }),
      theirs: (url, stream) => {
        const body = { model: 'gpt-5-mini', input: 'hi', instructions: 'Be terse.', max_output_tokens: 20 };
        return stream ? drain(openai(url).responses.create({ ...body, stream })) : openai(url).responses.create(body);
      },
    },
    {
      name: 'embeddings',
      row: onlyBody('/v1/embeddings', { model: 'text-embedding-3-small', input: ['a', 'b'], encoding_format: 'float', dimensions: 8 }),
      stream: false,
      theirs: (url) =>
        openai(url).embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'], encoding_format: 'float', dimensions: 8 }),
    },
  ],
});

const azureVersion = '2024-10-21';
const azure = (url) => new AzureOpenAI({ endpoint: url, apiKey: 'sk-good', apiVersion: azureVersion, maxRetries: 0 });
compare('Azure, by deployment', {
  name: 'azure',
  provider: (url) => ({ base_url: url, dialect: 'azure', api_version: azureVersion, keys: [{ key: 'sk-good' }] }),
  known: { ...generated, ...fetched },
  calls: [...asWritten(azure, 'gpt-4o-mini', usageAsked), ...asBareRows(azure, 'gpt-4o-mini')],
});

const groq = (url) => new Groq({ baseURL: url, apiKey: 'sk-good', maxRetries: 0 });
compare('Groq', {
  name: 'groq',
  provider: (url) => ({ base_url: `${url}/openai/v1`, keys: [{ key: 'sk-good' }] }),
  known: { ...generated, ...fetched },
  calls: [...asWritten(groq, 'llama-3.1-8b-instant'), ...asBareRows(groq, 'llama-3.1-8b-instant')],
});

const cerebras = (url) => new Cerebras({ baseURL: url, apiKey: 'sk-good', maxRetries: 0, warmTCPConnection: false });
compare('Cerebras', {
  name: 'cerebras',
  provider: (url) => ({ base_url: `${url}/v1`, keys: [{ key: 'sk-good' }] }),
  scenario: { flavour: 'cerebras' },
  known: { ...generated, 'field.content-length': 'the client writes its JSON with indentation' },
  calls: [...asWritten(cerebras, 'llama3.1-8b', usageAsked), ...asBareRows(cerebras, 'llama3.1-8b')],
});

// ---- chat rows in other providers' words. What is said twice is said by hand: one is the oracle of the other.

const chatRow = (model, body) => onlyBody('/v1/chat/completions', { model, ...body });
const without = (body, ...names) => Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));

const claude = 'claude-sonnet-5-5';
const claudeTool = { name: 'get_weather', description: 'The weather in a city', input_schema: weatherTool.function.parameters };
const claudeWords = {
  text: { max_tokens: 20, messages: [user('hi')] },
  'several turns': { max_tokens: 20, system: conversation[0].content, messages: conversation.slice(1) },
  'image by URL': {
    max_tokens: 20,
    messages: [user([{ type: 'text', text: 'What is this?' },
                     { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } }])],
  },
  'image as data': {
    max_tokens: 20,
    messages: [user([{ type: 'text', text: 'What is this?' },
                     { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } }])],
  },
  tools: { max_tokens: 20, messages: [user('weather?')], tools: [claudeTool], tool_choice: { type: 'any' } },
  'one tool, one call': {
    max_tokens: 20, messages: [user('weather?')], tools: [claudeTool],
    tool_choice: { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true },
  },
  'tool results': {
    max_tokens: 20,
    tools: [claudeTool],
    messages: [
      user('weather?'),
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'get_weather', input: { city: 'R\u00f6m' } }] },
      user([{ type: 'tool_result', tool_use_id: 'call_1', content: '21 degrees' }]),
    ],
  },
  'JSON of a schema': {
    max_tokens: 20, messages: [user('json please')], output_config: { format: { type: 'json_schema', schema } },
  },
};
const claudeSampling = {
  row: { messages: [user('hi')], max_tokens: 20, temperature: 0.25, top_p: 0.5, top_k: 3, stop: ['END'], user: 'u-1' },
  said: {
    max_tokens: 20, messages: [user('hi')], temperature: 0.25, top_p: 0.5, top_k: 3, stop_sequences: ['END'],
    metadata: { user_id: 'u-1' },
  },
};

for (const [version, Client] of [['2023-06-01', AnthropicOld], ['2026-10-21', Anthropic]]) {
  const client = (url) => new Client({ baseURL: url, apiKey: 'sk-good', maxRetries: 0 });
  const said = (body) => (url, stream) =>
    stream ? drain(client(url).messages.create({ model: claude, ...body, stream })) : client(url).messages.create({ model: claude, ...body });
  const calls = Object.entries(claudeWords).map(([name, body]) => ({ name, row: chatRow(claude, texts[name]), theirs: said(body) }));
  if (version === '2023-06-01')
    calls.push({ name: 'sampling', row: chatRow(claude, claudeSampling.row), theirs: said(claudeSampling.said) });
  compare(`Anthropic ${version}`, {
    name: 'anthropic',
    provider: (url) => ({ base_url: url, api_version: version, keys: [{ key: 'sk-good' }] }),
    known: { ...generated, ...fetched },
    calls: [
      ...calls,
      {
        name: 'prompt',
        row: promptRow(claude),
        theirs: said({ max_tokens: 20, system: 'Be terse.', messages: [user('Capital of Peru?')] }),
      },
      {
        name: 'native',
        row: onlyBody('/v1/messages', { model: claude, ...claudeWords['tool results'] }),
        stream: false,
        theirs: said(claudeWords['tool results']),
      },
    ],
  });
}

const gemini = 'gemini-2.5-flash';
const parts = (role, ...list) => ({ role, parts: list });
const geminiTool = {
  functionDeclarations: [{
    name: 'get_weather', description: 'The weather in a city', parametersJsonSchema: weatherTool.function.parameters,
  }],
};
const geminiWords = {
  text: { contents: [parts('user', { text: 'hi' })] },
  'several turns': {
    contents: [parts('user', { text: 'Capital of France?' }), parts('model', { text: 'Paris.' }), parts('user', { text: 'And of Peru?' })],
    config: { systemInstruction: { parts: [{ text: conversation[0].content }] } },
  },
  'image as data': {
    contents: [parts('user', { text: 'What is this?' }, { inlineData: { mimeType: 'image/png', data: pixel } })],
  },
  tools: {
    contents: [parts('user', { text: 'weather?' })],
    config: { tools: [geminiTool], toolConfig: { functionCallingConfig: { mode: 'ANY' } } },
  },
  'tool results': {
    contents: [
      parts('user', { text: 'weather?' }),
      parts('model', { functionCall: { name: 'get_weather', args: { city: 'R\u00f6m' } } }),
      parts('user', { functionResponse: { name: 'get_weather', response: { output: '21 degrees' } } }),
    ],
    config: { tools: [geminiTool] },
  },
  'any JSON': { contents: [parts('user', { text: 'json please' })], config: { responseMimeType: 'application/json' } },
  'JSON of a schema': {
    contents: [parts('user', { text: 'json please' })],
    config: { responseMimeType: 'application/json', responseJsonSchema: schema },
  },
  sampling: {
    contents: [parts('user', { text: 'hi' })],
    config: {
      temperature: 0.25, topP: 0.5, stopSequences: ['END', '\n\n'], seed: 7,
    },
  },
};
const genai = (url) => new GoogleGenAI({ apiKey: 'sk-good', httpOptions: { baseUrl: url } }).models;
const askGemini = (words) => (url, stream) => {
  const call = { model: gemini, ...words, config: { maxOutputTokens: 20, ...words.config } };
  return stream ? drain(genai(url).generateContentStream(call)) : genai(url).generateContent(call);
};
compare('Gemini', {
  name: 'gemini',
  provider: (url) => ({ base_url: `${url}/v1beta`, keys: [{ key: 'sk-good' }] }),
  known: {
    ...connection,
    ...fetched,
    'field.x-goog-api-client': 'the client names itself a second time',
    'field.accept': "batchrun says what it takes, the runtime's fetch */*",
  },
  calls: [
    ...Object.entries(geminiWords).map(([name, words]) => ({
      name,
      row: chatRow(gemini, without(texts[name], 'user', 'frequency_penalty', 'presence_penalty')),
      theirs: askGemini(words),
    })),
    {
      name: 'prompt',
      row: promptRow(gemini),
      theirs: askGemini({
        contents: [parts('user', { text: 'Capital of Peru?' })],
        config: { systemInstruction: { parts: [{ text: 'Be terse.' }] } },
      }),
    },
    {
      name: 'native',
      row: onlyBody(`/v1beta/models/${gemini}:generateContent`, {
        contents: geminiWords['tool results'].contents,
        tools: [geminiTool],
        generationConfig: { maxOutputTokens: 20 },
      }),
      stream: false,
      theirs: askGemini(geminiWords['tool results']),
    },
  ],
});

const llama = 'llama3.2';
const askOllama = (words) => (url, stream) => {
  const call = { model: llama, ...words, options: { num_predict: 20, ...words.options }, stream };
  return stream ? drain(new Ollama({ host: url }).chat(call)) : new Ollama({ host: url }).chat(call);
};
const ollamaWords = {
  text: { messages: [user('hi')] },
  'several turns': { messages: conversation },
  'image as data': { messages: [{ ...user('What is this?'), images: [pixel] }] },
  'tool results': {
    tools: [weatherTool],
    messages: [
      user('weather?'),
      { role: 'assistant', content: '', tool_calls: [{ id: 'call_1', function: { name: 'get_weather', arguments: { city: 'R\u00f6m' } } }] },
      { role: 'tool', content: '21 degrees', tool_name: 'get_weather' },
    ],
  },
  'any JSON': { messages: [user('json please')], format: 'json' },
  'JSON of a schema': { messages: [user('json please')], format: schema },
  sampling: {
    messages: [user('hi')],
    options: { temperature: 0.25, top_p: 0.5, stop: ['END', '\n\n'], seed: 7, frequency_penalty: 0.5, presence_penalty: -0.5 },
  },
};
compare('Ollama', {
  name: 'ollama',
  provider: (url) => ({ base_url: url }),
  known: {
    ...connection,
    ...fetched,
    'field.accept': 'of a stream: batchrun names the media type, the client says application/json',
  },
  calls: [
    ...Object.entries(ollamaWords).map(([name, words]) => ({
      name,
      row: chatRow(llama, without(texts[name], 'user')),
      theirs: askOllama(words),
    })),
    {
      name: 'prompt',
      row: promptRow(llama),
      theirs: askOllama({ messages: [{ role: 'system', content: 'Be terse.' }, user('Capital of Peru?')] }),
    },
    {
      name: 'native',
      row: onlyBody('/api/chat', { model: llama, ...ollamaWords['tool results'], options: { num_predict: 20 } }),
      stream: false,
      theirs: askOllama(ollamaWords['tool results']),
    },
  ],
});

compare('SerpApi', {
  name: 'serpapi',
  scenario: { tls: { enabled: true } },
  provider: (url, ca_file) => ({ base_url: url, ca_file, keys: [{ key: 'sk-good' }] }),
  known: {
    ...connection,
    path: '/search.json says in the path what the client says with output=json',
    'query.output': '/search.json says in the path what the client says with output=json',
    'query.source': 'the client names itself',
    'field.host': 'the client was led here from serpapi.com',
    'field.accept': 'batchrun says what it takes',
  },
  calls: [{ q: 'coffee' }, { q: 'caf\u00e9 & "a+b"', num: 3, gl: 'fr', hl: 'fr', location: 'Lyon, France', device: 'mobile' }]
    .map(({ q, ...more }) => ({
      name: q,
      row: { id: 'q', query: q, ...more },
      stream: false,
      theirs: async (url, stream, ca) => {
        serpapi.requestOptions = { agent: new LedAgent(url, ca) };
        await getJson({ engine: 'google', q, ...more, api_key: 'sk-good' });
      },
    })),
});
