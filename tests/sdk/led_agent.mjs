import { Agent } from 'node:https';
import tls from 'node:tls';

// The client asks serpapi.com and nobody else: its connections are led here.
export class LedAgent extends Agent {
  constructor(url, ca) {
    super();
    this.to = { host: '127.0.0.1', port: Number(new URL(url).port), ca, servername: 'localhost' };
  }
  createConnection() {
    return tls.connect(this.to);
  }
}
