package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	client "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/callers"
)

const secretID = "aoai-bridge/callers"

// startStack starts an AWS endpoint with Secrets Manager, and points the environment at it alone.
func startStack(t *testing.T, secret string) *secretsmanager.Store {
	t.Helper()
	secrets := secretsmanager.New()
	if secret != "" {
		secrets.Put(secretID, secret)
	}
	server := httptest.NewServer(awsendpoint.New(
		func(id string) (string, bool) { return "local", id == "local" },
		map[string]http.Handler{"secretsmanager": secrets}))
	t.Cleanup(server.Close)
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "",
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
		"CALLERS_SECRET_ID": "", "STACK": "", "KMS_KEY_ARN": "",
	} {
		t.Setenv(name, value)
	}
	return secrets
}

// makeKey runs the command and returns the key it printed.
func makeKey(t *testing.T, args ...string) string {
	t.Helper()
	var out, notes bytes.Buffer
	if err := run(t.Context(), args, &out, &notes); err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSuffix(out.String(), "\n")
	if key != "" && strings.Contains(notes.String(), key) {
		t.Errorf("the key is in the notes too: %s", notes.String())
	}
	return key
}

func hashOf(key string) string {
	s := sha256.Sum256([]byte(key))
	return hex.EncodeToString(s[:])
}

