/** Visitors: a steady rate of page views, whatever the answers. */
const rps = Number(process.env.LOAD_RPS ?? 20);
let visitor = 0;

const timer = setInterval(() => {
  visitor = (visitor + 1) % 20;
  fetch(`http://web/?visitor=${visitor}`)
    .then((response) => response.arrayBuffer())
    .catch((error) => console.error(`a page view failed: ${error.cause?.message ?? error.message}`));
}, 1000 / rps);

process.on('SIGTERM', () => {
  clearInterval(timer);
  setTimeout(() => process.exit(0), 200);
});
