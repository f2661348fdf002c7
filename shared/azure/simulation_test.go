package azure_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/openaierr"
)

var full = flag.Bool("full", false, "simulate 10,000 conversations with 1,000 instances")

// A region is four resources that keep responses and are busy by chance. Each answers at once, whole or as a stream.
type region struct {
	random  *rand.Rand
	busy    float64 // the share of 429s
	after   string  // their Retry-After
	where   map[string]string
	missing int // "not found" answers
	before  int // resources that stand before the one that has the state, of all follow-ups that were answered
	asked   int
}

func (g *region) RoundTrip(r *http.Request) (*http.Response, error) {
	g.asked++
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body struct {
		Previous string `json:"previous_response_id"`
		Stream   bool   `json:"stream"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	if g.random.Float64() < g.busy {
		return respondWith(429, http.Header{"Retry-After": {g.after}}, `{"error":{"code":"429","message":"Please retry."}}`), nil
	}
	if body.Previous != "" && g.where[body.Previous] != r.URL.Host {
		g.missing++
		return respondWith(400, nil, fmt.Sprintf(`{"error":{"message":"Previous response with id '%s' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}`, body.Previous)), nil
	}
	if body.Previous != "" {
		g.before += int(r.URL.Host[1] - '1')
	}
	id := fmt.Sprintf("resp_%016x", g.random.Uint64())
	g.where[id] = r.URL.Host
	if !body.Stream {
		return respondWith(200, nil, `{"id":"`+id+`","object":"response","model":"gpt-4o","output":[]}`), nil
	}
	event := func(kind string) string {
		return fmt.Sprintf("event: %s\ndata: {\"type\":%q,\"response\":{\"id\":%q,\"object\":\"response\"}}\n\n", kind, kind, id)
	}
	return respondWith(200, http.Header{"Content-Type": {"text/event-stream"}}, event("response.created")+event("response.completed")), nil
}

func respondWith(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// A fixed secret never changes.
type fixed string

func (f fixed) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(string(f)), VersionId: aws.String("1")}, nil
}

// TestSimulation has conversations of ten turns go on at once, each turn in any one of the instances of a function. A
// caller that gets a 429 waits and tries again, as the SDKs do.
func TestSimulation(t *testing.T) {
	instances, conversations, slack := 100, 500, 0.02 // for so few
	if *full {
		instances, conversations, slack = 1000, 10_000, 0
	}
	const turns, seed = 10, 2
	tests := []struct {
		name                     string
		instances, conversations int
		after                    string
		wasted                   float64 // at most, per turn
	}{
		{"many instances", instances, conversations, "1", 0.10},
		{"many instances, and rests that are left to the caller", instances, conversations, "7", 0.15}, // an instance that knows of one asks the others
		{"few instances, which remember much", 2, 500, "1", 0.06},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{at: time.Now()}
			g := &region{random: rand.New(rand.NewPCG(1, seed)), busy: 0.10, after: tt.after, where: map[string]string{}}
			var resources []string
			for i := range 4 {
				resources = append(resources, fmt.Sprintf(`{"name":"r%d","endpoint":"https://r%[1]d.example","api_key":"k","deployments":[{"model":"gpt-4o"}]}`, i+1))
			}
			secret := fixed(`{"resources":[` + strings.Join(resources, ",") + `]}`)
			clients := make([]*azure.Client, tt.instances)
			for i := range clients {
				clients[i] = azure.New(azure.Options{
					Secrets: secret, Now: c.now, Sleep: c.sleep,
					Env: config.Env{AzureSecretID: secretName, IdleTimeout: time.Minute, MaxRetries: 2, RetryAfterCap: 2 * time.Second},
				})
				clients[i].Over(g)
			}
			previous := make([]string, tt.conversations)
			busy := 0
			for range turns {
				for i := range previous {
					c.advance(time.Duration(g.random.Int64N(int64(40*time.Second))) / time.Duration(tt.instances)) // a turn in 20 s for each
					for {
						w := httptest.NewRecorder()
						err := turn(t.Context(), clients[g.random.IntN(len(clients))], w, previous[i], g.random.IntN(2) == 0)
						if err == nil {
							_, id, _ := bytes.Cut(w.Body.Bytes(), []byte(`"id":"`))
							id, _, _ = bytes.Cut(id, []byte{'"'})
							previous[i] = string(id)
							break
						}
						e := openaierr.From(err)
						wait := azure.RetryAfter(e.Header, c.now())
						if e.Status != http.StatusTooManyRequests || wait <= 0 {
							t.Fatalf("a caller got %v", err)
						}
						busy++
						c.advance(wait)
					}
				}
			}
			all := float64(tt.conversations * turns)
			wasted := float64(g.missing) / all
			t.Logf("%d instances, %d conversations, a turn has %.4f \"not found\" (%.4f resources stand before the one that has the state), %.4f requests, %.4f answers of 429",
				tt.instances, tt.conversations, wasted, float64(g.before)/all, float64(g.asked)/all, float64(busy)/all)
			if wasted > tt.wasted+slack {
				t.Errorf("%.4f \"not found\" a turn are wasted, want at most %.2f", wasted, tt.wasted)
			}
		})
	}
}

// turn makes one turn of a conversation.
func turn(ctx context.Context, client *azure.Client, w http.ResponseWriter, previous string, stream bool) error {
	call := respond()
	if previous != "" {
		call = respond(previous)
	}
	if stream {
		members := `"input":"x","stream":true`
		if previous != "" {
			members += fmt.Sprintf(`,"previous_response_id":%q`, previous)
		}
		state := call.State
		call = post("responses", "gpt-4o", members)
		call.Stream, call.State = true, state
	}
	answer, err := client.Do(ctx, call)
	if err != nil {
		return err
	}
	defer answer.Close()
	return answer.Relay(w, false)
}
