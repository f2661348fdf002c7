package bootstrap

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/secrets"
)

// TestStartDoesNotWaitForEver has Secrets Manager hang while a function starts. The function serves after
// its wait; the reads go on, and the calls that come use what they bring.
func TestStartDoesNotWaitForEver(t *testing.T) {
	tests := []struct {
		name  string
		hangs bool
		least time.Duration // that the start takes
	}{
		{"Secrets Manager answers", false, 0},
		{"Secrets Manager hangs", true, 50 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := local.New()
			store.Put("azure", `{"endpoint":"https://my-resource.openai.azure.com","api_key":"k","deployments":[{"model":"gpt-4o"}]}`)
			store.Put("callers", `{"callers":[]}`)
			answer := make(chan struct{})
			let := sync.OnceFunc(func() { close(answer) })
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-answer
				store.ServeHTTP(w, r)
			}))
			defer server.Close()
			defer let()
			api := secretsmanager.New(secretsmanager.Options{
				Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
			})
			f := &Function{
				Azure:   azure.New(azure.Options{Secrets: api, Env: config.Env{AzureSecretID: "azure"}}),
				callers: secrets.New(api, "callers", callers.TTL, callers.Parse, nil),
			}
			wait := time.Minute
			if tt.hangs {
				wait = tt.least
			} else {
				let()
			}
			start := time.Now()
			f.readSecrets(wait)
			if took := time.Since(start); took < tt.least || took > 8*time.Second { // a read is given up after ten
				t.Errorf("the start took %v", took)
			}
			let()
			if models, _, err := f.Azure.Models(t.Context()); err != nil || len(models) != 1 {
				t.Errorf("the Azure secret: %v, %v", models, err)
			}
			if _, err := f.callers.Get(t.Context()); err != nil {
				t.Errorf("the callers' secret: %v", err)
			}
			if n := store.Calls("GetSecretValue"); n != 2 {
				t.Errorf("%d reads, want one of each secret", n)
			}
		})
	}
	if initWait > 5*time.Second {
		t.Errorf("a start waits %v of the ten seconds that Lambda allows for all of it", initWait)
	}
}
