package callers_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/secrets"
	"aoai-bridge/shared/telemetry"
)

const name = "aoai-bridge/callers"

type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(1e9, c.nanoseconds.Load()) }

// secret lists callers, each given as "name key model,model".
func secret(list ...string) string {
	var entries []string
	for _, caller := range list {
		fields := strings.Fields(caller)
		entries = append(entries, fmt.Sprintf(`{"name":%q,"sha256":"%x","models":["%s"]}`,
			fields[0], sha256.Sum256([]byte(fields[1])), strings.ReplaceAll(fields[2], ",", `","`)))
	}
	return `{"callers":[` + strings.Join(entries, ",") + `]}`
}

// open serves behind Require a handler that says who called and whether gpt-4o may be used.
func open(t *testing.T, value string) (*local.Store, http.Handler, *clock) {
	t.Helper()
	store, clock := local.New(), &clock{}
	if value != "" {
		store.Put(name, value)
	}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	client := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	list := secrets.New(client, name, callers.TTL, callers.Parse, clock.now)
	return store, callers.Require(list, http.HandlerFunc(greet)), clock
}

func greet(w http.ResponseWriter, r *http.Request) {
	caller := callers.From(r.Context())
	fmt.Fprintf(w, "%s %v %v", caller.Name, caller.May("gpt-4o"), caller.Any())
}

func ask(h http.Handler, path string, header http.Header) (*httptest.ResponseRecorder, *telemetry.Call) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header = header
	ctx, call := telemetry.Start(r.Context(), "id")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(ctx))
	return w, call
}

func bearer(key string) http.Header { return http.Header{"Authorization": {"Bearer " + key}} }
func apiKey(key string) http.Header { return http.Header{"Api-Key": {key}} }

func TestRequire(t *testing.T) {
	_, h, _ := open(t, secret("ann sk-ann-0123456789 *", "bob sk-bob-0123456789 gpt-4o,o4-mini", "cid sk-cid-0123456789 o4-mini"))
	const (
		missing = `{"error":{"message":"You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or in an api-key header.","type":"invalid_request_error","param":null,"code":null}}`
		wrong   = `{"error":{"message":"Incorrect API key provided: %s. Ask the owner of this endpoint for a key.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`
	)
	tests := []struct {
		name   string
		header http.Header
		status int
		want   string
	}{
		{"bearer", bearer("sk-ann-0123456789"), 200, "ann true true"},
		{"bearer in lower case, more spaces", http.Header{"Authorization": {"bearer   sk-ann-0123456789 "}}, 200, "ann true true"},
		{"api-key", apiKey("sk-bob-0123456789"), 200, "bob true false"},
		{"a model that is not allowed", bearer("sk-cid-0123456789"), 200, "cid false false"},
		{"api-key goes first", http.Header{"Api-Key": {"sk-bob-0123456789"}, "Authorization": {"Bearer sk-ann-0123456789"}}, 200, "bob true false"},
		{"no key", nil, 401, missing},
		{"empty headers", http.Header{"Api-Key": {""}, "Authorization": {""}}, 401, missing},
		{"bearer without a key", http.Header{"Authorization": {"Bearer "}}, 401, missing},
		{"another scheme", http.Header{"Authorization": {"Basic c2stYW5uOg=="}}, 401, missing},
		{"wrong bearer", bearer("sk-ann-9876543210"), 401, fmt.Sprintf(wrong, "sk-***3210")},
		{"wrong api-key", apiKey("sk-ann-9876543210"), 401, fmt.Sprintf(wrong, "sk-***3210")},
		{"a short key is not shown at all", bearer("sk-bob"), 401, fmt.Sprintf(wrong, "******")},
		{"the hash is not the key", bearer(hex.EncodeToString(make([]byte, 32))), 401, fmt.Sprintf(wrong, "000***0000")},
	}
	for _, tt := range tests {
		for _, path := range []string{"/v1/models", "/openai/v1/models", "/openai/deployments/d/chat/completions", "/anything"} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				w, call := ask(h, path, tt.header)
				if w.Code != tt.status || w.Body.String() != tt.want {
					t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, tt.status, tt.want)
				}
				if authenticate := w.Header().Get("Www-Authenticate"); (authenticate == "Bearer") != (tt.status == 401) {
					t.Errorf("WWW-Authenticate: %q", authenticate)
				}
				if name, _, _ := strings.Cut(tt.want, " "); tt.status == 200 && call.Caller != name {
					t.Errorf("the log names %q, want %q", call.Caller, name)
				}
			})
		}
	}
}

func TestRevokedKeyIsOutWithinAMinute(t *testing.T) {
	store, h, clock := open(t, secret("ann sk-ann *", "bob sk-bob *"))
	if w, _ := ask(h, "/", bearer("sk-ann")); w.Code != 200 {
		t.Fatalf("got %d before", w.Code)
	}
	store.Put(name, secret("bob sk-bob *", "cid sk-cid *"))
	clock.nanoseconds.Add(int64(time.Minute))
	for key, want := range map[string]int{"sk-ann": 401, "sk-bob": 200, "sk-cid": 200} {
		if w, _ := ask(h, "/", bearer(key)); w.Code != want {
			t.Errorf("%s: got %d, want %d", key, w.Code, want)
		}
	}
}

