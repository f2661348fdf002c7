package workflows_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
)

// By default TestLedger is short. The whole proof is
//
//	go test ./infra/workflows -run TestLedger -seeds 20 -lines 10000 -scale 0.01 -timeout 1h
var (
	ledgerSeeds = flag.Uint64("seeds", 2, "how many `seeds` TestLedger takes")
	ledgerLines = flag.Int("lines", 400, "how many `lines` a file of TestLedger has")
	ledgerScale = flag.Float64("scale", 0.004, "how much shorter than on AWS the waits of TestLedger are, and what Azure's answers take")
)

// Bounds of Azure's misbehaviour in TestLedger: how long a create takes, and how far its lists are behind. Together they
// are less than the four minutes for which a batch is looked for; the rest is what this machine may be late by, scaled.
const (
	slowestCreate = 9 * time.Second
	listsBehind   = 3 * time.Minute
	lateness      = 4*time.Minute - slowestCreate - listsBehind
)

// Azure loses answers, cuts them, takes its time and does not list what it has just made, downloads end early, the quota
// is smaller than the secret says, and functions are killed at random moments. Every line comes back once, in order, and
// by Azure's ledger no line of a batch is paid for twice; beyond those bounds the summary says how many may be.
func TestLedger(t *testing.T) {
	for seed := range *ledgerSeeds {
		t.Run(fmt.Sprint(seed+1), func(t *testing.T) {
			t.Parallel()
			runLedger(t, seed+1, *ledgerLines)
		})
	}
}

func runLedger(t *testing.T, seed uint64, lines int) {
	random := rand.New(rand.NewPCG(seed, 0))
	unit := max(1, lines/1000) // of quotas
	w := newWorld(t, map[string]string{"BatchTries": "6", "MaxRetries": "3"}, func(o *stack.Options) {
		o.WaitScale = *ledgerScale
		o.Azure.Emulator.DisableRecording, o.Azure.Emulator.KeepRequests = false, 100*lines+10_000
		o.Azure.Emulator.Deployments = append(azureopenai.DefaultDeployments(),
			azureopenai.Deployment{Name: "small", Model: "gpt-4o-mini", Version: "2024-07-18", Type: "GlobalBatch", Capacity: unit},
			azureopenai.Deployment{Name: "other", Model: "gpt-4o", Version: "2024-11-20", Type: "GlobalBatch", Capacity: 8 * unit})
		if seed%2 == 0 {
			o.Azure.Emulator.Region = "West Europe" // where a batch that finds no room is made, and fails
		}
	})
	w.stack.Secrets.Put(w.stack.Template.Parameters["AzureSecretId"], fmt.Sprintf(`{"resources":[{"name":"one","endpoint":%q,"api_key":"local","deployments":[
		{"model":"gpt-4o-mini","type":"GlobalStandard"},
		{"name":"small","model":"gpt-4o-mini","type":"GlobalBatch","capacity":%d},{"name":"other","model":"gpt-4o","type":"GlobalBatch","capacity":%d}]}]}`, w.stack.AzureURL, 2*unit, unit))
	for _, rule := range weather(random) {
		if err := w.stack.Emulator.AddFault(rule); err != nil {
			t.Fatal(err)
		}
	}
	file, want := ledgerFile(random, lines)
	late := watchLateness(t)
	kills := w.killAtRandom(random, 9) // a task is tried again ten times
	key := fmt.Sprintf("ledger-%d.jsonl", seed)
	w.put(key, file)
	end := w.execute(workflow, input(key))
	if end.Status != "SUCCEEDED" {
		t.Fatalf("the execution %s: %s %s", end.Status, end.Error, end.Cause)
	}
	s := w.summary(end.Output)
	var more struct {
		Twice struct {
			Batches int
			AtMost  int `json:"at_most"`
		} `json:"maybe_paid_twice"`
	}
	if err := json.Unmarshal([]byte(end.Output), &more); err != nil {
		t.Fatal(err)
	}
	if s.Status != "completed" {
		t.Fatalf("the job is %s: %s", s.Status, end.Output)
	}
	results := w.results(s)
	if len(results) != lines {
		t.Fatalf("%d lines came back as %d: %+v", lines, len(results), s)
	}
	for n, r := range results {
		switch {
		case want[n] == "":
			if r.Error == nil || r.Error.Line != n+1 {
				t.Fatalf("line %d should be an error: %+v", n+1, r)
			}
		case r.Response == nil || len(r.Response.Body.Choices) == 0 || r.Response.Body.Choices[0].Message.Content != want[n]:
			t.Fatalf("line %d should say %s: %+v %+v", n+1, want[n], r.Response, r.Error)
		}
	}
	paid, most := w.stack.Emulator.Executions(), late()
	online, onlineAgain := w.paidOnline()
	t.Logf("seed %d: %d parts, %d kills, tried again %v; of batches %d lines were paid for, %d of them twice; online %d, %d twice; the summary says %d at most, and %d second batches; the machine was late by %v of %v",
		seed, s.Parts, kills(), s.TriedAgain.Reasons, paid.Paid, paid.PaidAgain, online, onlineAgain, more.Twice.AtMost, more.Twice.Batches, most, scaled(lateness))
	if paid.PaidAgain+onlineAgain > more.Twice.AtMost {
		t.Errorf("%d lines were paid for twice, and the summary says %d at most: %.200v ...", paid.PaidAgain+onlineAgain, more.Twice.AtMost, paid.Repeated)
	}
	if most >= scaled(lateness) {
		return // the bounds did not hold
	}
	if paid.PaidAgain > 0 {
		t.Errorf("%d lines of batches were paid for twice", paid.PaidAgain)
	}
	if left := w.azureFiles(); len(left) > 0 {
		t.Errorf("files are left in Azure: %+v", left)
	}
}

func scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * *ledgerScale) }

// weather is what Azure does to a seed's job.
func weather(random *rand.Rand) (rules []azureopenai.FaultRule) {
	share := func(most int) int { return 5 + random.IntN(most) }
	add := func(fault, method, path string, count int) {
		rules = append(rules, azureopenai.FaultRule{Fault: fault, Method: method, Path: path, Percent: share(40), Count: count})
	}
	for range 6 { // each strikes some creates; which, the seed decides
		add(fmt.Sprintf("slow;delay=%v", scaled(time.Duration(random.Int64N(int64(slowestCreate))))), "POST", "/batches", 3)
		add("lost", "POST", "/batches", 1)
	}
	add("503", "POST", "/batches", 2)
	add("lost", "POST", "/files", 4)
	add("cut-upload", "POST", "/files", 2)
	for range 4 {
		add("partial", "GET", "/content", 1)
		add(fmt.Sprintf("partial;after=%d", random.IntN(3000)), "GET", "/content", 1)
		add("cut", "GET", "/content", 1)
	}
	add("500", "GET", "", 20)
	add("429", "", "/batches", 10)
	for _, fault := range []string{"expire;after=20", "no-rows", "late-output;times=2", "fail-lines;percent=20", "fail-lines;percent=30;status=500"} {
		add(fault, "POST", "/batches", 2)
	}
	for _, list := range []string{"/batches", "/files"} {
		rules = append(rules, azureopenai.FaultRule{Fault: fmt.Sprintf("behind;age=%v", scaled(listsBehind)), Method: "GET", Path: list, Count: -1})
	}
	return rules
}

// ledgerFile is a file of requests for batches, some online calls and some bad lines. want is what each line says, "" for
// an error.
func ledgerFile(random *rand.Rand, lines int) (file string, want []string) {
	var b strings.Builder
	for n := range lines {
		says, id := fmt.Sprintf("word%d", n), fmt.Sprint(n)
		switch k := random.IntN(100); {
		case k < 2:
			b.WriteString("nonsense")
			says = ""
		case k < 7:
			b.WriteString(strings.Replace(chat(id, "gpt-4o-mini", says), `"method"`, `"mode":"online","method"`, 1))
		case k < 40:
			b.WriteString(chat("same", "gpt-4o", says))
		default:
			b.WriteString(chat(id, "gpt-4o-mini", says))
		}
		want = append(want, says)
		b.WriteByte('\n')
	}
	return b.String(), want
}

// killAtRandom kills the bootstraps of the batch functions so often: a while after something was written that is to be
// followed by a call. The returned function ends that, and returns how often it was.
func (w *world) killAtRandom(random *rand.Rand, most int) (kills func() int) {
	var mu sync.Mutex
	n, last, over := 0, time.Time{}, false
	w.created(func(key string) {
		mu.Lock()
		defer mu.Unlock()
		if over || n == most || random.IntN(4) > 0 || time.Since(last) < scaled(20*time.Second) {
			return
		}
		n, last = n+1, time.Now()
		time.AfterFunc(time.Duration(random.Int64N(int64(scaled(slowestCreate)))), w.kill)
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		over = true
		return n
	}
}

// watchLateness measures by how much timers of this machine are late. The returned function ends that, and returns the
// most.
func watchLateness(t *testing.T) (most func() time.Duration) {
	const each = 5 * time.Millisecond
	done, result := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		worst, before := time.Duration(0), time.Now()
		ticks := time.NewTicker(each)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				worst, before = max(worst, time.Since(before)-each), time.Now()
			case <-done:
				result <- worst
				return
			}
		}
	}()
	once := sync.OnceValue(func() time.Duration { close(done); return <-result })
	t.Cleanup(func() { once() })
	return once
}

// paidOnline returns how many online calls Azure has answered with a 2xx, and how many of them it had answered before.
func (w *world) paidOnline() (paid, again int) {
	seen := map[string]bool{}
	for _, r := range w.stack.Emulator.Requests() {
		if r.Status != http.StatusOK || !strings.HasSuffix(r.Path, "/chat/completions") {
			continue
		}
		paid++
		if seen[string(r.Body)] {
			again++
		}
		seen[string(r.Body)] = true
	}
	return paid, again
}

// azureFiles are the files that are left in Azure.
func (w *world) azureFiles() []leftFile {
	w.t.Helper()
	w.stack.Emulator.Reset() // its lists are behind no more
	var list struct{ Data []leftFile }
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.stack.AzureURL+"/openai/v1/files", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Api-Key", "local")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		w.t.Fatal(err)
	}
	return list.Data
}

type leftFile struct {
	Filename, Purpose string
	Bytes             int64
}
