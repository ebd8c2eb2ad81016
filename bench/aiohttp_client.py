#!/usr/bin/python3 -B
"""The usual way to do it by hand: aiohttp, a fixed number of workers, JSONL in and out, no retries.

    aiohttp_client.py INPUT OUTPUT URL [WORKERS] [CA_FILE]
"""

import asyncio
import json
import os
import ssl
import sys

import aiohttp


async def worker(session, url, rows, output):
    for line in rows:
        row = json.loads(line)
        async with session.post(url, json=row["body"]) as response:
            reply = await response.json()
            result = {"custom_id": row["custom_id"], "response": {"status_code": response.status, "body": reply}, "error": None}
            output.write(json.dumps(result) + "\n")


async def main(source, target, url, workers=64, ca_file=None):
    tls = ssl.create_default_context(cafile=ca_file) if ca_file else None
    connector = aiohttp.TCPConnector(limit=int(workers), ssl=tls)
    headers = {"Authorization": "Bearer " + os.environ.get("BENCH_KEY", "bench-key")}
    with open(source) as rows, open(target, "w") as output:
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            await asyncio.gather(*(worker(session, url, rows, output) for _ in range(int(workers))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
