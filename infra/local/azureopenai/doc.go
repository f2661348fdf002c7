// Package azureopenai emulates one Azure OpenAI resource, for tests, demonstrations and benchmarks
// that should need neither an account nor money. It refuses to be a model: answers are made by rules
// from the prompt, the same prompt giving the same answer, and nothing ever leaves the machine.
//
// By itself: go run ./infra/local/azureopenai/serve -addr 127.0.0.1:8090 -key local
//
// It serves chat completions (whole and streamed), responses, conversations, embeddings, models, files and batches on
// both of Azure's path families:
//
//	/openai/v1/...                                              api-version optional
//	/openai/deployments/{deployment}/...?api-version=2024-10-21 chat/completions, embeddings
//	/openai/{responses,conversations,models,files,batches}...?api-version=2024-10-21
//
// # What it says
//
// "Reply with X" (or "say X", "repeat X") answers X. "[[words: 500]]" in a message answers that many
// words. Requests for code get code, "summarise" gets the weightiest sentences, data URLs of images get
// their format, size and main colour. Tools are called when tool_choice demands it or the last user
// message shares a word with a tool's name; arguments and JSON documents are made to fit their schema, or
// the one that a prompt which mentions JSON shows, with values from the prompt where some are found.
//
// # Content filter
//
// A prompt that contains trigger-hate, trigger-sexual, trigger-violence, trigger-self-harm or
// trigger-jailbreak is refused. trigger-completion-hate (-sexual, -violence, -self-harm) lets the prompt
// pass and filters the completion half-way.
//
// # Batches
//
// A batch takes a file of up to 100,000 lines and 200 MB through validating, in_progress and finalizing.
// Each line is answered by the handlers of online calls, in an order that is not the input's but the same
// in every run; 2xx answers go to the output file, others to the error file, which is of zero bytes where
// there are none. Ids that do not exist are "". Nothing is held in memory: files lie in a temporary
// directory until Server.Close. How long the states last is the server's Pace; by default they take as
// long as the work does. Nothing expires after 24 hours but by request, as Azure says of its own.
//
// A batch deployment's Capacity is its quota of enqueued tokens, in thousands. In regions that fail fast
// ("East US 2" is one) a batch that does not fit is refused at creation, elsewhere it fails.
//
// # Misbehaviour
//
// A fault is written KIND;option=value;... and can be asked for in three ways: POST /_emulator/faults
// {"fault": "429;retry-after=2", "path": "chat/completions", "deployment": "gpt-4o", "count": 3} (see
// FaultRule), the request header X-Emulator-Fault, or [[fault: cut;after=3]] anywhere in a request's
// body, which travels through any proxy. Kinds:
//
//	400 ... 599  that status with Azure's body for it; retry-after=SECONDS and retry-after-ms=N are
//	             sent as headers (429 sends both, of one second, unless one is given or
//	             retry-after=none), and limit=tokens gives 429 its other wording
//	cut          the connection is closed in mid-answer; reset sends a TCP RST instead
//	partial      the next event is cut in half and the answer ends cleanly
//	hang         nothing more is sent until the client goes away
//	close        the connection is closed before the answer begins, and before an upload is read
//	lost         the request is carried out, and the connection closed without an answer
//	slow         the request is carried out after the delay, though the client may have gone away
//	behind       a list of batches or files is of age=DURATION ago: what was made since is not in it
//	cut-upload   the connection is closed once after=N bytes of an uploaded form were read (default half)
//	garbage      an answer that is no JSON, status 200 unless status=N says otherwise (5xx: HTML)
//	error-event  an error event takes the next event's place and ends the stream
//	no-done      the stream ends without its last event ([DONE], response.completed)
//	end          the stream ends cleanly before its next event
//	gzip         the answer is compressed, whatever the request accepts; so it is by deflate
//	no-stream-options
//	             bodies with stream_options are refused, with status=N (default 400), and others answered
//
// Options for all: delay=300ms before the first byte, interval=50ms between events (both also stand
// alone, without a kind), after=N events of a stream or bytes of a whole answer until the fault strikes
// (default 3 events, or half of the body; hang strikes before the answer unless after is given). Where after
// is the number of all events, cut, reset and hang strike in place of the stream's end.
// For the header and the body: times=N lets the fault strike the first N requests that carry the same
// text and spares the later ones, so that retries can be seen to succeed. A fault that is used up leaves
// no trace.
//
// Lines of batches are requests like any other: rules and [[fault: 429;times=1]] in a line strike them,
// and what breaks an answer off gives a line of status 500.
//
// Other kinds are asked for when a batch is created, any number of them by rules ("method": "POST",
// "path": "/batches"), and strike later:
//
//	fail-lines   lines fail with status=N (default 429); percent=N of them (default all)
//	drop-lines   results are in neither file; percent=N
//	torn         the output file's last line is cut in half
//	expire       the batch expires after=N lines (default half of them)
//	no-rows      lines not executed when a batch expires or is cancelled get no line in the error file
//	fail         validation fails with code=CODE (default invalid_request)
//	late-output  the files' ids are there from in_progress on, the files only at the end, and then only
//	             after times=N requests for each
//	empty-error-file, no-error-file
//	             what should be in the error file is lost: it has no bytes, or there is none
//	stall        the batch stays in state=STATUS (default validating; in_progress, finalizing) until it is
//	             cancelled or the faults are deleted
//	token-limit  the quota is full
//
// Which lines are struck depends on how many batches there were, so that another try strikes others.
//
// # Control
//
//	GET, DELETE       /_emulator/requests    what was asked, and how it ended
//	GET, POST, DELETE /_emulator/faults      see FaultRule
//	POST, DELETE      /_emulator/answers     literal answers, see Answer
//	GET, DELETE       /_emulator/executions  what batches executed, see Executions
//	POST              /_emulator/executions  a line's body; returns how often it was executed, and succeeded
//	GET, POST         /_emulator/pace        {"scale": 0.1}, {"validating": "5s", "per_line": "1ms"}: see Pace
//	DELETE            /_emulator             requests, faults, answers and executions
//
// These need no credential.
//
// # What it does not imitate
//
//   - Token counts are estimates, not a tokenizer's; image tokens follow one rule for all models.
//   - Understanding. Equal letters make embeddings near, not meaning, except for a few synonyms; token ids are
//     not decoded, so a text and its ids have unlike vectors.
//   - logprobs, seed, penalties, audio, predicted outputs, the legacy functions field, prompt caching and
//     every tool type but function are accepted and ignored. So are unknown fields, which Azure refuses.
//   - JSON schema keywords pattern, patternProperties, prefixItems, not, if and uniqueItems are not honoured.
//   - Remote images are not fetched. Of an animated WebP image the size is known, but no colour.
//   - Reading a stored response as a stream and counting input tokens in the responses API. A compaction
//     has the request's length in it and nothing else; conversations keep items and do not speak. Background responses go on when they are looked at: queued, in progress, completed.
//   - Role-based access: a credential may do all or nothing.
//   - Rate limits are counted in fixed minutes, and enforced only on request.
//   - Batches on storage of one's own, batches of embeddings (Azure refuses them too), the older
//     list form {"value": [...]}, files for other purposes than batch, uploads in parts, ranges of a file.
//   - Images, audio, realtime, fine-tuning, assistants.
//
// Error bodies that were seen on Azure are copied byte for byte. Where a comment says unverified, the
// wording is OpenAI's or our guess.
package azureopenai
