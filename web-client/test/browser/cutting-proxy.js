import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * Stands between a browser and the server as a network does that breaks: it passes bytes on untouched, remembers the heads
 * of requests, and cuts connections where it is told to.
 *
 * @typedef {object} CuttingProxy
 * @property {string} url
 * @property {string[]} heads request heads as they came, in order
 * @property {(path: string) => Promise<string>} nextHead the next head, from now on, of a request for this path
 * @property {(path: string, bytes: number) => Promise<void>} cutAfter lets so many more bytes of the answer to the newest
 *   request for this path through, then resets both ends; told when that was done
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} upstream a URL
 * @returns {Promise<CuttingProxy>}
 */
export async function startCuttingProxy(upstream) {
  const { hostname, port } = new URL(upstream);
  /** @typedef {{head: string, left: number, cut: () => void, whenCut: Promise<void>}} Passage */
  /** @type {Set<Passage>} */
  const open = new Set();
  /** @type {string[]} */
  const heads = [];
  /** @type {{path: string, told: (head: string) => void}[]} */
  const waiting = [];

  const server = createServer({ noDelay: true }, (client) => {
    const origin = connect({ host: hostname, port: Number(port), noDelay: true });
    /** @type {() => void} */
    let told = () => {};
    /** @type {Passage} */
    const passage = {
      head: '',
      left: Infinity,
      whenCut: new Promise((resolve) => {
        told = resolve;
      }),
      cut: () => {
        open.delete(passage);
        client.resetAndDestroy();
        origin.destroy();
        told();
      },
    };
    open.add(passage);
    client.on('data', (bytes) => {
      const head = headOf(bytes);
      if (head) {
        passage.head = head;
        heads.push(head);
        const at = waiting.findIndex(({ path }) => isFor(head, path));
        if (at >= 0) waiting.splice(at, 1)[0]?.told(head);
      }
      origin.write(bytes);
    });
    origin.on('data', (bytes) => {
      client.write(bytes.subarray(0, passage.left));
      passage.left -= bytes.length;
      if (passage.left <= 0) passage.cut();
    });
    for (const [one, other] of [[client, origin], [origin, client]]) {
      one?.on('end', () => other?.end());
      one?.on('error', () => other?.destroy());
      one?.on('close', () => open.delete(passage));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());

  return {
    url: `http://127.0.0.1:${address.port}`,
    heads,
    nextHead: (path) => new Promise((told) => waiting.push({ path, told })),
    cutAfter: (path, bytes) => {
      const passage = [...open].findLast(({ head }) => isFor(head, path));
      if (!passage) throw new Error(`no connection is open for ${path}`);
      passage.left = bytes;
      if (bytes === 0) passage.cut();
      return passage.whenCut;
    },
    stop: async () => {
      for (const passage of open) passage.cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Browsers write a head at once, and a small body with it or behind it: what does not begin like a request is a body.
 *
 * @param {Buffer} bytes
 * @returns {string | null}
 */
function headOf(bytes) {
  const text = bytes.toString('latin1');
  return /^[A-Z]+ \/\S* HTTP\/1\.1\r\n/.test(text) ? (text.split('\r\n\r\n')[0] ?? null) : null;
}

/** @param {string} head @param {string} path */
function isFor(head, path) {
  return (head.split(' ')[1] ?? '').split('?')[0] === path;
}
