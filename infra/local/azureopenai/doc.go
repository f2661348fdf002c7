// Package azureopenai emulates one Azure OpenAI resource, for tests, demonstrations and benchmarks
// that should need neither an account nor money. It refuses to be a model: answers are made by rules
// from the prompt, the same prompt giving the same answer, and nothing ever leaves the machine.
//
// By itself: go run ./infra/local/azureopenai/serve -addr 127.0.0.1:8090 -key local
//
// It serves chat completions (whole and streamed), responses, embeddings and models on both of Azure's
// path families:
//
//	/openai/v1/...                                              api-version optional
//	/openai/deployments/{deployment}/...?api-version=2024-10-21 chat/completions, embeddings
//	/openai/{responses,models}...?api-version=2024-10-21
//
// # What it says
//
// "Reply with X" (or "say X", "repeat X") answers X. "[[words: 500]]" in a message answers that many
// words. Requests for code get code, "summarise" gets the weightiest sentences, data URLs of images get
// their format, size and main colour. Tools are called when tool_choice demands it or the last user
// message shares a word with a tool's name; arguments and JSON documents are made to fit their schema,
// with values from the prompt where some are found.
//
// # Content filter
//
// A prompt that contains trigger-hate, trigger-sexual, trigger-violence, trigger-self-harm or
// trigger-jailbreak is refused. trigger-completion-hate (-sexual, -violence, -self-harm) lets the prompt
// pass and filters the completion half-way.
//
// # Misbehaviour
//
// A fault is written KIND;option=value;... and can be asked for in three ways: POST /_emulator/faults
// {"fault": "429;retry-after=2", "path": "chat/completions", "deployment": "gpt-4o", "count": 3}, the
// request header X-Emulator-Fault, or [[fault: cut;after=3]] anywhere in a request's body, which
// travels through any proxy. Kinds:
//
//	400 ... 599  that status with Azure's body for it; retry-after=SECONDS and retry-after-ms=N are
//	             sent as headers (429 sends both, of one second, unless one is given or
//	             retry-after=none), and limit=tokens gives 429 its other wording
//	cut          the connection is closed in mid-answer; reset sends a TCP RST instead
//	partial      the next event is cut in half and the answer ends cleanly
//	hang         nothing more is sent until the client goes away
//	close        the connection is closed before the answer begins
//	garbage      an answer that is no JSON, status 200 unless status=N says otherwise (5xx: HTML)
//	error-event  an error event takes the next event's place and ends the stream
//	no-done      the stream ends without its last event ([DONE], response.completed)
//
// Options for all: delay=300ms before the first byte, interval=50ms between events (both also stand
// alone, without a kind), after=N events of a stream or bytes of a whole answer until the fault strikes
// (default 3 events, or half of the body; hang strikes before the answer unless after is given).
// For the header and the body: times=N lets the fault strike the first N requests that carry the same
// text and spares the later ones, so that retries can be seen to succeed. A fault that is used up leaves
// no trace.
//
// # Control
//
//	GET, DELETE       /_emulator/requests  what was asked, and how it ended
//	GET, POST, DELETE /_emulator/faults    see FaultRule
//	POST, DELETE      /_emulator/answers   literal answers, see Answer
//	DELETE            /_emulator           all three
//
// These need no credential.
//
// # What it does not imitate
//
//   - Token counts are estimates, not a tokenizer's; image tokens follow one rule for all models.
//   - Understanding. Equal letters make embeddings near, not meaning, but for a few synonyms; token ids are
//     not decoded, so a text and its ids have unlike vectors.
//   - logprobs, seed, penalties, audio, predicted outputs, the legacy functions field, prompt caching and
//     every tool type but function are accepted and ignored. So are unknown fields, which Azure refuses.
//   - JSON schema keywords pattern, patternProperties, prefixItems, not, if and uniqueItems are not honoured.
//   - Remote images are not fetched. WebP is known by name, not by size.
//   - Reading a stored response as a stream, counting input tokens, compaction and conversations in the
//     responses API. Background responses go on when they are looked at: queued, in progress, completed.
//   - Role-based access: a credential may do all or nothing.
//   - Rate limits are counted in fixed minutes, and enforced only on request.
//   - Files and batches, images, audio, realtime, fine-tuning, assistants.
//
// Error bodies that were seen on Azure are copied byte for byte. Where a comment says unverified, the
// wording is OpenAI's or our guess.
package azureopenai