func TestSecretThatCannotBeRead(t *testing.T) {
	const want = `{"error":{"message":"The callers' secret of the bridge cannot be read or is not valid, so no key can be checked. Its owner finds the reason in the function's log.","type":"server_error","param":null,"code":"configuration_error"}}`
	_, h, _ := open(t, `{"callers":[{"name":"ann"}]}`)
	w, call := ask(h, "/", bearer("sk-ann"))
	if w.Code != 500 || w.Body.String() != want || w.Header().Get("X-Should-Retry") != "false" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	if call.Code != "configuration_error" || call.Err == nil {
		t.Errorf("the log has code %q and error %v", call.Code, call.Err)
	}
}

// TestNoCallerYet is about the time between a deployment and the first key.
func TestNoCallerYet(t *testing.T) {
	const want = `{"error":{"message":"This endpoint has no caller yet, so that no API key can be right. Its owner makes the first key with: make key NAME=my-app","type":"invalid_request_error","param":null,"code":"no_callers"}}`
	tests := []struct {
		name, secret string
		wait         time.Duration // until the first key holds
	}{
		{"no secret", "", time.Second},
		{"nobody in it", `{"callers":[]}`, callers.TTL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store, h, clock := open(t, tt.secret)
			for range 3 {
				w, call := ask(h, "/", bearer("sk-ann"))
				if w.Code != 401 || w.Body.String() != want || w.Header().Get("Www-Authenticate") != "Bearer" {
					t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
				}
				if call.Code != "no_callers" || call.Err != nil {
					t.Errorf("the log has code %q and error %v", call.Code, call.Err)
				}
			}
			if n := store.Calls("GetSecretValue"); n != 1 {
				t.Errorf("%d reads, want one and no more for calls at the same moment", n)
			}
			store.Put(name, secret("ann sk-ann *"))
			clock.nanoseconds.Add(int64(tt.wait))
			if w, _ := ask(h, "/", bearer("sk-ann")); w.Code != 200 {
				t.Errorf("with a caller: got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestTrust(t *testing.T) {
	w, call := ask(callers.Trust("lambda-invoke", http.HandlerFunc(greet)), "/", nil)
	if w.Body.String() != "lambda-invoke true true" || call.Caller != "lambda-invoke" {
		t.Errorf("got %s, in the log %s", w.Body, call.Caller)
	}
}

func TestFromOutside(t *testing.T) {
	if c := callers.From(t.Context()); c.May("gpt-4o") || c.Any() || c.Name != "" {
		t.Errorf("got %+v, want nobody", c)
	}
}

func TestParse(t *testing.T) {
	const sum = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08" // of "test", in upper case
	tests := []struct {
		name, secret string
		want         []string // nil: accepted
	}{
		{"upper case", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["*"]}]}`, nil},
		{"nobody yet", `{"callers":[]}`, nil},
		{"members that are not ours", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["m"],"team":"x"}],"note":1}`, nil},
		{"all that an entry may have", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["m"],"allow":["state","data_sources"],"cost_ceiling":0}]}`, nil},
		{"an allowance that does not exist", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["m"],"allow":["state","all"]}]}`, []string{"callers[0].allow (a)", `"all"`, "state", "data_sources"}},
		{"allowances that are no list", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["m"],"allow":"state"}]}`, []string{"callers.allow is a JSON string"}},
		{"a ceiling below 0", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["m"],"cost_ceiling":-1}]}`, []string{"callers[0].cost_ceiling (a)", "500"}},
		{"a ceiling that is no number", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["m"],"cost_ceiling":"none"}]}`, []string{"callers.cost_ceiling is a JSON string"}},
		{"a ceiling without end", `{"callers":[{"name":"a","sha256":"` + sum + `","models":["m"],"cost_ceiling":1e999}]}`, []string{"callers.cost_ceiling is a JSON number"}},
		{"no JSON", sum, []string{"not JSON", "want for example"}},
		{"another secret", `{"password":"` + sum + `"}`, []string{"has no callers", `"sha256":"<64 hex digits>"`}},
		{"no list", `{"callers":{"name":"` + sum + `"}}`, []string{"not JSON of the expected form", "want for example"}},
		{"no name", `{"callers":[{"sha256":"` + sum + `","models":["*"]}]}`, []string{"callers[0].name is missing", "want for example"}},
		{"no hash", `{"callers":[{"name":"a","models":["*"]}]}`, []string{"callers[0].sha256 (a)", "64 hex digits"}},
		{"the key in place of its hash", `{"callers":[{"name":"a","sha256":"sk-` + sum + `","models":["*"]}]}`, []string{"callers[0].sha256 (a)", "64 hex digits"}},
		{"half a hash", `{"callers":[{"name":"a","sha256":"` + sum[:32] + `","models":["*"]}]}`, []string{"callers[0].sha256 (a)"}},
		{"two hashes", `{"callers":[{"name":"a","sha256":"` + sum + sum + `","models":["*"]}]}`, []string{"callers[0].sha256 (a)"}},
		{"no models", `{"callers":[{"name":"b","sha256":"` + sum + `","models":["*"]},{"name":"a","sha256":"` + sum + `"}]}`, []string{"callers[1].models (a) is missing", `["*"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := callers.Parse([]byte(tt.secret))
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), sum[:16]) {
				t.Errorf("%q shows a value of the secret", err)
			}
		})
	}
}

func TestUpperCaseHash(t *testing.T) {
	_, h, _ := open(t, strings.Replace(secret("ann test *"), fmt.Sprintf("%x", sha256.Sum256([]byte("test"))), fmt.Sprintf("%X", sha256.Sum256([]byte("test"))), 1))
	if w, _ := ask(h, "/", bearer("test")); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
