package retirement_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/retirement"
	"aoai-bridge/shared/telemetry"
)

// world is a Watch whose clock stands still, and the lines that it writes.
type world struct {
	*retirement.Watch
	store *local.Store
	nanos atomic.Int64 // that it shows, since 1970
	lines chan string
}

func (w *world) now() time.Time { return time.Unix(0, w.nanos.Load()) }

func (w *world) pass(d time.Duration) { w.nanos.Add(int64(d)) }

// Write gets a line with each call, as slog writes them.
func (w *world) Write(line []byte) (int, error) {
	w.lines <- string(line)
	return len(line), nil
}

func open(t *testing.T, secret, day string) *world {
	t.Helper()
	began, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: local.New(), lines: make(chan string, 100)}
	w.nanos.Store(began.Add(12 * time.Hour).UnixNano())
	w.store.Put("azure", secret)
	service := httptest.NewServer(w.store)
	t.Cleanup(service.Close)
	api := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: &service.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	client := azure.New(azure.Options{Secrets: api, Env: config.Env{AzureSecretID: "azure"}, Now: w.now})
	w.Watch = retirement.New(client, telemetry.NewLog(w, "aoai-bridge", "chat"), w.now)
	return w
}

// next waits for a line.
func (w *world) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-w.lines:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("there is no line")
		return ""
	}
}

// written returns the lines so far.
func (w *world) written() (lines []string) {
	for {
		select {
		case line := <-w.lines:
			lines = append(lines, line)
		default:
			return lines
		}
	}
}

const resource = `{"endpoint":"https://r.openai.azure.com","api_key":"k"`

func TestReport(t *testing.T) {
	tests := []struct {
		name, members, day string
		want               string // level resource/deployment days date version, ...
	}{
		{"a version of its own day", `,"deployments":[{"name":"Old","model":"gpt-4o-2024-05-13"}]`, "2026-11-28", "INFO resource-1/old 47 2027-01-14"},
		{"no version: the earliest day", `,"deployments":[{"model":"gpt-4o"}]`, "2026-11-28", "INFO resource-1/gpt-4o 47 2027-01-14 2024-05-13"},
		{"a version that goes later", `,"deployments":[{"model":"gpt-4o-2024-11-20"}]`, "2026-11-28", "INFO resource-1/gpt-4o-2024-11-20 137 2027-04-14"},
		{"fifteen days", `,"deployments":[{"model":"gpt-5.2"}]`, "2027-05-24", "INFO resource-1/gpt-5.2 15 2027-06-08"},
		{"fourteen days", `,"deployments":[{"model":"gpt-5.2"}]`, "2027-05-25", "WARN resource-1/gpt-5.2 14 2027-06-08"},
		{"the day", `,"deployments":[{"model":"gpt-5.2"}]`, "2027-06-08", "WARN resource-1/gpt-5.2 0 2027-06-08"},
		{"after a day that the source was too early to know", `,"deployments":[{"model":"gpt-5.2"}]`, "2027-07-08", "WARN resource-1/gpt-5.2 0 2027-06-08"},
		{"passed", `,"deployments":[{"model":"gpt-5.2-chat"}]`, "2026-11-28", "WARN resource-1/gpt-5.2-chat -152 2026-06-29"},
		{"batch deployments, too", `,"deployments":[{"name":"night","model":"gpt-5","type":"GlobalBatch"}]`, "2026-11-28", "INFO resource-1/night 73 2027-02-09"},
		{"the secret's own day", `,"deployments":[{"name":"mine","model":"my-model"}],"models":{"my-model":{"like":"gpt-4o","retirement":"2026-12-01"}}`, "2026-11-28", "WARN resource-1/mine 3 2026-12-01"},
		{"wrong prices", `,"deployments":[{"model":"gpt-5.2"}],"prices":{"gpt-5.2":{"x":{}}}`, "2027-05-24", "INFO resource-1/gpt-5.2 15 2027-06-08"},
		{"neither known nor dated", `,"deployments":[{"model":"unheard-of"},{"model":"gpt-6.1-terra"}]`, "2026-11-28", ""},
		{"none listed", ``, "2026-11-28", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t, resource+tt.members+"}", tt.day)
			w.Report(t.Context())
			var got []string
			for _, text := range w.written() {
				var line struct {
					Level, Function, Resource, Deployment, Version, Date, Source string
					Days                                                         *int `json:"DaysToRetirement"`
					AWS                                                          struct {
						CloudWatchMetrics []struct {
							Namespace  string
							Dimensions [][]string
							Metrics    []struct{ Name, Unit string }
						}
					} `json:"_aws"`
				}
				if err := json.Unmarshal([]byte(text), &line); err != nil || line.Days == nil || line.Source == "" || line.Function != "chat" {
					t.Fatalf("%s: %v", text, err)
				}
				if metric := fmt.Sprint(line.AWS.CloudWatchMetrics); metric != "[{aoai-bridge [[stack] [stack resource deployment]] [{DaysToRetirement None}]}]" {
					t.Errorf("the metric is %s", metric)
				}
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s/%s %d %s %s", line.Level, line.Resource, line.Deployment, *line.Days, line.Date, line.Version)))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// There is one report a day, after an answer and not before.
func TestAfter(t *testing.T) {
	w := open(t, resource+`,"deployments":[{"model":"gpt-5.2"}]}`, "2026-11-28")
	handler := w.After(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		if lines := w.written(); len(lines) > 0 {
			t.Errorf("before the answer: %s", lines)
		}
		_, _ = io.WriteString(out, "answer")
	}))
	ask := func() {
		t.Helper()
		out := httptest.NewRecorder()
		if handler.ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)); out.Body.String() != "answer" {
			t.Errorf("the answer is %s", out.Body)
		}
	}
	for range 2 {
		ask()
		if line := w.next(t); !strings.Contains(line, "DaysToRetirement") {
			t.Errorf("got %s", line)
		}
		w.pass(11 * time.Hour)
		ask() // the same day
		w.pass(13 * time.Hour)
	}
	if lines := w.written(); len(lines) > 0 {
		t.Errorf("a second report in a day: %s", lines)
	}
}

// A secret that cannot be read makes no report. Once it can, there is one on the same day.
func TestUnreadableSecret(t *testing.T) {
	w := open(t, `{}`, "2026-11-28")
	handler := w.After(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ask := func() {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	}
	ask()
	w.Report(t.Context()) // as the one that ask has begun does at some time
	if lines := w.written(); len(lines) > 0 {
		t.Errorf("got %s", lines)
	}
	w.store.Put("azure", resource+`,"deployments":[{"model":"gpt-5.2"}]}`)
	w.pass(10 * time.Minute)
	ask()
	if line := w.next(t); !strings.Contains(line, `"deployment":"gpt-5.2"`) {
		t.Errorf("got %s", line)
	}
}