// kept has what an edit must not touch: unknown members, odd white space, escapes, a big integer.
const kept = `{ "note":"caf\u00e9", "callers" : [
  {"team":{"id":9007199254740993},"name":"bob","sha256":"` + zeros + `","models":["gpt-4o"] , "since":"2026"} ,
  {"name":"carol","sha256":"` + zeros + `","models":["*"]}
], "later":[1, 2] }
`

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestEdits(t *testing.T) {
	tests := []struct {
		name, secret string
		args         []string
		want         string // SUM stands for the new key's hash
	}{
		{"first", `{"callers":[]}`, []string{"-name", "alice"},
			`{"callers":[{"name":"alice","sha256":"SUM","models":["*"]}]}`},
		{"first, spaced", `{"callers": [ ]}`, []string{"-name", "alice"},
			`{"callers": [{"name":"alice","sha256":"SUM","models":["*"]}]}`},
		{"nothing in the secret", `{}`, []string{"-name", "alice"},
			`{"callers":[{"name":"alice","sha256":"SUM","models":["*"]}]}`},
		{"null", `{"callers":null}`, []string{"-name", "alice"},
			`{"callers":[{"name":"alice","sha256":"SUM","models":["*"]}]}`},
		{"another", kept, []string{"-name", "alice", "-models", "gpt-4o, gpt-4o-mini,"},
			strings.Replace(kept, "[\"*\"]}\n", "[\"*\"]},{\"name\":\"alice\",\"sha256\":\"SUM\",\"models\":[\"gpt-4o\",\"gpt-4o-mini\"]}\n", 1)},
		{"replace", kept, []string{"-name", "bob", "-replace"}, strings.Replace(kept, zeros, "SUM", 1)},
		{"replace key and models", kept, []string{"-name", "bob", "-replace", "-models", "o3"},
			strings.Replace(strings.Replace(kept, zeros, "SUM", 1), `["gpt-4o"]`, `["o3"]`, 1)},
		{"bound, with allowances and a ceiling", `{"callers":[]}`, []string{"-name", "alice", "-models", "gpt-4o", "-allow", "state,data_sources", "-cost-ceiling", "500"},
			`{"callers":[{"name":"alice","sha256":"SUM","models":["gpt-4o"],"allow":["state","data_sources"],"cost_ceiling":500}]}`},
		{"no ceiling", `{"callers":[]}`, []string{"-name", "alice", "-cost-ceiling", "none"}, `{"callers":[{"name":"alice","sha256":"SUM","models":["*"],"cost_ceiling":0}]}`},
		{"replace a key, and allow more", kept, []string{"-name", "bob", "-replace", "-allow", "state", "-cost-ceiling", "0.5"},
			strings.Replace(strings.Replace(kept, zeros, "SUM", 1), `"since":"2026"}`, `"since":"2026","allow":["state"],"cost_ceiling":0.5}`, 1)},
		{"replace, and take back what was allowed", `{"callers":[{"name":"a","sha256":"` + zeros + `","models":["m"],"allow":["state"]}]}`, []string{"-name", "a", "-replace", "-allow", "none"},
			`{"callers":[{"name":"a","sha256":"SUM","models":["m"],"allow":[]}]}`},
		{"remove the first", kept, []string{"-name", "bob", "-remove"},
			`{ "note":"caf\u00e9", "callers" : [` + "\n  " + kept[strings.Index(kept, `{"name":"carol"`):]},
		{"remove the last", kept, []string{"-name", "carol", "-remove"},
			kept[:strings.Index(kept, " ,\n  {\"name\":\"carol\"")] + "\n], \"later\":[1, 2] }\n"},
		{"remove the only one", `{"callers":[{"name":"a","sha256":"` + zeros + `","models":["*"]}]}`, []string{"-name", "a", "-remove"},
			`{"callers":[]}`},
		{"remove every one of the name", `{"callers":[` + twice + `,` + twice + `]}`, []string{"-name", "twice", "-remove"},
			`{"callers":[]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			secrets := startStack(t, test.secret)
			key := makeKey(t, test.args...)
			got, _ := secrets.Get(secretID)
			if want := strings.Replace(test.want, "SUM", hashOf(key), 1); got != want {
				t.Errorf("secret is\n%s\nwant\n%s", got, want)
			}
			if _, err := callers.Parse([]byte(got)); err != nil {
				t.Error(err)
			}
		})
	}
}

const twice = `{"name":"twice","sha256":"` + zeros + `","models":["*"]}`

func TestKeys(t *testing.T) {
	startStack(t, `{"callers":[]}`)
	first, second := makeKey(t, "-name", "alice"), makeKey(t, "-name", "bob")
	if first == second || !strings.HasPrefix(first, "sk-") || len(first) < len("sk-")+26 {
		t.Errorf("keys %q and %q", first, second)
	}
}

func TestSecretOption(t *testing.T) {
	tests := []struct {
		name, variable, value string
		args                  []string
		want                  string
	}{
		{"flag", "CALLERS_SECRET_ID", "third", []string{"-secret", "other"}, "other"},
		{"environment", "CALLERS_SECRET_ID", "other", nil, "other"},
		{"another stack", "STACK", "aoai-two", nil, "aoai-two/callers"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			secrets := startStack(t, "")
			secrets.Put(test.want, `{"callers":[]}`)
			t.Setenv(test.variable, test.value)
			key := makeKey(t, append([]string{"-name", "alice"}, test.args...)...)
			if got, _ := secrets.Get(test.want); !strings.Contains(got, hashOf(key)) {
				t.Errorf("secret is %s", got)
			}
		})
	}
}

// manager is the account's Secrets Manager, as the environment has it.
func manager(t *testing.T) *client.Client {
	t.Helper()
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client.NewFromConfig(c)
}

// TestFirstKey makes the secret, with the KMS key that is asked for.
func TestFirstKey(t *testing.T) {
	const kmsKey = "arn:aws:kms:us-east-1:000000000000:key/1"
	for _, want := range []string{"", kmsKey} {
		t.Run("KMS_KEY_ARN="+want, func(t *testing.T) {
			secrets := startStack(t, "")
			t.Setenv("KMS_KEY_ARN", want)
			key := makeKey(t, "-name", "alice", "-models", "gpt-4o")
			got, _ := secrets.Get(secretID)
			if want := `{"callers":[{"name":"alice","sha256":"` + hashOf(key) + `","models":["gpt-4o"]}]}`; got != want {
				t.Errorf("secret is %s, want %s", got, want)
			}
			described, err := manager(t).DescribeSecret(t.Context(), &client.DescribeSecretInput{SecretId: aws.String(secretID)})
			if err != nil || aws.ToString(described.KmsKeyId) != want {
				t.Errorf("encrypted with %q, want %q; %v", aws.ToString(described.KmsKeyId), want, err)
			}
		})
	}
}

// TestSecretMarkedForDeletion is about a secret that somebody has deleted, with the window that AWS gives.
func TestSecretMarkedForDeletion(t *testing.T) {
	secrets := startStack(t, kept)
	if _, err := manager(t).DeleteSecret(t.Context(), &client.DeleteSecretInput{SecretId: aws.String(secretID)}); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-name", "alice"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "aws secretsmanager restore-secret --secret-id "+secretID) {
		t.Errorf("error is %v", err)
	}
	if got, _ := secrets.Get(secretID); got != kept {
		t.Errorf("secret is %s", got)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, secret string
		env          map[string]string
		args         []string
		want         string
	}{
		{"no name", kept, nil, nil, "for example: make key NAME=alice"},
		{"odd name", kept, nil, []string{"-name", "a/b"}, `"a/b"`},
		{"stray word", kept, nil, []string{"-name", "a", "b"}, `"b" is not an option`},
		{"remove and replace", kept, nil, []string{"-name", "bob", "-remove", "-replace"}, "neither"},
		{"has a key", kept, nil, []string{"-name", "bob"}, "make key NAME=bob REPLACE=1"},
		{"nobody to replace", kept, nil, []string{"-name", "alice", "-replace"}, `no caller "alice"; it has ["bob" "carol"]`},
		{"nobody to remove", kept, nil, []string{"-name", "alice", "-remove"}, `no caller "alice"`},
		{"replace one of two", `{"callers":[` + twice + `,` + twice + `]}`, nil, []string{"-name", "twice", "-replace"}, "2 times"},
		{"remove and allow", kept, nil, []string{"-name", "bob", "-remove", "-allow", "state"}, "-allow"},
		{"unknown allowance", kept, nil, []string{"-name", "alice", "-allow", "files"}, `want any of ["state" "data_sources"]; nothing was changed`},
		{"ceiling below 0", kept, nil, []string{"-name", "alice", "-cost-ceiling", "-5"}, "want an amount in USD such as 500, or none"},
		{"ceiling without end", kept, nil, []string{"-name", "alice", "-cost-ceiling", "Inf"}, `"Inf", want an amount`},
		{"no secret, nobody to remove", "", nil, []string{"-name", "alice", "-remove"}, `no secret aoai-bridge/callers in us-east-1 yet: the secret has no caller "alice"`},
		{"no secret of that ARN", "", nil, []string{"-name", "alice", "-secret", "arn:aws:secretsmanager:us-east-1:000000000000:secret:x-AbCdEf"}, "give its name instead"},
		{"secret of another form", `{"endpoint":"https://x"`, nil, []string{"-name", "alice"}, "nothing was changed"},
		{"secret that functions refuse", `{"callers":[{"name":"a"}]}`, nil, []string{"-name", "alice"}, "sha256 (a)"},
		{"callers twice", `{"callers":[],"Callers":[` + twice + `]}`, nil, []string{"-name", "alice"}, "once"},
		{"no credentials", kept, map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, []string{"-name", "alice"}, "no AWS credentials"},
		{"no region", kept, map[string]string{"AWS_REGION": ""}, []string{"-name", "alice"}, "AWS_REGION"},
		{"wrong credentials", kept, map[string]string{"AWS_SECRET_ACCESS_KEY": "other"}, []string{"-name", "alice"}, "InvalidSignatureException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			secrets := startStack(t, test.secret)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			var out, notes bytes.Buffer
			err := run(t.Context(), test.args, &out, &notes)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q in it", err, test.want)
			}
			if got, _ := secrets.Get(secretID); got != test.secret || out.Len() > 0 {
				t.Errorf("secret is %s, printed %q", got, out.String())
			}
		})
	}
}

// Of callers added at the same time, none is lost.
func TestAtOnce(t *testing.T) {
	for name, secret := range map[string]string{"a secret": `{"callers":[]}`, "no secret yet": ""} {
		t.Run(name, func(t *testing.T) { testAtOnce(t, startStack(t, secret)) })
	}
}

func testAtOnce(t *testing.T, secrets *secretsmanager.Store) {
	names := []string{"a", "b", "c", "d"} // as many as there are tries
	keys := make([]string, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			var out bytes.Buffer
			if err := run(t.Context(), []string{"-name", name}, &out, io.Discard); err != nil {
				t.Error(err)
			}
			keys[i] = strings.TrimSpace(out.String())
		})
	}
	wg.Wait()
	got, _ := secrets.Get(secretID)
	for i, name := range names {
		if !strings.Contains(got, `{"name":"`+name+`","sha256":"`+hashOf(keys[i])+`"`) {
			t.Errorf("%s is not in %s", name, got)
		}
	}
}

func TestCancelled(t *testing.T) {
	secrets := startStack(t, kept)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := run(ctx, []string{"-name", "alice"}, &out, &out); err == nil {
		t.Error("no error")
	}
	if got, _ := secrets.Get(secretID); got != kept || out.Len() > 0 {
		t.Errorf("secret is %s, printed %q", got, out.String())
	}
}

// TestMake has make pass on a name that the shell would read otherwise.
func TestMake(t *testing.T) {
	for _, name := range []string{`a b"c`, "`false`", "a;false"} {
		cmd := exec.CommandContext(t.Context(), "make", "-C", "../..", "key", "NAME="+name)
		out, err := cmd.CombinedOutput()
		if want := fmt.Sprintf("the caller's name is %q", name); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, want %s in\n%s", err, want, out)
		}
	}
}
