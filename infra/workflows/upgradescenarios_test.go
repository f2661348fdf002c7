package workflows_test

import (
	"slices"
	"strings"

	"aoai-bridge/infra/local/azureopenai"
)

// scenario is how a job comes to the moment at which it is recorded.
type scenario struct {
	name, about string
	lines       []string          // of its file; four of them, one bad, where there are none
	metadata    map[string]string // of its file
	api         bool              // a batch of the API, not a dropped file
	region      string            // of Azure
	faults      []azureopenai.FaultRule
	hold        string // the status in which batches are held up; see paces
	pass        int    // how often they are not held up before
	late        bool   // the time to plan is over after the first line
	cancel      bool   // the caller cancels the job at the moment
	at          []moment
	again       string // the fixture's Again
	want        want
}

// moment is the n-th time that something happens. A scenario with several moments ends at the last of them, and the
// part that comes to the first waits there.
type moment struct {
	what string // an event's type and its state; or objectMoment and a part of a key
	part int    // of an event; 0 is the execution itself
	n    int    // 0 is 1
}

// objectMoment begins the name of a moment at which an object has been created, and its writer has no answer yet.
const objectMoment = "object "

func (s *scenario) file() []byte {
	lines := s.lines
	if lines == nil {
		lines = fourLines
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

const model = "gpt-4o-mini"

var fourLines = []string{chat("a", model, "one"), chat("b", model, "two"), "nonsense", chat("d", model, "four")}

// with is fourLines with a member more in the second, before another.
func with(member, before string) []string {
	lines := slices.Clone(fourLines)
	lines[1] = strings.Replace(lines[1], before, member+","+before, 1)
	return lines
}

// throttled is fourLines with one that Azure throttles the first time.
func throttled(options string) []string {
	return with(`"user":"[[fault: 429`+options+`;times=1]]"`, `"model"`)
}

func faults(kind, method, path string) []azureopenai.FaultRule {
	return []azureopenai.FaultRule{{Fault: kind, Method: method, Path: path}}
}

// tokens is how many the prompt of each line has.
const tokens = 9

// plain is what comes of fourLines by one batch.
func plain() want {
	return want{Status: "completed", Succeeded: 3, Tokens: 3 * tokens, Errors: map[string]int{"invalid_json_line": 1}, Invalid: 1, Batches: 1, Executed: 3}
}

// but is plain with something else.
func but(change func(*want)) want {
	w := plain()
	change(&w)
	return w
}

// again is what comes of a line that was throttled.
func again() want {
	return but(func(w *want) { w.Batches, w.Executed, w.TriedAgain = 2, 4, 1 })
}

// online is what comes of fourLines by online calls, so many of them after the moment.
func online(calls int) want {
	return but(func(w *want) { w.Batches, w.Executed, w.OnlineLines, w.Online = 0, 0, 3, calls })
}

// none is what comes of fourLines if no line is answered, for that reason.
func none(status, code string) want {
	return but(func(w *want) {
		w.Status, w.Succeeded, w.Tokens, w.Batches, w.Executed = status, 0, 0, 0, 0
		w.Errors[code] = 3
	})
}

var byCalls = map[string]string{"mode": "online"}

var scenarios = []scenario{
	// The plan.
	{name: "planning", about: "The plan has got as far as the first line.", late: true,
		at: []moment{{what: "TaskStateEntered Plan", n: 2}}, want: but(func(w *want) { w.Batches = 2 })},
	{name: "planned", about: "Nothing has been submitted.",
		at: []moment{{what: "MapStateEntered Parts"}}, want: plain()},
	{name: "failed", about: "The file has an option with a wrong value, and the job is to be reported.", metadata: map[string]string{"tries": "many"},
		at: []moment{{what: "TaskStateEntered Report"}}, want: want{Status: "failed"}},
	{name: "refused", about: "The job costs more than its ceiling, and has ended.", metadata: map[string]string{"cost-ceiling": "0.0000001"},
		at: []moment{{what: "ExecutionSucceeded"}}, again: `{"options":{"cost_ceiling":0}}`, want: plain()},

	// Submit.
	{name: "upload-lost", about: "Azure has the file, and its answer was lost.", faults: faults("lost", "POST", "/files"),
		at: []moment{{what: "LambdaFunctionFailed Submit", part: 1}}, want: plain()},
	{name: "upload-cut", about: "An upload was begun, and did not arrive.", faults: faults("cut-upload", "POST", "/files"),
		at: []moment{{what: "LambdaFunctionFailed Submit", part: 1}}, want: plain()},
	{name: "uploaded", about: "Azure has the file, and the state says so.",
		at: []moment{{what: objectMoment + "/state.json", n: 2}}, want: plain()},
	{name: "create-lost", about: "Azure has the batch, which is under way, and its answer was lost.", faults: faults("lost", "POST", "/batches"), hold: "validating",
		at: []moment{{what: "LambdaFunctionFailed Submit", part: 1}}, want: plain()},
	{name: "create-lost-ended", about: "Azure has the batch, which has ended, and its answer was lost.", faults: faults("lost", "POST", "/batches"),
		at: []moment{{what: "LambdaFunctionFailed Submit", part: 1}}, want: plain()},
	{name: "create-cut", about: "A create was sent, and did not arrive.", faults: faults("close", "POST", "/batches"),
		at: []moment{{what: "LambdaFunctionFailed Submit", part: 1}}, want: plain()},
	{name: "claimed", about: "The batch is recorded as the part's, and the state does not say so.", hold: "validating",
		at: []moment{{what: objectMoment + "/batch-00.json"}}, want: plain()},
	{name: "no-room", about: "The quota of enqueued tokens was full, as the create said.", region: "East US 2", faults: faults("token-limit", "POST", "/batches"),
		at: []moment{{what: "LambdaFunctionFailed Submit", part: 1}}, want: plain()},
	{name: "give-up", about: "The create was refused, and the part is to be given up.", faults: faults("400", "POST", "/batches"),
		at: []moment{{what: "TaskStateEntered GiveUp", part: 1}}, want: none("completed", "400")},

	// Poll.
	{name: "submitted", about: "The batch is created, and waited for.", hold: "validating",
		at: []moment{{what: "WaitStateEntered Wait", part: 1}}, want: plain()},
	{name: "running", about: "The batch has executed a line, and is waited for.", hold: "in_progress",
		at: []moment{{what: "WaitStateEntered Wait", part: 1, n: 3}}, want: plain()},
	{name: "polling", about: "The batch has executed a line, and is to be looked at.", hold: "in_progress",
		at: []moment{{what: "TaskStateEntered Poll", part: 1, n: 3}}, want: plain()},
	{name: "no-room-later", about: "The quota of enqueued tokens was full, as the batch said.", region: "West Europe", faults: faults("token-limit", "POST", "/batches"),
		at: []moment{{what: "WaitStateEntered WaitToSubmit", part: 1}}, want: but(func(w *want) { w.Batches = 2 })},
	{name: "give-up-running", about: "Azure refused to show the batch, and the part is to be given up.", faults: faults("400", "GET", ""), hold: "in_progress",
		at:   []moment{{what: "TaskStateEntered GiveUp", part: 1}},
		want: func() want { w := none("completed", "400"); w.Batches, w.Executed, w.Files = 1, 1, 2; return w }()},

	// Collect, and what comes after it.
	{name: "ended", about: "The batch has ended, and is not collected.",
		at: []moment{{what: "TaskStateEntered Collect", part: 1}}, want: plain()},
	{name: "expired", about: "The batch has expired after a line, and is not collected.", faults: faults("expire;after=1", "POST", "/batches"),
		at: []moment{{what: "TaskStateEntered Collect", part: 1}}, want: but(func(w *want) { w.Batches, w.TriedAgain = 2, 2 })},
	{name: "not-ready", about: "The batch has ended, and its output was not there.", faults: faults("late-output;times=1", "POST", "/batches"),
		at: []moment{{what: "WaitStateEntered WaitToCollect", part: 1}}, want: plain()},
	{name: "settling", about: "The next try is prepared, and nothing says so.", lines: throttled(""),
		at: []moment{{what: objectMoment + "/try-01/state.json"}}, want: again()},
	{name: "collected", about: "The try is settled, and its files are still in Azure.", lines: throttled(""),
		at: []moment{{what: objectMoment + "/tried.json"}}, want: again()},
	{name: "again", about: "The second try is to be submitted.", lines: throttled(""),
		at: []moment{{what: "TaskStateEntered Submit", part: 1, n: 2}}, want: again()},
	{name: "second-try", about: "The batch of the second try is under way.", lines: throttled(""), hold: "validating", pass: 1,
		at: []moment{{what: "WaitStateEntered Wait", part: 1, n: 3}}, want: again()},

	// Online calls.
	{name: "online-cut", about: "A line has been answered, and the function was killed.", metadata: byCalls,
		at: []moment{{what: objectMoment + "/run/000001-"}}, want: online(2)},
	{name: "online-throttled", about: "A line has been answered, and Azure throttled the next.", metadata: byCalls, lines: throttled(";retry-after=600"),
		at: []moment{{what: "WaitStateEntered WaitToSubmit", part: 1}}, want: online(2)},
	{name: "online-ended", about: "All lines have been answered, and are not collected.", metadata: byCalls,
		at: []moment{{what: "TaskStateEntered Collect", part: 1}}, want: online(0)},

	// The report.
	{name: "parts", about: "A part by online calls is done, and the batch of the other is under way.", lines: with(`"mode":"online"`, `"custom_id"`), hold: "in_progress",
		at:   []moment{{what: "PassStateExited PartDone", part: 2}, {what: "WaitStateEntered Wait", part: 1, n: 3}},
		want: but(func(w *want) { w.Executed, w.OnlineLines = 2, 1 })},
	{name: "done", about: "All parts are done, and the job is to be reported.",
		at: []moment{{what: "TaskStateEntered Report"}}, want: plain()},
	{name: "reporting", about: "The results are written, and the summary is not.",
		at: []moment{{what: objectMoment + "results/reporting.jsonl"}}, want: plain()},
	{name: "reported", about: "The summary is written, and the end is to be announced.",
		at: []moment{{what: "TaskStateEntered Announce"}}, want: plain()},

	// Batches of the API.
	{name: "api-planning", about: "The plan of a batch has got as far as the first line. Of the others one is for another endpoint, and one for a model that the caller may not use.",
		api: true, late: true,
		lines: append(slices.Clone(fourLines), chat("e", "gpt-4o", "five"), strings.Replace(chat("f", model, "six"), "chat/completions", "responses", 1)),
		at:    []moment{{what: "TaskStateEntered Plan", n: 2}}, want: but(func(w *want) {
			w.Batches, w.Invalid, w.Errors["model_not_allowed"], w.Errors["url_mismatch"] = 2, 3, 1, 1
		})},
	{name: "api-running", about: "The batch in Azure has executed a line, and is waited for.", api: true, hold: "in_progress",
		at: []moment{{what: "WaitStateEntered Wait", part: 1, n: 3}}, want: plain()},
	{name: "api-reporting", about: "The output file is written; the error file and the summary are not.", api: true,
		at: []moment{{what: objectMoment + "/batch_output/"}}, want: plain()},
	{name: "cancelled", about: "The batch was cancelled after a line, and no task has seen that yet.", api: true, cancel: true, hold: "in_progress",
		at: []moment{{what: "WaitStateEntered Wait", part: 1, n: 3}}, want: but(func(w *want) {
			w.Status, w.Succeeded, w.Tokens, w.Executed = "cancelled", 1, tokens, 1
			w.Errors["batch_cancelled"] = 2
		})},
	{name: "cancelled-planned", about: "The batch was cancelled before anything was submitted.", api: true, cancel: true,
		at: []moment{{what: "MapStateEntered Parts"}}, want: none("cancelled", "batch_cancelled")},
}
