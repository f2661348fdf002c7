package lambdahttp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/inference"
	"aoai-bridge/shared/rawjson"
)

// secret is an Azure secret that is always there.
type secret string

func (s secret) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(string(s)), VersionId: aws.String("1")}, nil
}

// TestCostOfABody holds what a large body costs between the event and Azure: it is checked twice, as a part of the
// event and by itself, and copied once, out of the event. Neither the model's name nor stream_options takes more.
func TestCostOfABody(t *testing.T) {
	var sent string
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := make([]byte, 100)
		_, _ = io.ReadFull(r.Body, head)
		_, _ = io.Copy(io.Discard, r.Body)
		sent = string(head)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}))
	defer upstream.Close()
	client := azure.New(azure.Options{
		Secrets: secret(fmt.Sprintf(`{"endpoint":%q,"api_key":"k","deployments":[{"name":"main","model":"gpt-4o"}]}`, upstream.URL)),
		Env:     config.Env{ConnectTimeout: 10 * time.Second, IdleTimeout: time.Minute, RetryAfterCap: time.Second},
	})
	f := Function{HTTP: callers.Trust("caller", inference.New(client, time.Minute).Chat())}
	body := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"` + strings.Repeat(`a \"line\"\n`, 100_000) + `"}]}`
	raw, err := json.Marshal(map[string]any{
		"httpMethod": "POST", "path": "/v1/chat/completions", "headers": map[string]string{"Content-Type": "application/json"},
		"requestContext": map[string]any{"requestId": "request"}, "body": body, "isBase64Encoded": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	call := func() {
		t.Helper()
		answer, err := f.invoke(t.Context(), event{raw})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.(io.Reader))
		if err != nil || !strings.HasSuffix(string(text), "data: [DONE]\n\n") {
			t.Fatalf("%.300s, %v", text, err)
		}
	}
	call() // reads the secret and connects
	var before, after runtime.MemStats
	walked := rawjson.Walked()
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	walked = rawjson.Walked() - walked
	if most := int64(len(raw)+len(body)) + 10_000; walked > most {
		t.Errorf("%d bytes of JSON were checked for a body of %d in an event of %d, want at most %d", walked, len(body), len(raw), most)
	}
	if allocated, most := after.TotalAlloc-before.TotalAlloc, uint64(len(raw))+400_000; allocated > most {
		t.Errorf("%d bytes were allocated for a body of %d, which has %d in the event; want at most %d", allocated, len(body), len(raw), most)
	}
	if want := `{"model":"main","stream":true,"messages":[{`; !strings.HasPrefix(sent, want) {
		t.Errorf("sent %s, want %s", sent, want)
	}
}
