package awssecret_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/awssecret"
	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/secretsmanager"
)

const id = "aoai-bridge/azure"

// open returns a secret, and the account that it is in.
func open(t *testing.T, notes io.Writer) (*awssecret.Secret, *secretsmanager.Store) {
	t.Helper()
	secrets := secretsmanager.New()
	server := httptest.NewServer(awsendpoint.New(
		func(id string) (string, bool) { return "local", id == "local" },
		map[string]http.Handler{"secretsmanager": secrets}))
	t.Cleanup(server.Close)
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
	} {
		t.Setenv(name, value)
	}
	s, err := awssecret.Open(t.Context(), awssecret.Options{ID: id, Empty: "empty", Notes: notes})
	if err != nil {
		t.Fatal(err)
	}
	return s, secrets
}

// An edit that comes between reading and writing is not lost; four in a row are too many.
func TestUpdate(t *testing.T) {
	tests := []struct {
		name      string
		conflicts int
		fails     bool
		want      string
		seen      []string
	}{
		{"alone", 0, false, "start, ours", []string{"start"}},
		{"another edit", 1, false, "theirs, ours", []string{"start", "theirs"}},
		{"three others", 3, false, "theirs, ours", []string{"start", "theirs", "theirs", "theirs"}},
		{"an edit at every try", 4, true, "theirs", []string{"start", "theirs", "theirs", "theirs"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var notes bytes.Buffer
			s, secrets := open(t, &notes)
			secrets.Put(id, "start")
			var seen []string
			err := s.Update(t.Context(), func(text []byte) ([]byte, error) {
				if seen = append(seen, string(text)); len(seen) <= test.conflicts {
					secrets.Put(id, "theirs")
				}
				return append(text, ", ours"...), nil
			})
			got, _ := secrets.Get(id)
			if (err != nil) != test.fails || got != test.want || !slices.Equal(seen, test.seen) {
				t.Errorf("the secret is %q after %q, error %v", got, seen, err)
			}
			if n := strings.Count(notes.String(), "reading it again"); n != len(seen)-1 {
				t.Errorf("the notes say %q", notes.String())
			}
		})
	}
}

func TestUpdateWritesNothingNew(t *testing.T) {
	s, secrets := open(t, io.Discard)
	secrets.Put(id, "as it was")
	if err := s.Update(t.Context(), func(text []byte) ([]byte, error) { return text, nil }); err != nil {
		t.Fatal(err)
	}
	if n := secrets.Calls("PutSecretValue"); n != 0 || secrets.Calls("GetSecretValue") != 1 {
		t.Errorf("written %d times", n)
	}
}

func TestMissing(t *testing.T) {
	s, secrets := open(t, io.Discard)
	if text, found, err := s.Read(t.Context()); string(text) != "empty" || found || err != nil {
		t.Errorf("read %q, found %t, error %v", text, found, err)
	}
	for _, want := range []string{"empty, made", "empty, made, made"} {
		err := s.Update(t.Context(), func(text []byte) ([]byte, error) { return append(text, ", made"...), nil })
		if got, _ := secrets.Get(id); err != nil || got != want {
			t.Errorf("the secret is %q, error %v", got, err)
		}
	}
}
