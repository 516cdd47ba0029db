/**
 * The least server of lines that node:net allows: it understands nothing and counts nothing, and
 * says the same to every line. Any further cost of ours is our own. Argument: its socket.
 */
import { createServer } from 'node:net';

const lf = 0x0a;
const reply = '0 1/10\r\n';

function linesIn(chunk) {
  let lines = 0;
  for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, at + 1)) lines += 1;
  return lines;
}

createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  socket.on('data', (chunk) => socket.write(reply.repeat(linesIn(chunk))));
  socket.on('end', () => socket.destroy());
}).listen(process.argv[2]);
