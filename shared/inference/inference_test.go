package inference_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/azureopenai"
	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/inference"
	"aoai-bridge/shared/secrets"
	"aoai-bridge/shared/telemetry"
)

// deployments is what the Azure secret lists in most tests. "main" has a name unlike its model's.
const deployments = `,"deployments":[{"name":"main","model":"gpt-4o"},{"model":"gpt-4o-mini"},{"model":"gpt-5.4-mini"},{"model":"text-embedding-3-small"},` +
	`{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}]`

const azureKey = "azure-key-0123456789"

// A stage is the API with its check of callers in front and an Azure to call.
type stage struct {
	*inference.API
	azure    *azureopenai.Server
	upstream string // its URL
	store    *local.Store
	client   *azure.Client
	http     http.Handler
}

// open serves all operations to three callers: "any" may use every model, "few" only gpt-4o and gpt-5.4-mini, and "more"
// is like few, but may reach what is stored and Azure's identity.
// listed are the members of the Azure secret that list its deployments.
func open(t *testing.T, listed string, edit ...func(*config.Env)) *stage {
	t.Helper()
	emulator := azureopenai.New(azureopenai.Options{APIKeys: []string{azureKey}, Deployments: append(azureopenai.DefaultDeployments(),
		azureopenai.Deployment{Name: "main", Model: "gpt-4o", Version: "2024-11-20", Type: "GlobalStandard"})})
	upstream := httptest.NewServer(emulator)
	t.Cleanup(upstream.Close)
	store := local.New()
	store.Put("azure", fmt.Sprintf(`{"endpoint":%q,"api_key":%q%s}`, upstream.URL, azureKey, listed))
	store.Put("callers", fmt.Sprintf(`{"callers":[{"name":"any","sha256":"%x","models":["*"]},{"name":"few","sha256":"%x","models":["gpt-4o","gpt-5.4-mini"]},{"name":"more","sha256":"%x","models":["gpt-4o","gpt-5.4-mini"],"allow":["state","data_sources"]}]}`,
		sha256.Sum256([]byte("any")), sha256.Sum256([]byte("few")), sha256.Sum256([]byte("more"))))
	service := httptest.NewServer(store)
	t.Cleanup(service.Close)
	api := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: &service.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	env := config.Env{AzureSecretID: "azure", ConnectTimeout: 10 * time.Second, IdleTimeout: time.Minute, RetryAfterCap: time.Second}
	for _, e := range edit {
		e(&env)
	}
	client := azure.New(azure.Options{Secrets: api, Env: env})
	s := &stage{API: inference.New(client, time.Minute).Chat().Embeddings(), azure: emulator, upstream: upstream.URL, store: store, client: client}
	s.http = callers.Require(secrets.New(api, "callers", callers.TTL, callers.Parse, nil), s)
	return s
}

// request makes one from "METHOD /path", with a JSON body if there is any.
func request(line, body string) *http.Request {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// ask calls as "any", unless the request has a key of its own.
func (s *stage) ask(r *http.Request) (*httptest.ResponseRecorder, *telemetry.Call) {
	if r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer any")
	}
	ctx, record := telemetry.Start(r.Context(), "request")
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r.WithContext(ctx))
	return w, record
}

// withKey sets the caller's key.
func withKey(caller string, r *http.Request) *http.Request {
	r.Header.Set("Authorization", "Bearer "+caller)
	return r
}

// upstreamRequests returns the requests that Azure got since the last call.
func (s *stage) upstreamRequests() []azureopenai.Request {
	requests := s.azure.Requests()
	s.azure.Reset()
	return requests
}

// checkError compares the four fields; "" is null.
func checkError(t *testing.T, w *httptest.ResponseRecorder, status int, kind, param, code, message string) {
	t.Helper()
	var body struct{ Error map[string]*string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%d, and not OpenAI's shape: %s", w.Code, w.Body)
	}
	for name, want := range map[string]string{"type": kind, "param": param, "code": code} {
		value, there := body.Error[name]
		if got := deref(value); !there || got != want || (value == nil) != (want == "") {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := deref(body.Error["message"]); w.Code != status || !strings.Contains(got, message) || got == "" {
		t.Errorf("got %d %q, want %d and a mention of %q", w.Code, got, status, message)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
