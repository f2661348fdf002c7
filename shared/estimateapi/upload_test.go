package estimateapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/testaws"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/batchapi"
	s3bucket "aoai-bridge/shared/bucket"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/estimateapi"
	"aoai-bridge/shared/secrets"
)

// A caller asks about files of its own; what its key may not use is refused line by line.
func TestUploadedFile(t *testing.T) {
	hello := `"messages":[{"role":"user","content":"hello"}],"max_tokens":50`
	a := testaws.New(t, bucket)
	a.Secrets.Put("azure", `{"endpoint":"https://r.openai.azure.com","api_key":"k","deployments":[{"model":"gpt-4o","type":"GlobalStandard"},{"model":"gpt-4.1","type":"GlobalStandard"}]}`)
	a.Secrets.Put("callers", fmt.Sprintf(`{"callers":[{"name":"any","sha256":"%x","models":["*"]},{"name":"few","sha256":"%x","models":["gpt-4o"]}]}`,
		sha256.Sum256([]byte("any")), sha256.Sum256([]byte("few"))))
	const anys, fews, absent, torn = "file-00000000000000000000000000000001", "file-00000000000000000000000000000002", "file-00000000000000000000000000000003", "file-00000000000000000000000000000004"
	content := line("gpt-4o", "chat/completions", hello) + "not JSON\n" + line("gpt-4.1", "chat/completions", hello)
	a.Put("api/files/any/"+anys+"/batch/0/a.jsonl", content)
	a.Put("api/files/few/"+fews+"/batch/0/a.jsonl", content)
	a.Put("api/files/any/"+torn+"/batch/0/a.jsonl.gz", "\x1f\x8b\x08\x00\x00\xff\xfe")
	manager := secretsmanager.NewFromConfig(a.Config)
	client := azure.New(azure.Options{Secrets: manager, Env: config.Env{AzureSecretID: "azure"}})
	store := s3bucket.New(a.Config, bucket)
	h := callers.Require(secrets.New(manager, "callers", callers.TTL, callers.Parse, nil), estimateapi.New(client, estimateapi.Files{
		Planner: plan.New(plan.Options{Store: store, Azure: client, Env: config.Batch{Bucket: bucket, OutputTokens: 100}}),
		Find: func(ctx context.Context, caller, id string) (string, error) {
			return batchapi.FileKey(ctx, store, caller, id, clock.Wall())
		},
	}, today))

	for _, tt := range []struct {
		name, key, file string
		lines           int
		models, refused string // with commas: the models, and the codes of what is refused
	}{
		{"every model", "any", `"` + anys + `"`, 3, "gpt-4o,gpt-4.1", "invalid_json_line"},
		{"a key that is bound", "few", `"` + fews + `"`, 3, "gpt-4o", "invalid_json_line,model_not_allowed"},
		{"the rest of a file", "any", fmt.Sprintf(`{"id":%q,"offset":%d,"line":1}`, anys, strings.Index(content, "not JSON")), 2, "gpt-4.1", "invalid_json_line"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := post(h, tt.key, "/v1/tokens/estimate", `{"file":`+tt.file+`}`)
			var r estimateapi.FileReport
			if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != 200 || !r.Complete || !strings.Contains(tt.file, r.File) || r.Key != "" || r.Lines != tt.lines {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			var models, refused []string
			for _, m := range r.Models {
				models = append(models, m.Model)
			}
			for _, e := range r.Refusals {
				refused = append(refused, e.Code)
			}
			if strings.Join(models, ",") != tt.models || strings.Join(refused, ",") != tt.refused || r.Refused != len(refused) {
				t.Errorf("models %q and %d refused, %q; want %s and %s", models, r.Refused, refused, tt.models, tt.refused)
			}
		})
	}
	for _, tt := range []struct {
		name, key, body string
		status          int
		param, code     string
	}{
		{"another's file", "few", `{"file":"` + anys + `"}`, 404, "file", "not_found"},
		{"no such file", "any", `{"file":"` + absent + `"}`, 404, "file", "not_found"},
		{"a path", "any", `{"file":"../few/` + fews + `"}`, 404, "file", "not_found"},
		{"a number", "any", `{"file":7}`, 400, "file", "invalid_type"},
		{"a misspelt member", "any", `{"file":{"id":"` + anys + `","ofset":1}}`, 400, "file.ofset", "unknown_parameter"},
		{"a negative line", "any", `{"file":{"id":"` + anys + `","line":-1}}`, 400, "file", "invalid_type"},
		{"beyond the end", "any", `{"file":{"id":"` + anys + `","offset":100000}}`, 400, "file.offset", "invalid_value"},
		{"a damaged file", "any", `{"file":"` + torn + `"}`, 400, "file", "invalid_gzip"},
		{"options of one request", "any", `{"file":"` + anys + `","estimate":{"output_tokens":5}}`, 400, "estimate", "unsupported_parameter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkError(t, post(h, tt.key, "/v1/tokens/estimate", tt.body), tt.status, tt.param, tt.code)
		})
	}
	checkError(t, post(open(t, secret), "any", "/v1/tokens/estimate", `{"file":"`+anys+`"}`), 400, "file", "unsupported_value")
}
