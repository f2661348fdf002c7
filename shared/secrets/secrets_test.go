package secrets_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/secrets"
)

const (
	name = "app/secret"
	ttl  = time.Minute
)

// A clock is moved by the test alone.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time           { return time.Unix(1e9, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration)  { c.nanoseconds.Add(int64(d)) }
func parse(secret []byte) (string, error) { return parsed(string(secret)) }
func parsed(secret string) (string, error) {
	if strings.HasPrefix(secret, "bad") {
		return "", errors.New("the secret is wrong: it is bad")
	}
	return "<" + secret + ">", nil
}

// open starts a store, and a Secret that reads it through the SDK's client.
func open(t *testing.T, parse func([]byte) (string, error)) (*local.Store, *secrets.Secret[string], *clock) {
	t.Helper()
	store, clock := local.New(), &clock{}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	client := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return store, secrets.New(client, name, ttl, parse, clock.now), clock
}

func want(t *testing.T, s *secrets.Secret[string], value string) secrets.Version[string] {
	t.Helper()
	got, err := s.Get(t.Context())
	if err != nil || got.Value != value {
		t.Fatalf("got %q, %v, want %q", got.Value, err, value)
	}
	return got
}

func reads(t *testing.T, store *local.Store, want int) {
	t.Helper()
	if got := store.Calls("GetSecretValue"); got != want {
		t.Errorf("%d reads of Secrets Manager, want %d", got, want)
	}
}

func TestTTL(t *testing.T) {
	store, s, clock := open(t, parse)
	id := store.Put(name, "one")
	if got := want(t, s, "<one>"); got.ID != id {
		t.Errorf("version %q, want %q", got.ID, id)
	}
	store.Put(name, "two")
	clock.advance(ttl - time.Nanosecond)
	want(t, s, "<one>")
	reads(t, store, 1)
	clock.advance(time.Nanosecond)
	want(t, s, "<two>")
	reads(t, store, 2)
}

func TestParsedOncePerVersion(t *testing.T) {
	times := 0 // loads do not overlap
	store, s, clock := open(t, func(secret []byte) (string, error) { times++; return parse(secret) })
	store.Put(name, "one")
	for range 3 {
		want(t, s, "<one>")
		clock.advance(ttl)
	}
	if reads(t, store, 3); times != 1 {
		t.Errorf("parsed %d times, want once", times)
	}
}

func TestOneFlight(t *testing.T) {
	store, s, _ := open(t, parse)
	store.Put(name, "one")
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if got, err := s.Get(t.Context()); err != nil || got.Value != "<one>" {
				t.Errorf("got %q, %v", got.Value, err)
			}
		})
	}
	calls.Wait()
	reads(t, store, 1)
}

func TestLastGoodValueStands(t *testing.T) {
	tests := []struct {
		name string
		harm func(*local.Store)
		mend func(*local.Store)
	}{
		{"the service fails", func(s *local.Store) { s.FailNext(-1) }, func(s *local.Store) { s.FailNext(0); s.Put(name, "two") }},
		{"the secret is gone", func(s *local.Store) { s.Remove(name) }, func(s *local.Store) { s.Put(name, "two") }},
		{"the new version is wrong", func(s *local.Store) { s.Put(name, "bad") }, func(s *local.Store) { s.Put(name, "two") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store, s, clock := open(t, parse)
			store.Put(name, "one")
			want(t, s, "<one>")
			tt.harm(store)
			clock.advance(ttl)
			want(t, s, "<one>")
			want(t, s, "<one>")
			reads(t, store, 2) // not one for every call
			tt.mend(store)
			clock.advance(5 * time.Second)
			want(t, s, "<two>")
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		harm func(*local.Store)
		want string
	}{
		{"missing", func(*local.Store) {}, `secret "app/secret" does not exist: create it, or give the stack the name of another: `},
		{"wrong", func(s *local.Store) { s.Put(name, "bad value") }, `secret "app/secret": the secret is wrong: it is bad`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store, s, clock := open(t, parse)
			tt.harm(store)
			for range 2 {
				if _, err := s.Get(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
			}
			reads(t, store, 1) // the second call is told the same without another read
			store.Put(name, "good")
			clock.advance(time.Second)
			want(t, s, "<good>")
		})
	}
}

// TestMissingByAccessDenied is about what Secrets Manager says of a name that does not exist to a role whose
// policy names the secret's ARN, and of other denials.
func TestMissingByAccessDenied(t *testing.T) {
	const user = "User: arn:aws:sts::000000000000:assumed-role/r/s is not authorized to perform: secretsmanager:GetSecretValue on resource: app/secret "
	tests := []struct {
		name, code, message string
		missing             bool
	}{
		{"no policy matches", "AccessDeniedException", user + "because no identity-based policy allows the secretsmanager:GetSecretValue action", true},
		{"an organisation denies it", "AccessDeniedException", user + "with an explicit deny in a service control policy", false},
		{"a boundary denies it", "AccessDeniedException", user + "because no permissions boundary allows the secretsmanager:GetSecretValue action", false},
		{"the KMS key is out of reach", "AccessDeniedException", "Access to KMS is not allowed", false},
		{"not there", "ResourceNotFoundException", "Secrets Manager can't find the specified secret.", true},
		{"marked for deletion", "InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(http.StatusBadRequest)
				_ = json.NewEncoder(w).Encode(map[string]string{"__type": tt.code, "message": tt.message})
			}))
			defer server.Close()
			client := secretsmanager.New(secretsmanager.Options{
				Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
			})
			_, err := secrets.New(client, name, ttl, parse, nil).Get(t.Context())
			if err == nil || errors.Is(err, secrets.ErrMissing) != tt.missing || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %v, want missing %v", err, tt.missing)
			}
		})
	}
}

func TestNewer(t *testing.T) {
	store, s, clock := open(t, parse)
	store.Put(name, "one")
	old := want(t, s, "<one>")

	if _, changed := s.Newer(t.Context(), old.ID); changed {
		t.Error("newer although the secret is the same")
	}
	reads(t, store, 2)
	store.Put(name, "two")
	if _, changed := s.Newer(t.Context(), old.ID); changed {
		t.Error("asked again within ten seconds")
	}
	reads(t, store, 2)
	clock.advance(10 * time.Second)
	version, changed := s.Newer(t.Context(), old.ID)
	if !changed || version.Value != "<two>" {
		t.Errorf("got %q %v, want the new version", version.Value, changed)
	}
	reads(t, store, 3)
	// A call that was refused with the old version need not ask: the new one is at hand.
	if version, changed := s.Newer(t.Context(), old.ID); !changed || version.Value != "<two>" {
		t.Errorf("got %q %v for a late call", version.Value, changed)
	}
	reads(t, store, 3)
	want(t, s, "<two>")
}

func TestNewerInOneFlight(t *testing.T) {
	store, s, _ := open(t, parse)
	store.Put(name, "one")
	old := want(t, s, "<one>")
	store.Put(name, "two")
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if version, changed := s.Newer(t.Context(), old.ID); !changed || version.Value != "<two>" {
				t.Errorf("got %q %v", version.Value, changed)
			}
		})
	}
	calls.Wait()
	reads(t, store, 2)
}

func TestNewerWhileTheServiceFails(t *testing.T) {
	store, s, _ := open(t, parse)
	store.Put(name, "one")
	old := want(t, s, "<one>")
	store.FailNext(-1)
	if version, changed := s.Newer(t.Context(), old.ID); changed || version.Value != "<one>" {
		t.Errorf("got %q %v, want the last good version, unchanged", version.Value, changed)
	}
}
