// The examples: the prompts of the sample events, one click away.

export const samples = [
  {
    name: "generate", system: "You write for an online shop: plain words, no superlatives.",
    text: "Generate a description of two sentences for this product: a kettle of brushed steel, 1.7 litres, quiet, switches itself off.",
  },
  {
    name: "summarise", system: "You summarise reports for people who have one minute.",
    text: "Summarise this report in two sentences:\n\nThe pump at station 4 stopped at 02:10 on Monday after its bearing overheated. The night shift switched to the reserve pump within six minutes, so the flow to the plant was never below 80 percent. The bearing had been reported as noisy two weeks before, and its replacement was planned for the coming weekend. The spare part is in stock; the repair takes four hours and needs two people. Until then the reserve pump runs without a second reserve behind it.",
  },
  {
    name: "image", text: "What does this chart show, and which bar is the tallest?",
    images: ["data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAHgAAABQCAMAAADlRUG7AAAAD1BMVEX///8oKCguXLjWeCA8llC4Bc+hAAAARUlEQVR42u3NSQ0AIAwAsHH414yA/RZCCLQGGgHwvJGIxWKxWCwW3xDPRCwWi8XiatwTsVgsFovFYrFYLBb/G7fDAthpAWsRHh37jLGbAAAAAElFTkSuQmCC"],
  },
  {
    name: "code", system: "Answer with code only, in one fenced block.",
    text: "Write a SQL query for a table orders(id, customer_id, total, created_at): the ten customers with the highest total in the last 30 days.",
  },
];
